//! Does an answer repeat the credential that it was asked with? A resource that echoes requests would hand
//! it to the page. What it turns into something else (an encoding, a hash) cannot be known here.

use zeroize::Zeroizing;

use crate::{
    error::{AuthError, Code, Phase},
    secret::Secret,
};

/// How much of a body is looked at, in bytes: an echo comes at once, and a download is not to pay.
const LOOKED_AT: usize = 64 * 1024;

/// The longest beginning of a credential that may pass, in bytes: of no use to anybody, and a text that
/// ends like a credential begins is not kept waiting.
const HARMLESS: usize = 8;

/// Looks for one credential in one answer.
#[derive(Debug)]
pub struct Reflection {
    credential: Option<Secret>,
    /// How much of the body is still looked at.
    left: usize,
    /// How much of the credential's beginning stands at the end of what came.
    matched: usize,
    /// How much of that has passed; the rest is held back.
    passed: usize,
}

/// What becomes of a piece of a body.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may pass as it is.
    Pass,
    /// These bytes pass instead; more are held back until it is known what they are.
    Instead(Vec<u8>),
    /// The credential is in it.
    Reflected,
}

impl Reflection {
    /// For an answer of this `Content-Type` to a request that was sent with `credential`. What is neither
    /// text nor JSON is not looked into.
    #[must_use]
    pub fn new(credential: Option<Secret>, content_type: Option<&str>) -> Self {
        let left = if content_type.is_none_or(is_text) { LOOKED_AT } else { 0 };
        // Shorter than what may pass: it would be found in anything.
        let credential = credential.filter(|credential| length(credential) > HARMLESS);
        Self { credential, left, matched: 0, passed: 0 }
    }

    /// Whether one of these header fields has the credential.
    #[must_use]
    pub fn is_in(&self, headers: &[(String, String)]) -> bool {
        self.credential.as_ref().is_some_and(|credential| {
            // exposed: to be looked for.
            headers.iter().any(|(_, value)| value.contains(credential.expose()))
        })
    }

    /// Whether pieces are still to be shown.
    #[must_use]
    pub fn is_looking(&self) -> bool {
        self.credential.is_some() && self.left > 0
    }

    /// Looks at the next piece.
    pub fn look(&mut self, piece: &[u8]) -> Verdict {
        let Some(credential) = self.credential.as_ref().filter(|_| self.left > 0) else {
            return Verdict::Pass;
        };
        // exposed: to be looked for.
        let wanted = credential.expose().as_bytes();
        // In one allocation: a growing one would leave unwiped copies.
        let mut all = Zeroizing::new(Vec::with_capacity(self.matched + piece.len()));
        all.extend_from_slice(&wanted[..self.matched]);
        all.extend_from_slice(piece);
        if all.windows(wanted.len()).any(|window| window == wanted) {
            return Verdict::Reflected;
        }
        self.left = self.left.saturating_sub(piece.len());
        let matched = if self.left > 0 { beginning(wanted, &all) } else { 0 };
        let kept = if matched > HARMLESS { matched } else { 0 };
        let (before, until) = (self.passed, all.len() - kept);
        let is_as_it_is = before == self.matched && kept == 0;
        self.matched = matched;
        self.passed = if kept == 0 { matched } else { before.saturating_sub(until) };
        if is_as_it_is {
            return Verdict::Pass;
        }
        Verdict::Instead(all.get(before..until).unwrap_or_default().to_vec())
    }

    /// What was held back, at the end of the body.
    pub fn rest(&mut self) -> Vec<u8> {
        let (from, to) = (core::mem::take(&mut self.passed), core::mem::take(&mut self.matched));
        // exposed: a part of the body that only begins like it.
        let credential = self.credential.as_ref().map(|credential| credential.expose().as_bytes());
        credential.and_then(|wanted| wanted.get(from..to)).unwrap_or_default().to_vec()
    }
}

/// The answer repeats the credential.
#[must_use]
pub fn reflected() -> AuthError {
    AuthError::new(
        Code::CredentialReflected,
        Phase::Fetch,
        "the answer repeats the credential that it was asked with, so it was not handed on: have the \
         resource not echo its requests' headers",
    )
}

/// How much of the end of `text` may be the beginning of `wanted`.
fn beginning(wanted: &[u8], text: &[u8]) -> usize {
    let longest = text.len().min(wanted.len() - 1);
    let ends = |length: &usize| text.ends_with(&wanted[..*length]);
    (1..=longest).rev().find(ends).unwrap_or(0)
}

fn length(credential: &Secret) -> usize {
    // exposed: to be measured.
    credential.expose().len()
}

