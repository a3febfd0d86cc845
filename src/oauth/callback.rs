//! The authorization response, as it stands in the query of the redirect URI (RFC 6749, 4.1.2;
//! RFC 9207). Every parameter is hostile input. It must not know which sign-ins are under way.

use crate::{
    error::{AuthError, Code, Phase, inert},
    oauth::metadata::Metadata,
    secret::Secret,
    url::ParsedUrl,
};

/// The longest query that is read, in bytes.
const LIMIT: usize = 32 * 1024;

/// The longest `state` that is looked for; ours have 43 characters.
const STATE_LIMIT: usize = 256;

/// An authorization response. Nothing in it is trusted before its `state` was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// The sign-in that it says it answers.
    pub state: String,
    /// The issuer that it says it comes from (RFC 9207).
    pub iss: Option<String>,
    /// The code, or the provider's refusal.
    pub outcome: Result<Secret, OauthError>,
}

/// A provider's refusal (RFC 6749, 4.1.2.1 and 5.2), its texts made inert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OauthError {
    /// The code: `access_denied`.
    pub error: String,
    /// What the provider says about it, for people.
    pub description: Option<String>,
}

impl OauthError {
    /// A refusal in the provider's words, of which only harmless characters are kept.
    #[must_use]
    pub fn new(error: &str, description: Option<&str>) -> Self {
        let description = description.map(|text| inert(text, 256));
        Self { error: inert(error, 64), description: description.filter(|text| !text.is_empty()) }
    }

    /// The same as an error of ours; retryable where the provider's code says that it is.
    #[must_use]
    pub fn to_auth_error(&self, phase: Phase) -> AuthError {
        let Self { error, description } = self;
        let message = match description {
            Some(description) => ["the provider refused: ", error, " (", description, ")"].concat(),
            None => ["the provider refused: ", error].concat(),
        };
        let retryable = matches!(error.as_str(), "temporarily_unavailable" | "server_error");
        let mut ours = AuthError::new(Code::OauthError, phase, message).with_oauth_error(error);
        ours.retryable = retryable;
        ours
    }
}

/// The authorization response in the query of `url`; its fragment plays no part (`response_mode` is
/// `query`). `callback_invalid` where a parameter is missing, empty, malformed or stands twice.
pub fn read(url: &ParsedUrl) -> Result<Callback, AuthError> {
    let query = url.search.strip_prefix('?').unwrap_or(&url.search);
    if query.len() > LIMIT {
        return Err(invalid("the callback's query is too long"));
    }
    let mut found = Parameters::default();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        found.take(&name, &value)?;
    }
    found.judge()
}

/// Whether a page at `url` is on its way back from the provider: it is at the redirect URI, with an
/// answer in the query.
#[must_use]
pub fn is_arrival(url: &ParsedUrl, redirect_uri: &ParsedUrl) -> bool {
    let parameters = url.parameters();
    let has = |wanted| parameters.iter().any(|(name, _)| name == wanted);
    url.origin == redirect_uri.origin
        && url.pathname == redirect_uri.pathname
        && has("state")
        && (has("code") || has("error"))
}

/// Whether the callback comes from the provider that was asked: `issuer_mismatch` where it names
/// another issuer, or none though the provider says that it always does (RFC 9207, 2.4). The
/// comparison is of strings, as they are; an issuer that is named must be right even where the
/// provider does not say that it names it.
pub fn check_issuer(callback: &Callback, metadata: &Metadata) -> Result<(), AuthError> {
    let is_right = match &callback.iss {
        Some(iss) => *iss == metadata.issuer,
        None => !metadata.iss_parameter_supported,
    };
    if is_right {
        return Ok(());
    }
    Err(AuthError::new(
        Code::IssuerMismatch,
        Phase::Callback,
        "the callback comes from another provider than the one that was asked: start the sign-in again",
    ))
}

#[derive(Default)]
struct Parameters {
    state: Option<String>,
    code: Option<Secret>,
    iss: Option<String>,
    error: Option<String>,
    description: Option<String>,
    has_token: bool,
}

