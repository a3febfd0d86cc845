//! `UserInfo` (OpenID Connect Core, 5.3): claims that the provider gives for an access token, of use only
//! where they are about whom the ID token was for. It must not know how they are fetched.

use crate::{
    error::{AuthError, Code, Phase},
    json::{self, Json, Object},
    oauth::{metadata::Metadata, token},
    secret::Secret,
};

/// The largest answer that is read, in bytes.
pub const LIMIT: usize = 256 * 1024;

/// An answer as it came.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The HTTP status.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

/// Where the claims are; `provider_unsupported` where the provider names no such place.
pub fn endpoint(metadata: &Metadata) -> Result<&String, AuthError> {
    metadata.userinfo_endpoint.as_ref().ok_or_else(|| {
        AuthError::new(
            Code::ProviderUnsupported,
            Phase::Fetch,
            "the provider names no UserInfo endpoint: set `endpoints.userinfo` if it has one",
        )
    })
}

/// Whom and what the claims are held against.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Whom the ID token is for; `None` where there is none.
    pub subject: Option<&'a str>,
    /// The access token that was lent.
    pub token: Option<&'a Secret>,
    /// The provider that was asked.
    pub issuer: &'a str,
    /// This client.
    pub client_id: &'a str,
}

/// The signed form of an answer, whose signature is to be verified before [`read_signed`]; `None` where it
/// is none (Core, 5.3.2).
#[must_use]
pub fn signed(answer: Answer<'_>) -> Option<Secret> {
    let is_jwt = |content_type| token::media_type(content_type) == "application/jwt";
    let is_signed = answer.status == 200 && answer.content_type.is_some_and(is_jwt);
    let text = core::str::from_utf8(answer.body).ok().filter(|_| is_signed)?;
    Some(Secret::from(text))
}

/// The claims of an answer, as JSON text, if they are about whom the ID token is for (Core, 5.3.2);
/// `userinfo_invalid` otherwise.
pub fn read(answer: Answer<'_>, expected: Expected<'_>) -> Result<String, AuthError> {
    if answer.status != 200 {
        let message = [
            "the UserInfo endpoint answered with status ",
            &json::decimal(answer.status.into()),
            ": check that the access token's scope has `openid`",
        ];
        let mut error = AuthError::new(Code::ProviderAnswerInvalid, Phase::Fetch, message.concat());
        error.retryable = answer.status >= 500 || answer.status == 429;
        return Err(error);
    }
    if !answer.content_type.is_some_and(token::is_json) {
        return Err(invalid("is neither JSON nor a signed JWT: set that for the client there"));
    }
    let claims = object(answer.body)?;
    told(answer.body, &claims, expected)
}

/// The same of a signed answer whose signature was good: `payload` is what was signed. It must be this
/// issuer's, for this client.
pub fn read_signed(payload: &[u8], expected: Expected<'_>) -> Result<String, AuthError> {
    let claims = object(payload)?;
    let is_for_us = match claims.get("aud") {
        Some(Json::List(names)) => {
            names.iter().any(|name| name.as_text() == Some(expected.client_id))
        }
        Some(name) => name.as_text() == Some(expected.client_id),
        None => false,
    };
    if claims.required("iss") != Ok(expected.issuer) || !is_for_us {
        return Err(invalid("is signed for another client, or by another issuer (`aud`, `iss`)"));
    }
    told(payload, &claims, expected)
}

/// The signature of a signed answer could not be verified, for this reason.
#[must_use]
pub fn unproven(why: AuthError) -> AuthError {
    if why.code == Code::IdTokenInvalid {
        return invalid(
            "has a signature that is not its issuer's, or of a kind that is not allowed",
        );
    }
    why.in_phase(Phase::Fetch)
}

fn object(body: &[u8]) -> Result<Object, AuthError> {
    json::read(body, LIMIT).map_err(|_| invalid("is no strict JSON object"))
}

fn told(body: &[u8], claims: &Object, expected: Expected<'_>) -> Result<String, AuthError> {
    let Some(subject) = expected.subject else {
        return Err(invalid("cannot be held against an ID token: ask for the scope `openid`"));
    };
    if claims.required("sub") != Ok(subject) {
        return Err(invalid("is about somebody else than the ID token (`sub`)"));
    }
    let text = core::str::from_utf8(body).map_err(|_| invalid("is no text"))?;
    // exposed: to see that the answer does not give it away.
    if expected.token.is_some_and(|token| text.contains(token.expose())) {
        return Err(invalid("repeats the access token"));
    }
    Ok(text.to_owned())
}

/// No answer came.
#[must_use]
pub fn unreachable() -> AuthError {
    AuthError::transient(
        Code::ProviderUnreachable,
        Phase::Fetch,
        "the UserInfo endpoint could not be reached in time: check the network, and that the provider \
         allows this origin (CORS)",
    )
}

