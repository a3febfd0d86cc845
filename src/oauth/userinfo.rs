//! `UserInfo` (OpenID Connect Core, 5.3): claims that the provider gives for an access token, of use only
//! where they are about whom the ID token was for. It must not know how they are fetched.

use crate::{
    error::{AuthError, Code, Phase},
    json,
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

/// The claims of an answer to `token`, as JSON text, if they are about `subject`, whom the ID token is
/// for (Core, 5.3.2); `userinfo_invalid` otherwise.
pub fn read(
    answer: Answer<'_>,
    subject: Option<&str>,
    token: Option<&Secret>,
) -> Result<String, AuthError> {
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
        return Err(invalid(
            "is no JSON: signed UserInfo is not read, have the provider send JSON",
        ));
    }
    let claims = json::read(answer.body, LIMIT).map_err(|_| invalid("is no strict JSON object"))?;
    let Some(subject) = subject else {
        return Err(invalid("cannot be held against an ID token: ask for the scope `openid`"));
    };
    if claims.required("sub") != Ok(subject) {
        return Err(invalid("is about somebody else than the ID token (`sub`)"));
    }
    let text = core::str::from_utf8(answer.body).map_err(|_| invalid("is no text"))?;
    // exposed: to see that the answer does not give it away.
    if token.is_some_and(|token| text.contains(token.expose())) {
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

    const GOOD: &str = r#"{"sub":"alice","name":"Alice","__proto__":{"x":1}}"#;

    fn told(status: u16, content_type: Option<&str>, body: &str) -> Result<String, AuthError> {
        let answer = Answer { status, content_type, body: body.as_bytes() };
        read(answer, Some("alice"), Some(&Secret::from("at-1")))
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
            Some("alice"),
            None,
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
        let nobody = read(answer, None, None).map_err(|error| error.code);
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
