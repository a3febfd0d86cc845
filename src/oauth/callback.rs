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
            Some(description) => format!("the provider refused: {error} ({description})"),
            None => format!("the provider refused: {error}"),
        };
        let retryable = matches!(error.as_str(), "temporarily_unavailable" | "server_error");
        let ours = AuthError::new(Code::OauthError, phase, message);
        AuthError { retryable, ..ours.with_oauth_error(error) }
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
