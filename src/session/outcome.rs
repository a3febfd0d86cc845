//! What became of a token request: a grant whose ID token is still to be proven, or a failure with what
//! is known of it. The one place where statuses and errors turn into what the session understands.

use std::rc::Rc;

use super::{
    grant::Grant,
    inputs::{Reach, TokenFailure, TokenRequest},
    proof::Unproven,
};
use crate::{
    clock::{Now, UnixMillis},
    config::Config,
    error::{AuthError, Code, Phase},
    oauth::{
        http_date::http_date,
        revocation::Revocable,
        token::{self, HttpAnswer, Refusal, TokenAnswer},
    },
};

/// Why a request has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// It is known not to have been sent.
    NotSent(AuthError),
    /// It was sent, or may have been.
    Lost(AuthError),
}

impl Unanswered {
    /// The error alone, of something else than a token request.
    #[must_use]
    pub fn into_error(self, phase: Phase) -> AuthError {
        let (Self::NotSent(error) | Self::Lost(error)) = self;
        error.in_phase(phase)
    }
}

/// What the end of `request` is worth.
pub fn judge(
    request: &TokenRequest,
    outcome: Result<HttpAnswer, Unanswered>,
    config: &Config,
    now: Now,
) -> Result<Unproven, TokenFailure> {
    read(request, outcome, config, now).map_err(|failure| in_phase(request, failure))
}

fn read(
    request: &TokenRequest,
    outcome: Result<HttpAnswer, Unanswered>,
    config: &Config,
    now: Now,
) -> Result<Unproven, TokenFailure> {
    let answer = outcome?;
    let date = answer.date.as_deref().and_then(http_date);
    let tokens = token::read(&answer, phase(request), server_now(request, date, now)).map_err(
        |refusal| from_refusal(refusal, answer.status, is_one_of_several(request, config)),
    )?;
    let issued = Revocable::issued(&tokens);
    let unproven = match request {
        _ if tokens.is_bound != config.is_bound() => Err(token::type_refused(config)),
        _ if is_too_wide(&tokens, config) => Err(token::scope_refused()),
        TokenRequest::Refresh { .. } if is_anybodys(&tokens, config) => {
            Err(token::id_token_missing())
        }
        TokenRequest::Code { transaction, code } => {
            Grant::from_code(tokens, transaction, config, now, date)
                .map(|grant| Unproven::from_code(grant, code))
        }
        TokenRequest::Password { .. } => {
            Grant::unasked(tokens, config, now, date).map(Unproven::unasked)
        }
        TokenRequest::Refresh { grant, .. } if grant.is_unknown() => {
            Grant::unasked(tokens, config, now, date).map(Unproven::unasked)
        }
        TokenRequest::Refresh { grant, .. } => grant
            .renewed(tokens, config, now, date)
            .map(|renewed| Unproven::renewed(renewed, Rc::clone(grant))),
    };
    // The provider vouches for somebody else, or for nobody: what it gave is of no use, and what it
    // took back does not return.
    unproven.map_err(|error| TokenFailure {
        // What a backend asks for, it may ask for otherwise.
        is_final: error.code != Code::TokenAnswerInvalid,
        error,
        reach: Reach::Answered,
        retry_after: None,
        issued: Some(issued),
    })
}

impl From<Unanswered> for TokenFailure {
    fn from(unanswered: Unanswered) -> Self {
        let (error, reach) = match unanswered {
            Unanswered::NotSent(error) => (error, Reach::NotSent),
            Unanswered::Lost(error) => (error, Reach::Lost),
        };
        Self { error, reach, is_final: false, retry_after: None, issued: None }
    }
}

/// An answer that is no grant. A failing server, a gateway that speaks for a provider which did not
/// answer it, and a 200 whose body does not read may each stand for a rotation that took place.
fn from_refusal(refusal: Refusal, status: u16, is_one_of_several: bool) -> TokenFailure {
    let Refusal { mut error, mut is_final, retry_after } = refusal;
    let about = error.oauth_error.as_deref();
    // Of a server that fails, its words do not count.
    if is_one_of_several
        && !error.retryable
        && matches!(about, Some("invalid_target" | "invalid_scope" | "unauthorized_client"))
    {
        let code = error.oauth_error.take();
        error = audience_unavailable();
        error.oauth_error = code;
        is_final = false;
    }
    let is_lost = !is_final && (status >= 500 || status == 200);
    let reach = if is_lost { Reach::Lost } else { Reach::Answered };
    TokenFailure { error, reach, is_final, retry_after, issued: None }
}

/// Whether a backend had more granted than was asked for.
fn is_too_wide(tokens: &TokenAnswer, config: &Config) -> bool {
    let mut granted = tokens.scope.iter().flatten().filter(|_| config.refresh_cookie.is_some());
    granted.any(|scope| !config.scope.contains(scope))
}

/// Whether nobody knows whom a backend's cookie stood for.
fn is_anybodys(tokens: &TokenAnswer, config: &Config) -> bool {
    config.refresh_cookie.is_some() && tokens.id_token.is_none()
}

/// Whether the access token is for one audience of several, so that a refusal may concern that one alone
/// (RFC 8707, 2).
fn is_one_of_several(request: &TokenRequest, config: &Config) -> bool {
    matches!(request, TokenRequest::Refresh { .. }) && config.audiences.len() > 1
}

/// There is no access token for one audience of several.
pub(super) fn audience_unavailable() -> AuthError {
    AuthError::new(
        Code::AudienceUnavailable,
        Phase::Refresh,
        "no access token for this resource: the provider refuses one for its `resource`, or the session \
         has no refresh token to get it with (`offline_access`, at most providers)",
    )
}

fn phase(request: &TokenRequest) -> Phase {
    match request {
        TokenRequest::Code { .. } => Phase::Callback,
        TokenRequest::Password { .. } => Phase::SignIn,
        TokenRequest::Refresh { .. } => Phase::Refresh,
    }
}

/// A code is never sent twice, nor is a password, so its failure is not one that the same call may
/// survive later.
fn in_phase(request: &TokenRequest, mut failure: TokenFailure) -> TokenFailure {
    let is_refresh = matches!(request, TokenRequest::Refresh { .. });
    failure.error.phase = phase(request);
    failure.error.retryable &= is_refresh;
    failure
}

/// The provider's time as far as it is known.
fn server_now(request: &TokenRequest, date: Option<UnixMillis>, now: Now) -> UnixMillis {
    date.unwrap_or_else(|| match request {
        TokenRequest::Code { .. } | TokenRequest::Password { .. } => now.wall,
        TokenRequest::Refresh { grant, .. } => grant.offset.server_time(now),
    })
}
