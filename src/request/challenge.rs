//! `WWW-Authenticate`: why a resource refused (RFC 9110, 11.6.1; RFC 6750, 3). A tolerant reader of
//! hostile text: what it does not understand it passes over.

/// One challenge of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge<'a> {
    /// The scheme as it stands: `Bearer`; empty where parameters came without one.
    pub scheme: &'a str,
    /// The parameters, quotes and escapes taken off, names as they stand.
    pub params: Vec<(&'a str, String)>,
}

impl Challenge<'_> {
    /// The first parameter of this name, whatever its case.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        let mut params = self.params.iter();
        params.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// The challenges of a header field, in their order.
#[must_use]
pub fn read(header: &str) -> Vec<Challenge<'_>> {
    let mut challenges: Vec<Challenge<'_>> = Vec::new();
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return challenges;
        }
        let (word, after) = token(rest);
        if word.is_empty() {
            // Not a character of any word: passed over.
            rest = skip_one(rest);
            continue;
        }
        let after_space = after.trim_start_matches([' ', '\t']);
        if let Some(value) = after_space.strip_prefix('=').filter(|rest| !rest.starts_with('=')) {
            let (value, after) = parameter_value(value.trim_start_matches([' ', '\t']));
            if challenges.is_empty() {
                challenges.push(Challenge { scheme: "", params: Vec::new() });
            }
            if let Some(challenge) = challenges.last_mut() {
                challenge.params.push((word, value));
            }
            rest = after;
        } else {
            challenges.push(Challenge { scheme: word, params: Vec::new() });
            rest = skip_token68(after);
        }
    }
}

/// The error that a challenge names (RFC 6750, 3.1; RFC 9449, 7.1): for a token that is bound to a key that
/// of a `DPoP` challenge, where there is one, else that of a bearer one. `Some("")` where such a challenge
/// has none, `None` where there is no such challenge. A field that holds parameters and no scheme, as some
/// resources send it, is read as a bearer challenge.
#[must_use]
pub fn error(header: &str, is_bound: bool) -> Option<String> {
    let challenges = read(header);
    let of = |scheme: &str, other: &str| {
        challenges.iter().find(|challenge| {
            let found = challenge.scheme;
            found.eq_ignore_ascii_case(scheme) || found.eq_ignore_ascii_case(other)
        })
    };
    let bound = if is_bound { of("dpop", "dpop") } else { None };
    let challenge = bound.or_else(|| of("bearer", ""))?;
    Some(challenge.param("error").unwrap_or_default().to_owned())
}

/// The longest beginning of `text` that is a token (RFC 9110, 5.6.2), and what follows.
fn token(text: &str) -> (&str, &str) {
    let is_other = |c: char| !(c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c));
    text.split_at(text.find(is_other).unwrap_or(text.len()))
}

/// What follows the first character.
fn skip_one(text: &str) -> &str {
    let mut chars = text.chars();
    chars.next();
    chars.as_str()
}

/// What follows the `token68` behind a scheme (`Basic dXNlcg==`), if there is one.
fn skip_token68(after_scheme: &str) -> &str {
    let text = after_scheme.trim_start_matches([' ', '\t']);
    let is_other = |c: char| !(c.is_ascii_alphanumeric() || "-._~+/".contains(c));
    let (word, rest) = text.split_at(text.find(is_other).unwrap_or(text.len()));
    let rest = rest.trim_start_matches('=').trim_start_matches([' ', '\t']);
    let is_token68 = !word.is_empty() && (rest.is_empty() || rest.starts_with(','));
    if is_token68 { rest } else { after_scheme }
}

/// A quoted string or a token, and what follows.
fn parameter_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = text.split_at(text.find([',', ' ', '\t']).unwrap_or(text.len()));
        return (value.to_owned(), rest);
    };
    let mut value = String::new();
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => value.extend(chars.next()),
            _ => value.push(c),
        }
    }
    (value, chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn br4_what_resources_send() {
        for (header, error) in [
            ("Bearer", Some("")),
            ("Bearer realm=\"api\"", Some("")),
            ("Bearer error=\"invalid_token\"", Some("invalid_token")),
            ("bearer ERROR = \"invalid_token\" , x=y", Some("invalid_token")),
            ("Bearer error=invalid_token", Some("invalid_token")),
            (
                "Basic realm=\"a, Bearer error=\\\"x\\\"\", Bearer error=\"insufficient_scope\"",
                Some("insufficient_scope"),
            ),
            ("Basic dXNlcg==, Bearer error=\"invalid_token\"", Some("invalid_token")),
            ("Negotiate, Bearer error=\"invalid_token\"", Some("invalid_token")),
            ("DPoP algs=\"ES256\", error=\"use_dpop_nonce\"", None),
            ("error=\"invalid_request\", error_description=\"no token\"", Some("invalid_request")),
            ("Bearer realm=\"a\" error=\"invalid_token\"", Some("invalid_token")),
            ("Basic realm=\"x\"", None),
            ("", None),
            (",, ;=\"", None),
            ("Bearer error=\"unterminated", Some("unterminated")),
            ("Bearer error=\"a\\", Some("a")),
        ] {
            assert_eq!(super::error(header, false).as_deref(), error, "{header}");
        }
    }

    #[test]
    fn br4_dp9_a_bound_token_is_judged_by_its_own_scheme() {
        for (header, error) in [
            ("DPoP algs=\"ES256\", error=\"use_dpop_nonce\"", Some("use_dpop_nonce")),
            ("dpop ERROR=use_dpop_nonce", Some("use_dpop_nonce")),
            ("Bearer error=\"invalid_token\", DPoP algs=\"ES256\"", Some("")),
            ("Bearer error=\"invalid_token\"", Some("invalid_token")),
            ("DPoP", Some("")),
            ("Basic realm=\"DPoP error=x\"", None),
        ] {
            assert_eq!(super::error(header, true).as_deref(), error, "{header}");
        }
    }

    #[test]
    fn br4_parameters_belong_to_their_scheme() {
        let challenges = read("Basic realm=\"b\", Bearer realm=\"r\", scope=\"a b\", Digest");
        let schemes: Vec<_> = challenges.iter().map(|c| c.scheme).collect();
        assert_eq!(schemes, ["Basic", "Bearer", "Digest"]);
        assert_eq!(challenges[1].param("Scope"), Some("a b"));
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod proptests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn br4_any_text_is_read(header in "[ -~\\t\u{80}-\u{ff}]{0,80}") {
            let _ = (super::error(&header, false), super::error(&header, true));
        }

        #[test]
        fn br4_what_is_written_is_read(
            value in "[ -~]{0,20}",
            before in "(Basic realm=\"x\", |Negotiate, |Basic YQ==, )?",
            is_lower: bool,
        ) {
            let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
            let header = format!("{before}Bearer realm=\"api\", error=\"{escaped}\"");
            prop_assert_eq!(super::error(&header, false), Some(value.clone()));
            let scheme = if is_lower { "dpop" } else { "DPoP" };
            let header = format!("{before}Bearer error=\"x\", {scheme} algs=\"ES256\", error=\"{escaped}\"");
            prop_assert_eq!(super::error(&header, true), Some(value));
        }
    }
}
