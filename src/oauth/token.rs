//! The token endpoint: the forms that are sent to it and the strict reading of its answers (RFC 6749,
//! 4.1.3, 5 and 6). It must not know what becomes of a session.

use core::fmt;

use zeroize::Zeroize;

use crate::{
    clock::{Millis, UnixMillis},
    config::{Config, further_audience},
    error::{AuthError, Code, Phase},
    json::{self, JsonError},
    oauth::{callback::OauthError, dpop, http_date, transaction::Transaction},
    secret::Secret,
};

mod fields;

pub(super) use fields::seconds;

/// The largest token answer that is read, in bytes.
pub const LIMIT: usize = 256 * 1024;

/// The longest that a provider's `Retry-After` is obeyed.
const RETRY_AFTER_LIMIT: Millis = Millis::from_secs(24 * 60 * 60);

/// An answer as it came, its body wiped on drop.
pub struct HttpAnswer {
    /// The HTTP status.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Retry-After`, where the browser shows it.
    pub retry_after: Option<String>,
    /// `Date`, where the browser shows it.
    pub date: Option<String>,
    /// `DPoP-Nonce`, where the browser shows it; what several headers say is joined by it.
    pub dpop_nonce: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Drop for HttpAnswer {
    fn drop(&mut self) {
        self.body.zeroize();
    }
}

impl fmt::Debug for HttpAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpAnswer({})", self.status)
    }
}

/// A good token answer (RFC 6749, 5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenAnswer {
    /// The access token; opaque to a client.
    pub access_token: Secret,
    /// Whether it is bound to a key: of the type `DPoP`, not `Bearer`.
    pub is_bound: bool,
    /// The refresh token; absent where the old one stays, or none was granted.
    pub refresh_token: Option<Secret>,
    /// The ID token, unchecked.
    pub id_token: Option<Secret>,
    /// How long the access token lives; absent where the provider does not say, or not sensibly.
    pub expires_in: Option<Millis>,
    /// How long the refresh token lives, where the provider says it: no standard has a name for it.
    pub refresh_expires_in: Option<Millis>,
    /// What was granted; absent where it is what was asked for (RFC 6749, 5.1).
    pub scope: Option<Vec<String>>,
}

/// Anything but a good answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What to tell whoever waits.
    pub error: AuthError,
    /// Whether the provider said that the grant is over: nothing but a new sign-in helps.
    pub is_final: bool,
    /// How long the provider wants to be left alone.
    pub retry_after: Option<Millis>,
}

/// The form that exchanges a code (RFC 6749, 4.1.3; RFC 7636, 4.5). A public client names itself and
/// has no secret.
#[must_use]
pub fn code_body(config: &Config, code: &Secret, transaction: &Transaction) -> Secret {
    for_resources(
        &config.resource,
        &[
            ("grant_type", "authorization_code"),
            ("client_id", &config.client_id),
            ("redirect_uri", transaction.redirect_uri(config)),
            // exposed: the provider is who the code and the verifier are for.
            ("code", code.expose()),
            ("code_verifier", transaction.verifier.expose()),
        ],
    )
}

/// The form of the password grant (RFC 6749, 4.3.2), which RFC 9700, 2.4, forbids: for migrations alone.
#[must_use]
pub fn password_body(config: &Config, username: &Secret, password: &Secret) -> Secret {
    let scope = config.scope.join(" ");
    for_resources(
        &config.resource,
        &[
            ("grant_type", "password"),
            ("client_id", &config.client_id),
            ("scope", &scope),
            // exposed: the provider is who they are for.
            ("username", username.expose()),
            ("password", password.expose()),
        ],
    )
}

/// Leave to take a password.
pub fn admit_password(config: &Config) -> Result<(), AuthError> {
    if config.allow_password_grant {
        return Ok(());
    }
    Err(AuthError::new(
        Code::PasswordGrantNotAllowed,
        Phase::SignIn,
        "passwords are for the provider's own page: use `signIn()`, or set `allowPasswordGrant` to \
         \"deprecated\" while you migrate",
    ))
}

