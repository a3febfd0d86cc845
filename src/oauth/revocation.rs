//! Revocation (RFC 7009): what is sent, and whether to send it again. Nothing of a session depends on
//! the answer.

use std::rc::Rc;

use crate::{
    clock::{Millis, UnixMillis},
    config::Config,
    oauth::token::{self, HttpAnswer, TokenAnswer},
    secret::Secret,
};

const REFRESH_TOKEN: &str = "refresh_token";

/// How often a revocation is sent at most.
const MOST: u32 = 3;
/// How long until the next attempt, where the provider does not say.
const PAUSE: Millis = Millis::from_secs(5);
/// A provider that wants to be left alone for longer is.
const LONGEST: Millis = Millis::from_secs(60);

/// A token that is to be revoked, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocable {
    /// `None` where a backend has it behind a cookie.
    token: Option<Rc<Secret>>,
    hint: &'static str,
}

impl Revocable {
    /// A refresh token: its access tokens go with it (RFC 7009, 2.1).
    #[must_use]
    pub fn refresh_token(token: &Rc<Secret>) -> Self {
        Self { token: Some(Rc::clone(token)), hint: REFRESH_TOKEN }
    }

    /// An access token.
    #[must_use]
    pub fn access_token(token: &Rc<Secret>) -> Self {
        Self { token: Some(Rc::clone(token)), hint: "access_token" }
    }

    /// The refresh token that a backend has behind a cookie: the cookie goes with it.
    #[must_use]
    pub fn behind_cookie() -> Self {
        Self { token: None, hint: REFRESH_TOKEN }
    }

    /// Whether a backend has it.
    #[must_use]
    pub fn is_behind_cookie(&self) -> bool {
        self.token.is_none()
    }

    /// What takes all that was issued with it.
    #[must_use]
    pub fn issued(answer: &TokenAnswer) -> Self {
        match &answer.refresh_token {
            Some(token) => Self::refresh_token(&Rc::new(token.clone())),
            None => Self::access_token(&Rc::new(answer.access_token.clone())),
        }
    }

    /// The form that revokes it.
    #[must_use]
    pub fn body(&self, config: &Config) -> Secret {
        // exposed: the provider is who issued it.
        let token = self.token.as_ref().map(|token| ("token", token.expose()));
        let rest = [("token_type_hint", self.hint), ("client_id", &*config.client_id)];
        token::form(&token.into_iter().chain(rest).collect::<Vec<_>>())
    }

    /// The token itself, where it is here.
    #[must_use]
    pub fn token(&self) -> Option<&Secret> {
        self.token.as_deref()
    }
}

/// When to send it again, after so many attempts the last of which was answered so, or not at all.
/// `None` where it is done: a provider that does not know the token, does not revoke its kind, or does
/// not listen to public clients has said all that it will (RFC 7009, 2.2).
#[must_use]
pub fn again(answer: Option<&HttpAnswer>, attempts: u32, server_now: UnixMillis) -> Option<Millis> {
    let wait = match answer {
        Some(answer) if answer.status < 500 && !matches!(answer.status, 408 | 429) => return None,
        Some(answer) => answer.retry_after.as_deref(),
        None => None,
    };
    let wait = wait.and_then(|text| token::retry_after(text, server_now)).unwrap_or(PAUSE);
    (attempts < MOST && wait <= LONGEST).then_some(wait)
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use super::*;
    use crate::oauth::fixtures::{NOW, config};

    #[test]
    fn a_revocation_names_token_kind_and_client_rv1() {
        let token = Rc::new(Secret::from("a+b/c=&d"));
        assert_eq!(
            Revocable::refresh_token(&token).body(&config()).expose(),
            "token=a%2Bb%2Fc%3D%26d&token_type_hint=refresh_token&client_id=spa"
        );
        assert_eq!(
            Revocable::access_token(&token).body(&config()).expose(),
            "token=a%2Bb%2Fc%3D%26d&token_type_hint=access_token&client_id=spa"
        );
        assert_eq!(
            Revocable::behind_cookie().body(&config()).expose(),
            "token_type_hint=refresh_token&client_id=spa"
        );
        assert!(!format!("{:?}", Revocable::refresh_token(&token)).contains("a+b"));
    }

    fn after(status: u16, retry_after: Option<&str>, attempts: u32) -> Option<Millis> {
        let answer = HttpAnswer {
            status,
            content_type: None,
            retry_after: retry_after.map(str::to_owned),
            date: None,
            dpop_nonce: None,
            body: br#"{"error":"unsupported_token_type"}"#.to_vec(),
        };
        again(Some(&answer), attempts, NOW)
    }

    #[test]
    fn what_the_provider_said_is_the_end_of_it_rv2_rv5() {
        for status in [200, 204, 302, 400, 401, 403, 404] {
            assert_eq!(after(status, Some("1"), 1), None, "{status}");
        }
    }

    #[test]
    fn a_provider_that_cannot_now_is_asked_again_when_it_says_rv3() {
        assert_eq!(after(503, Some("7"), 1), Some(Millis(7_000)));
        assert_eq!(after(429, Some("0"), 2), Some(Millis(0)));
        for wait in [None, Some("soon"), Some("-1")] {
            assert_eq!(after(500, wait, 1), Some(PAUSE));
        }
        assert_eq!(after(503, Some("60"), 1), Some(LONGEST));
        assert_eq!(after(503, Some("61"), 1), None, "it is left alone");
        assert_eq!(after(503, Some("7"), MOST), None, "not for ever");
        assert_eq!(again(None, 1, NOW), Some(PAUSE), "the network failed");
        assert_eq!(again(None, MOST, NOW), None);
    }
}