fn invalid(problem: &str) -> AuthError {
    let message = ["the provider's UserInfo ", problem].concat();
    AuthError::new(Code::UserinfoInvalid, Phase::Fetch, message)
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use super::*;
    use crate::oauth::fixtures::metadata;

    const EXPECTED: Expected<'static> = Expected {
        subject: Some("alice"),
        token: None,
        issuer: "https://id.example.com",
        client_id: "spa",
    };

    const GOOD: &str = r#"{"sub":"alice","name":"Alice","__proto__":{"x":1}}"#;

    fn told(status: u16, content_type: Option<&str>, body: &str) -> Result<String, AuthError> {
        let answer = Answer { status, content_type, body: body.as_bytes() };
        let token = Secret::from("at-1");
        read(answer, Expected { token: Some(&token), ..EXPECTED })
    }

    fn code(body: &str) -> Option<Code> {
        told(200, Some("application/json"), body).err().map(|error| error.code)
    }

    #[test]
    fn claims_of_the_same_person_are_told_as_they_came_ui1_ui2() {
        for content_type in ["application/json", "Application/JSON; charset=utf-8"] {
            assert_eq!(told(200, Some(content_type), GOOD).as_deref(), Ok(GOOD));
        }
        let token_free = read(
            Answer { status: 200, content_type: Some("application/json"), body: GOOD.as_bytes() },
            EXPECTED,
        );
        assert!(token_free.is_ok());
    }

    #[test]
    fn somebody_elses_are_not_ui1() {
        for body in [
            r#"{"sub":"bob"}"#,
            r#"{"sub":"Alice"}"#,
            r#"{"sub":"alice "}"#,
            r#"{"sub":["alice"]}"#,
            r#"{"sub":null}"#,
            r#"{"name":"Alice"}"#,
            r#"{"sub":"alice","sub":"alice"}"#,
            r#""alice""#,
            "",
        ] {
            assert_eq!(code(body), Some(Code::UserinfoInvalid), "{body}");
        }
        let answer =
            Answer { status: 200, content_type: Some("application/json"), body: GOOD.as_bytes() };
        let nobody = Expected { subject: None, ..EXPECTED };
        let nobody = read(answer, nobody).map_err(|error| error.code);
        assert_eq!(nobody, Err(Code::UserinfoInvalid), "plain OAuth has nobody to compare with");
    }

    #[test]
    fn what_is_not_json_is_not_read_ui2() {
        for content_type in [None, Some("text/html"), Some("application/jwt"), Some("")] {
            let error = told(200, content_type, GOOD).unwrap_err();
            assert_eq!((error.code, error.phase), (Code::UserinfoInvalid, Phase::Fetch));
        }
        for (status, may_pass) in
            [(401, false), (403, false), (404, false), (429, true), (503, true)]
        {
            let error = told(status, Some("application/json"), GOOD).unwrap_err();
            assert_eq!((error.code, error.retryable), (Code::ProviderAnswerInvalid, may_pass));
        }
        let long = format!(r#"{{"sub":"alice","a":"{}"}}"#, "x".repeat(LIMIT));
        assert_eq!(code(&long), Some(Code::UserinfoInvalid));
        let long = format!(r#"{{"sub":"alice","a":"{}"}}"#, "x".repeat(200_000));
        assert_eq!(code(&long), None);
    }

    #[test]
    fn a_signed_answer_is_its_issuers_and_for_this_client_ui2() {
        let jwt = |status, content_type| {
            signed(Answer { status, content_type: Some(content_type), body: b"a.b.c" }).is_some()
        };
        assert!(jwt(200, "application/jwt") && jwt(200, "Application/JWT; charset=utf-8"));
        assert!(!jwt(200, "application/json") && !jwt(401, "application/jwt"));
        let iss = r#""iss":"https://id.example.com""#;
        for (members, is_good) in [
            (format!(r#"{iss},"aud":"spa""#), true),
            (format!(r#"{iss},"aud":["other","spa"]"#), true),
            (format!(r#"{iss},"aud":["other"]"#), false),
            (format!(r#"{iss},"aud":"Spa""#), false),
            (format!(r#"{iss},"aud":[]"#), false),
            (iss.to_owned(), false),
            (r#""aud":"spa""#.to_owned(), false),
            (r#""iss":"https://id.example.com/","aud":"spa""#.to_owned(), false),
        ] {
            let of = |subject: &str| {
                let payload = format!(r#"{{"sub":"{subject}",{members}}}"#);
                read_signed(payload.as_bytes(), EXPECTED).map_err(|error| error.code)
            };
            assert_eq!(of("alice").is_ok(), is_good, "{members}");
            assert_eq!(of("bob"), Err(Code::UserinfoInvalid), "ui1: {members}");
        }
        let keys = AuthError::transient(Code::KeysUnavailable, Phase::Callback, "away");
        let away = unproven(keys);
        assert_eq!((away.code, away.phase), (Code::KeysUnavailable, Phase::Fetch));
        let wrong = AuthError::new(Code::IdTokenInvalid, Phase::Callback, "bad");
        assert_eq!(unproven(wrong).code, Code::UserinfoInvalid);
    }

    #[test]
    fn a_token_that_is_repeated_stays_out_of_the_page_st9() {
        assert_eq!(code(r#"{"sub":"alice","echo":"Bearer at-1"}"#), Some(Code::UserinfoInvalid));
    }

    #[test]
    fn a_provider_without_the_endpoint_is_told_so() {
        assert_eq!(endpoint(&metadata()).map_err(|e| e.code), Err(Code::ProviderUnsupported));
        let place = "https://id.example.com/me".to_owned();
        let metadata = Metadata { userinfo_endpoint: Some(place.clone()), ..metadata() };
        assert_eq!(endpoint(&metadata), Ok(&place));
    }
}