/// The form that refreshes (RFC 6749, 6), for the audience of that number. Without `scope`, so that the
/// grant stays what it was; without the token, where a backend has it behind a cookie.
#[must_use]
pub fn refresh_body(config: &Config, refresh_token: Option<&Secret>, audience: usize) -> Secret {
    let further = further_audience(&config.audiences, audience);
    let resources = further.map_or(&*config.resource, core::slice::from_ref);
    let mut fields = vec![("grant_type", "refresh_token"), ("client_id", &*config.client_id)];
    // exposed: the provider is who issued it.
    fields.extend(refresh_token.map(|token| ("refresh_token", token.expose())));
    for_resources(resources, &fields)
}

/// A token request's form, for these resources (RFC 8707, 2.2).
fn for_resources(resources: &[String], fields: &[(&str, &str)]) -> Secret {
    let resources = resources.iter().map(|uri| ("resource", uri.as_str()));
    form(&fields.iter().copied().chain(resources).collect::<Vec<_>>())
}

/// `application/x-www-form-urlencoded`, in one allocation: a growing one would leave unwiped copies.
pub(crate) fn form(fields: &[(&str, &str)]) -> Secret {
    let mut form = form_urlencoded::Serializer::new(String::with_capacity(longest(fields)));
    for (name, value) in fields {
        form.append_pair(name, value);
    }
    Secret::new(form.finish())
}

/// How long that form is at most: three bytes for each of the text, and the two separators.
fn longest(fields: &[(&str, &str)]) -> usize {
    fields.iter().map(|(name, value)| 3 * (name.len() + value.len()) + 2).sum()
}

/// What the token endpoint's answer means. `server_now` is the provider's time as far as it is known;
/// the answer's own `Date` is better, where it is visible.
pub fn read(
    answer: &HttpAnswer,
    phase: Phase,
    server_now: UnixMillis,
) -> Result<TokenAnswer, Refusal> {
    if let Some(refusal) = refusal(answer, phase, server_now) {
        return Err(refusal);
    }
    let content_type = answer.content_type.as_deref();
    if answer.status != 200 || !content_type.is_none_or(is_json) {
        let error = AuthError::transient(Code::ProviderAnswerInvalid, phase, not_an_answer(answer));
        return Err(Refusal { error, is_final: false, retry_after: later(answer, server_now) });
    }
    granted(&answer.body).map_err(|message| Refusal {
        error: AuthError::new(Code::TokenAnswerInvalid, phase, message),
        is_final: false,
        retry_after: None,
    })
}

/// The tokens are of another type than was asked for. A bearer token in the place of one that is bound to
/// a key would serve whoever takes it (RFC 9449, 5).
#[must_use]
pub fn type_refused(config: &Config) -> AuthError {
    let message = if config.is_bound() {
        "the provider issued a bearer token though a DPoP proof was sent, so it was not taken: have it bind \
         this client's tokens, or leave `dpop` out"
    } else {
        "the provider issued a token that is bound to a key (`DPoP`), and there is none: set `dpop`"
    };
    AuthError::new(Code::TokenTypeRefused, Phase::Callback, message)
}

/// More was granted than was asked for, where a backend asks in this client's place: what it has is not all this
/// client's to use (RFC 10017, 6.2.2.3).
#[must_use]
pub fn scope_refused() -> AuthError {
    AuthError::new(
        Code::TokenAnswerInvalid,
        Phase::Callback,
        "the backend's access token is of a wider scope than `scope`, so it was not taken: have it ask for this \
         client's alone, or name all of it there",
    )
}

/// A backend renewed tokens, and nothing says whose they are: its cookie is whoever's signed in last, in any tab.
#[must_use]
pub fn id_token_missing() -> AuthError {
    AuthError::new(
        Code::TokenAnswerInvalid,
        Phase::Refresh,
        "the backend's answer to a refresh has no ID token, so its tokens may be anybody's and were not taken: have \
         it give on what the provider sends with each refresh (scope `openid`)",
    )
}

/// What an answer says that is none, of this endpoint or another one of its kind; `None` where it may
/// be one.
pub(super) fn refusal(
    answer: &HttpAnswer,
    phase: Phase,
    server_now: UnixMillis,
) -> Option<Refusal> {
    if answer.status >= 500 || matches!(answer.status, 408 | 429) {
        return Some(busy(answer, phase, server_now));
    }
    // Some providers refuse with a status of their own, 200 and 403 among them.
    let error = oauth_error(&answer.body)?;
    if dpop::wants_unreadable_nonce(&error.error, answer.dpop_nonce.as_deref()) {
        let error = dpop::nonce_unreadable(phase);
        return Some(Refusal { error, is_final: false, retry_after: None });
    }
    Some(refused(&error, phase, later(answer, server_now)))
}

