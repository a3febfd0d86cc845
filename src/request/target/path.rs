//! Paths that a credential is bound to: whether one is below another, and whether every server agrees.

/// What servers may undo after the path was judged here: encoded dots, slashes and backslashes; and a bare
/// backslash.
const ENCODED_TRICKS: &[&str] = &["%2e", "%2f", "%5c", "\\"];

/// Whether `path` is `prefix` or below it, by whole segments: `/v1` has `/v1/me`, not `/v10`.
pub(super) fn is_below(path: &str, prefix: &str) -> bool {
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether every server reads the path as it stands, also one that decodes it once or twice.
pub(super) fn is_plain(path: &str) -> bool {
    let once = decoded(path.as_bytes());
    let twice = decoded(&once);
    [path.as_bytes(), &once, &twice].iter().all(|path| is_read_one_way(path))
}

fn is_read_one_way(path: &[u8]) -> bool {
    let is_in = |trick: &&str| {
        let mut parts = path.windows(trick.len());
        parts.any(|part| part.eq_ignore_ascii_case(trick.as_bytes()))
    };
    // Some servers take parameters off first: `..;a` becomes `..`.
    let is_dots =
        |segment: &[u8]| matches!(segment.split(|byte| *byte == b';').next(), Some(b"." | b".."));
    !ENCODED_TRICKS.iter().any(is_in) && !path.split(|byte| *byte == b'/').any(is_dots)
}

/// The path with each `%` and its two digits as the byte that they stand for.
fn decoded(path: &[u8]) -> Vec<u8> {
    let digit = |at: usize| path.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut decoded = Vec::new();
    let mut at = 0;
    while let Some(byte) = path.get(at) {
        let two = || u8::try_from(digit(at + 1)? * 16 + digit(at + 2)?).ok();
        let encoded = if *byte == b'%' { two() } else { None };
        decoded.push(encoded.unwrap_or(*byte));
        at += if encoded.is_some() { 3 } else { 1 };
    }
    decoded
}