impl Parameters {
    /// Keeps a parameter of the protocol; others belong to the application or to extensions.
    fn take(&mut self, name: &str, value: &str) -> Result<(), AuthError> {
        let is_new = match name {
            "state" => self.state.replace(value.to_owned()).is_none(),
            "code" => self.code.replace(Secret::from(value)).is_none(),
            "iss" => self.iss.replace(value.to_owned()).is_none(),
            "error" => self.error.replace(value.to_owned()).is_none(),
            "error_description" => self.description.replace(value.to_owned()).is_none(),
            "access_token" | "id_token" | "refresh_token" | "response" => {
                !core::mem::replace(&mut self.has_token, true)
            }
            _ => true,
        };
        if is_new { Ok(()) } else { Err(invalid("a parameter of the callback stands twice")) }
    }

    fn judge(self) -> Result<Callback, AuthError> {
        if self.has_token {
            return Err(invalid(
                "the callback carries what was not asked for (`response_type=code`)",
            ));
        }
        let state = self.state.filter(|state| state.len() <= STATE_LIMIT && is_visible(state));
        let state = state.ok_or_else(|| invalid("the callback has no `state`"))?;
        let outcome = match (self.code, self.error) {
            // exposed: to see that it is of a code's alphabet.
            (Some(code), None) if is_visible(code.expose()) => Ok(code),
            (None, Some(error)) if !error.is_empty() => {
                Err(OauthError::new(&error, self.description.as_deref()))
            }
            (Some(_), Some(_)) => return Err(invalid("the callback has both `code` and `error`")),
            _ => return Err(invalid("the callback has neither a `code` nor an `error`")),
        };
        Ok(Callback { state, iss: self.iss, outcome })
    }
}