/// The time in a `Retry-After`, from `server_now` on: seconds or a date (RFC 9110, 10.2.3), at most a
/// day. `None` where it is neither.
#[must_use]
pub fn retry_after(text: &str, server_now: UnixMillis) -> Option<Millis> {
    let text = text.trim_matches([' ', '\t']);
    let wait = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number holds are longer than any limit.
        Millis::from_secs(text.parse().unwrap_or(u64::MAX))
    } else {
        let until = http_date::http_date(text)?.0.saturating_sub(server_now.0);
        Millis(u64::try_from(until).unwrap_or(0))
    };
    Some(wait.min(RETRY_AFTER_LIMIT))
}

fn later(answer: &HttpAnswer, server_now: UnixMillis) -> Option<Millis> {
    let now = answer.date.as_deref().and_then(http_date::http_date).unwrap_or(server_now);
    retry_after(answer.retry_after.as_deref()?, now)
}

/// The provider cannot answer now; whatever its body says, the grant is not over.
fn busy(answer: &HttpAnswer, phase: Phase, server_now: UnixMillis) -> Refusal {
    let retry_after = later(answer, server_now);
    let mut error = match oauth_error(&answer.body) {
        Some(error) => error.to_auth_error(phase),
        None => AuthError::new(Code::ProviderAnswerInvalid, phase, not_an_answer(answer)),
    };
    error.retryable = true;
    error.retry_after_ms = retry_after;
    Refusal { error, is_final: false, retry_after }
}

fn refused(error: &OauthError, phase: Phase, retry_after: Option<Millis>) -> Refusal {
    let is_final = matches!(
        error.error.as_str(),
        "invalid_grant"
            | "invalid_client"
            | "unauthorized_client"
            | "unsupported_grant_type"
            | "invalid_scope"
    );
    let mut error = error.to_auth_error(phase);
    error.retry_after_ms = retry_after;
    Refusal { error, is_final, retry_after }
}

fn not_an_answer(answer: &HttpAnswer) -> String {
    [
        "the provider answered with status ",
        &json::decimal(answer.status.into()),
        " and no answer to this request: check the provider, or try again later",
    ]
    .concat()
}

fn oauth_error(body: &[u8]) -> Option<OauthError> {
    let refusal = json::read(body, LIMIT).ok()?;
    // Without `error_description`: a provider that repeats there the token that it refuses would put
    // it into a message for the page. The code passes if it is of the kind that is registered.
    let code = refusal.text("error").ok()??;
    let is_code = code.len() <= 64 && code.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'_'));
    let error = OauthError::new(if is_code { code } else { "unregistered_error" }, None);
    (!code.is_empty()).then_some(error)
}

fn granted(body: &[u8]) -> Result<TokenAnswer, &'static str> {
    let answer = json::read(body, LIMIT).and_then(fields::read).map_err(|error| match error {
        JsonError::TooLarge => "the token answer is too large",
        JsonError::Malformed => "the token answer is not strict JSON",
        JsonError::Unexpected => {
            "the token answer lacks a member, has one of another kind, or is neither of the type `Bearer` nor `DPoP`"
        }
    })?;
    if !is_token(&answer.access_token) {
        return Err(
            "the token answer's `access_token` is empty or of other characters than a token",
        );
    }
    if answer.refresh_token.as_ref().is_some_and(|token| !is_token(token)) {
        return Err("the token answer's `refresh_token` is of other characters than a token");
    }
    Ok(answer)
}

/// Whether it is of the characters of a token (RFC 6749, A.12), and fit for a header field: without
/// spaces at its ends, which `fetch` would drop.
fn is_token(token: &Secret) -> bool {
    let text = token.expose(); // exposed: to see its alphabet.
    !text.is_empty()
        && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        && !text.starts_with(' ')
        && !text.ends_with(' ')
}

pub(super) fn media_type(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

pub(super) fn is_json(content_type: &str) -> bool {
    let media_type = media_type(content_type);
    media_type == "application/json"
        || (media_type.starts_with("application/") && media_type.ends_with("+json"))
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests;
