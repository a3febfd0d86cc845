//! Pushed authorization requests (RFC 9126): what a sign-in asks for goes to the provider directly, and
//! the browser carries a reference alone. It must not know who sends.

use crate::{
    clock::{Millis, Now},
    config::Config,
    error::{AuthError, Code, Phase},
    json,
    oauth::{
        authorize::{self, Parameters},
        metadata::Metadata,
        token::{self, HttpAnswer},
        transaction::Transaction,
    },
    secret::Secret,
};

/// The longest reference that is passed on, in bytes.
const LIMIT: usize = 4096;

/// A request that the provider holds, for one use.
#[derive(Debug, PartialEq, Eq)]
pub struct Pushed {
    request_uri: String,
    until: Millis,
}

/// Where requests are pushed to; `None` where they are not. Whoever asks for it, the provider or the
/// configuration, gets it or `provider_unsupported`: no request goes through the browser instead.
pub fn endpoint<'m>(
    config: &Config,
    metadata: &'m Metadata,
) -> Result<Option<&'m String>, AuthError> {
    if !config.push_authorization_requests && !metadata.requires_pushed_requests {
        return Ok(None);
    }
    let endpoint = metadata.pushed_authorization_request_endpoint.as_ref();
    endpoint.map(Some).ok_or_else(|| {
        AuthError::new(
            Code::ProviderUnsupported,
            Phase::SignIn,
            "the provider names no endpoint for pushed authorization requests: leave \
             `pushAuthorizationRequests` out, or set `endpoints`",
        )
    })
}

/// The form that pushes a request.
#[must_use]
pub fn body(parameters: &Parameters) -> Secret {
    token::form(&parameters.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect::<Vec<_>>())
}

/// What the provider answered (RFC 9126, 2.2 and 2.3).
pub fn read(answer: &HttpAnswer, now: Now) -> Result<Pushed, AuthError> {
    if let Some(refusal) = token::refusal(answer, Phase::SignIn, now.wall) {
        return Err(refusal.error);
    }
    let found = json::read(&answer.body, token::LIMIT).ok().filter(|_| answer.status == 201);
    let pushed = found.and_then(|told| {
        let request_uri = told.required("request_uri").ok()?;
        let is_reference = (1..=LIMIT).contains(&request_uri.len())
            && request_uri.bytes().all(|byte| byte.is_ascii_graphic());
        let until = token::seconds(told.get("expires_in"))?;
        is_reference.then(|| Pushed { request_uri: request_uri.to_owned(), until })
    });
    pushed.ok_or_else(|| {
        AuthError::new(
            Code::ProviderAnswerInvalid,
            Phase::SignIn,
            "the provider's answer to a pushed authorization request is none of RFC 9126, 2.2",
        )
    })
}

impl Pushed {
    /// Whether the provider still holds it, counted from before it was sent.
    #[must_use]
    pub fn is_held(&self, sent: Now, now: Now) -> bool {
        !sent.after(self.until).is_due(now)
    }

    /// The URL of the authorization request: the reference, and who asks (RFC 9126, 4).
    #[must_use]
    pub fn url(&self, config: &Config, transaction: &Transaction) -> String {
        let mut url = authorize::with_query(&transaction.metadata.authorization_endpoint);
        url.append_pair("client_id", &config.client_id);
        url.append_pair("request_uri", &self.request_uri);
        url.finish()
    }
}