/// Whether `text` is of the characters that RFC 6749 allows in `state` and `code` (appendix A).
fn is_visible(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

fn invalid(message: &'static str) -> AuthError {
    AuthError::new(Code::CallbackInvalid, Phase::Callback, message)
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::oauth::fixtures::{metadata, url};

    fn query(query: &str) -> Result<Callback, AuthError> {
        read(&url(&format!("https://app.example.com/callback?{query}")))
    }

    #[test]
    fn a_page_arrives_at_the_redirect_uri_with_an_answer_alone() {
        let redirect_uri = url("https://app.example.com/callback?place=page");
        for (address, is_one) in [
            ("https://app.example.com/callback?code=a&state=s", true),
            ("https://app.example.com/callback?place=page&state=s&error=denied#x", true),
            ("https://app.example.com/callback?code=a", false),
            ("https://app.example.com/callback?state=s", false),
            ("https://app.example.com/callback#code=a&state=s", false),
            ("https://app.example.com/callback", false),
            ("https://app.example.com/callback/?code=a&state=s", false),
            ("https://app.example.com:8443/callback?code=a&state=s", false),
        ] {
            assert_eq!(is_arrival(&url(address), &redirect_uri), is_one, "{address}");
        }
    }

    #[test]
    fn a_code_and_a_refusal_are_read_cb5() {
        let callback =
            query("code=a%2Bb&state=s&iss=https%3A%2F%2Fid.example.com&x=1&x=2").unwrap();
        assert_eq!(callback.outcome, Ok(Secret::from("a+b")));
        assert_eq!(callback.state, "s");
        assert_eq!(callback.iss.as_deref(), Some("https://id.example.com"));
        for error in [
            "invalid_request",
            "unauthorized_client",
            "access_denied",
            "unsupported_response_type",
            "invalid_scope",
            "server_error",
            "temporarily_unavailable",
            "login_required",
            "consent_required",
            "something_of_its_own",
        ] {
            let callback =
                query(&format!("error={error}&state=s&error_description=why+not")).unwrap();
            let refusal = callback.outcome.unwrap_err();
            assert_eq!(refusal.description.as_deref(), Some("why not"));
            let ours = refusal.to_auth_error(Phase::Callback);
            assert_eq!((ours.code, ours.oauth_error.as_deref()), (Code::OauthError, Some(error)));
            let may_pass = matches!(error, "server_error" | "temporarily_unavailable");
            assert_eq!(ours.retryable, may_pass);
        }
    }

    #[test]
    fn no_parameter_stands_twice_cb4() {
        for twice in [
            "code=a&code=b&state=s",
            "code=a&code=a&state=s",
            "code=a&state=s&state=s",
            "code=a&state=s&%73tate=t",
            "code=a&state=s&iss=x&iss=x",
            "error=a&error=a&state=s",
            "error=a&state=s&error_description=x&error_description=y",
        ] {
            assert_eq!(query(twice).map_err(|e| e.code), Err(Code::CallbackInvalid), "{twice}");
        }
    }

    #[test]
    fn malformed_callbacks_are_refused_cb3_cb12() {
        let long = format!("code=a&state={}", "s".repeat(STATE_LIMIT + 1));
        let longer = format!("code={}&state=s", "a".repeat(LIMIT));
        for bad in [
            "",
            "state=s",
            "code=a",
            "code=&state=s",
            "code=a&state=",
            "error=&state=s",
            "error=a",
            "code=a&error=b&state=s",
            "code=%00&state=s",
            "code=%FF&state=s",
            "code=a&state=%0A",
            "code=a&state=%E2%80%AE",
            "CODE=a&STATE=s",
            "code=a&state=s&access_token=t",
            "code=a&state=s&id_token=t",
            "response=jwt&state=s",
            &long,
            &longer,
        ] {
            assert_eq!(query(bad).map_err(|e| e.code), Err(Code::CallbackInvalid), "{bad}");
        }
        let longest = format!("code={}&state=s", "a".repeat(32 * 1024 - 13));
        assert!(query(&longest).is_ok());
    }

    #[test]
    fn a_refused_callback_says_what_is_wrong_with_it_cb3_cb4() {
        for (bad, says) in [
            ("code=a&error=b&state=s", "both"),
            ("code=a&state=s&access_token=t", "not asked for"),
            ("code=a&state=s&access_token=t&id_token=t", "twice"),
        ] {
            let error = query(bad).unwrap_err();
            assert!(error.message.contains(says), "{error}");
        }
    }

    #[test]
    fn a_fragment_is_no_callback_cb11() {
        for address in ["https://a/cb#code=a&state=s", "https://a/cb?state=s#code=a"] {
            assert_eq!(read(&url(address)).map_err(|e| e.code), Err(Code::CallbackInvalid));
        }
    }

    #[test]
    fn the_providers_words_are_inert_cb6() {
        let hostile =
            "error=%3Cscript%3E%0d%0a&state=s&error_description=%22%5C%3Cb%3E%F0%9F%98%80%00hi";
        let refusal = query(hostile).unwrap().outcome.unwrap_err();
        assert_eq!(refusal.error, "script");
        assert_eq!(refusal.description.as_deref(), Some("bhi"));
        let long = OauthError::new(&"e".repeat(1000), Some(&"d".repeat(1000)));
        assert_eq!(long.error.len(), 64);
        assert_eq!(long.description.map(|text| text.len()), Some(256));
    }

    #[test]
    fn the_issuer_must_be_the_one_asked_mx1_mx3_mx4_mx5() {
        let judged = |iss: Option<&str>, is_promised| {
            let metadata = Metadata { iss_parameter_supported: is_promised, ..metadata() };
            ["code=a", "error=access_denied"].map(|outcome| {
                let mut callback = query(&format!("{outcome}&state=s")).unwrap();
                callback.iss = iss.map(str::to_owned);
                check_issuer(&callback, &metadata).map_err(|error| error.code)
            })
        };
        let (right, wrong) = ([Ok(()); 2], [Err(Code::IssuerMismatch); 2]);
        for is_promised in [true, false] {
            assert_eq!(judged(Some("https://id.example.com"), is_promised), right);
            for near in [
                "https://id.example.com/",
                "https://ID.example.com",
                "https://id.example.com:443",
                "https://id.ex%61mple.com",
                "http://id.example.com",
                "https://evil.example",
                "",
            ] {
                assert_eq!(judged(Some(near), is_promised), wrong, "{near}");
            }
        }
        assert_eq!(judged(None, true), wrong);
        assert_eq!(judged(None, false), right);
    }

    proptest! {
        #[test]
        fn no_query_panics_and_none_passes_without_state_cb3(
            search in r"(\?)?((code|state|iss|error|error_description|x|%)=?(\PC|[%&=+a-f0-9]){0,8}&?){0,6}"
        ) {
            if let Ok(callback) = read(&ParsedUrl { search, ..url("https://app.example.com/callback") }) {
                prop_assert!(!callback.state.is_empty());
                prop_assert!(callback.outcome.map_or(true, |code| !code.expose().is_empty()));
            }
        }

        #[test]
        fn any_bytes_at_all_cb3(search in ".*") {
            if let Ok(callback) = read(&ParsedUrl { search, ..url("https://app.example.com/") }) {
                prop_assert!(!callback.state.is_empty());
            }
        }
    }
}