fn is_text(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let (kind, subtype) = essence.split_once('/').unwrap_or((&essence, ""));
    kind.is_empty()
        || kind == "text"
        || ["json", "xml", "javascript", "x-www-form-urlencoded", "x-ndjson"].contains(&subtype)
        || subtype.ends_with("+json")
        || subtype.ends_with("+xml")
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TOKEN: &str = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln";

    fn looking(content_type: Option<&str>) -> Reflection {
        Reflection::new(Some(TOKEN.into()), content_type)
    }

    /// What passes of these pieces, in order; `None` where the credential is found.
    fn passed(reflection: &mut Reflection, pieces: &[&[u8]]) -> Option<Vec<u8>> {
        let mut passed = Vec::new();
        for piece in pieces {
            match reflection.look(piece) {
                Verdict::Pass => passed.extend_from_slice(piece),
                Verdict::Instead(bytes) => passed.extend(bytes),
                Verdict::Reflected => return None,
            }
        }
        passed.extend(reflection.rest());
        Some(passed)
    }

    #[test]
    fn a_header_with_the_credential_is_seen() {
        let header = |value: &str| [("x-echo".to_owned(), value.to_owned())];
        let reflection = looking(Some("image/png"));
        assert!(reflection.is_in(&header(&["Bearer ", TOKEN].concat())));
        assert!(!reflection.is_in(&header(&TOKEN[1..])));
        assert!(!Reflection::new(None, None).is_in(&header(TOKEN)));
    }

    #[test]
    fn a_body_with_the_credential_is_seen_wherever_it_is_cut() {
        let body = [r#"{"headers":{"authorization":"Bearer "#, TOKEN, r#""}}"#].concat();
        for cut in 0..=body.len() {
            let (a, b) = body.as_bytes().split_at(cut);
            let mut reflection = looking(Some("application/json; charset=utf-8"));
            assert_eq!(passed(&mut reflection, &[a, b]), None, "{cut}");
            let mut reflection = looking(None);
            let (first, second) = (reflection.look(a), reflection.look(b));
            let shown = match &first {
                Verdict::Pass => a,
                Verdict::Instead(bytes) => bytes,
                Verdict::Reflected => continue,
            };
            assert_eq!(second, Verdict::Reflected);
            let leaked = beginning(TOKEN.as_bytes(), shown);
            assert!(leaked <= HARMLESS, "{cut}: {leaked}");
        }
        let bytes: Vec<&[u8]> = body.as_bytes().chunks(1).collect();
        assert_eq!(passed(&mut looking(Some("text/plain")), &bytes), None);
    }

    #[test]
    fn what_only_begins_like_it_passes_whole_and_short_ends_at_once() {
        let body = [&TOKEN[..20], "…", &TOKEN[..8]].concat();
        let mut reflection = looking(Some("text/event-stream"));
        assert_eq!(reflection.look(&body.as_bytes()[..20]), Verdict::Instead(Vec::new()));
        assert!(matches!(reflection.look(&body.as_bytes()[20..]), Verdict::Instead(_)));
        assert_eq!(reflection.rest(), b"");
        assert_eq!(reflection.look(&TOKEN.as_bytes()[..8]), Verdict::Pass);
    }

    #[test]
    fn downloads_are_not_looked_into() {
        for content_type in ["image/png", "application/octet-stream", "video/mp4"] {
            let mut reflection = looking(Some(content_type));
            assert!(!reflection.is_looking());
            assert_eq!(reflection.look(TOKEN.as_bytes()), Verdict::Pass);
        }
        for content_type in ["", "text/html", "application/problem+json", "Application/JSON ;a=b"] {
            assert!(looking(Some(content_type)).is_looking(), "{content_type}");
        }
        let mut reflection = looking(None);
        assert_eq!(reflection.look(&vec![b' '; LOOKED_AT]), Verdict::Pass);
        assert!(!reflection.is_looking());
        assert!(!Reflection::new(Some("short".into()), None).is_looking());
    }

    proptest! {
        #[test]
        fn nothing_else_is_changed(
            parts in proptest::collection::vec(("[ey.Jhb]{0,12}", 0..TOKEN.len()), 0..12),
            cut in 1..9_usize,
        ) {
            let body: String = parts.iter().flat_map(|(a, b)| [a.as_str(), &TOKEN[..*b]]).collect();
            prop_assume!(!body.contains(TOKEN));
            let pieces: Vec<&[u8]> = body.as_bytes().chunks(cut * 3).collect();
            prop_assert_eq!(passed(&mut looking(None), &pieces), Some(body.clone().into_bytes()));
        }
    }
}