/// Every reference was over before it could be used.
#[must_use]
pub fn too_short() -> AuthError {
    AuthError::transient(
        Code::Timeout,
        Phase::SignIn,
        "the provider forgets pushed requests (`expires_in`) sooner than they can be used: call \
         `signIn()` again",
    )
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use super::*;
    use crate::oauth::{
        authorize::Asked,
        fixtures::{NOW, config, metadata, parameters, transaction},
    };

    const AT: Now = Now { wall: NOW, monotonic: Millis(5_000) };

    fn answer(status: u16, body: &str) -> HttpAnswer {
        let content_type = Some("application/json".to_owned());
        let (retry_after, date) = (None, None);
        let body = body.as_bytes().to_vec();
        HttpAnswer { status, content_type, retry_after, date, dpop_nonce: None, body }
    }

    fn read_201(body: &str) -> Result<Pushed, Code> {
        read(&answer(201, body), AT).map_err(|error| error.code)
    }

    #[test]
    fn pushed_where_somebody_asks_for_it_pa4() {
        let place = Some("https://id.example.com/par".to_owned());
        let at = |asks, requires, place: &Option<String>| {
            let config = Config { push_authorization_requests: asks, ..config() };
            let pushed_authorization_request_endpoint = place.clone();
            let metadata = Metadata {
                pushed_authorization_request_endpoint,
                requires_pushed_requests: requires,
                ..metadata()
            };
            endpoint(&config, &metadata).map(Option::<&String>::cloned).map_err(|error| error.code)
        };
        for (asks, requires) in [(true, false), (false, true), (true, true)] {
            assert_eq!(at(asks, requires, &place), Ok(place.clone()));
            assert_eq!(at(asks, requires, &None), Err(Code::ProviderUnsupported), "no way around");
        }
        for place in [&place, &None] {
            assert_eq!(at(false, false, place), Ok(None));
        }
    }

    #[test]
    fn the_form_has_all_and_the_url_a_reference_alone_pa1_pa2() {
        let mut transaction = transaction();
        transaction.metadata.authorization_endpoint.push_str("?p=1");
        let asked = Asked { login_hint: Some("a&b".to_owned()), ..Asked::default() };
        let said = authorize::parameters(&config(), &mut transaction, &asked).unwrap();
        let form = ["?", body(&said).expose()].concat();
        assert_eq!(parameters(&form), said);
        assert!(!form.contains("request_uri="));
        let pushed = read_201(r#"{"request_uri":"urn:x:a&b","expires_in":60}"#).unwrap();
        assert_eq!(
            pushed.url(&config(), &transaction),
            "https://id.example.com/authorize?p=1&client_id=spa&request_uri=urn%3Ax%3Aa%26b"
        );
    }

    #[test]
    fn a_reference_is_used_while_it_is_held_pa3() {
        let pushed = read_201(r#"{"request_uri":"urn:x","expires_in":5}"#).unwrap();
        let later = |ms: u64| Now { monotonic: Millis(5_000 + ms), ..AT };
        assert!(pushed.is_held(AT, later(4_999)) && !pushed.is_held(AT, later(5_000)));
        let slept = Now { wall: crate::clock::UnixMillis(NOW.0 + 5_000), ..AT };
        assert!(!pushed.is_held(AT, slept));
    }

    #[test]
    fn anything_but_a_reference_is_an_error_pa5() {
        for body in [
            "",
            "{}",
            "[]",
            "<html>",
            r#"{"request_uri":"urn:x"}"#,
            r#"{"request_uri":"urn:x","expires_in":0}"#,
            r#"{"request_uri":"urn:x","expires_in":-1}"#,
            r#"{"request_uri":"urn:x","expires_in":null}"#,
            r#"{"request_uri":"","expires_in":60}"#,
            r#"{"request_uri":7,"expires_in":60}"#,
            r#"{"request_uri":"urn: x","expires_in":60}"#,
            r#"{"request_uri":"urn:x","request_uri":"urn:y","expires_in":60}"#,
        ] {
            assert_eq!(read_201(body), Err(Code::ProviderAnswerInvalid), "{body}");
        }
        let long = "x".repeat(LIMIT + 1);
        let body = format!(r#"{{"request_uri":"{long}","expires_in":60}}"#);
        assert_eq!(read_201(&body), Err(Code::ProviderAnswerInvalid));
        let good = r#"{"request_uri":"urn:x","expires_in":60}"#;
        for status in [200, 204, 302, 400, 404] {
            let error = read(&answer(status, good), AT).unwrap_err();
            assert_eq!((error.code, error.phase), (Code::ProviderAnswerInvalid, Phase::SignIn));
        }
    }

    #[test]
    fn a_refusal_is_told_in_the_providers_words_pa5() {
        for (status, code, may_pass) in [
            (400, "invalid_request", false),
            (400, "invalid_redirect_uri", false),
            (401, "invalid_client", false),
            (413, "invalid_request", false),
            (503, "temporarily_unavailable", true),
        ] {
            let error = read(&answer(status, &format!(r#"{{"error":"{code}"}}"#)), AT).unwrap_err();
            assert_eq!((error.code, error.phase), (Code::OauthError, Phase::SignIn));
            assert_eq!((error.oauth_error.as_deref(), error.retryable), (Some(code), may_pass));
        }
        let mut busy = answer(429, "");
        busy.retry_after = Some("7".to_owned());
        let error = read(&busy, AT).unwrap_err();
        assert_eq!((error.retryable, error.retry_after_ms), (true, Some(Millis(7_000))));
    }
}
