//! The token endpoint's answers: whatever comes, a refresh keeps the user and never widens its scopes,
//! and no text of the answer but a refusal's reaches an error. A code is never asked for twice.
#![no_main]

use std::rc::Rc;

use libfuzzer_sys::fuzz_target;
use tokenward::{
    clock::{Millis, Now, ServerOffset, UnixMillis},
    config::{Config, Logout, Persistence, Restore, TokenType},
    error::{AuthError, Code},
    jwt::{algorithm::Algorithms, claims::Claims},
    oauth::{
        metadata::Metadata,
        token::HttpAnswer,
        transaction::{Mode, Transaction},
    },
    secret::Secret,
    session::{
        grant::Grant,
        inputs::{TokenFailure, TokenRequest},
        outcome::judge,
        proof::Unproven,
    },
};

const NOW: Now = Now { wall: UnixMillis(1_700_000_000_000), monotonic: Millis(5_000) };
const TEN_YEARS: Millis = Millis::from_secs(10 * 365 * 24 * 60 * 60);

/// What no error's text may hold, wherever in the body it stands.
const MARKER: &str = "zqx7marker";

fuzz_target!(|input: (u16, Option<&str>, Option<&str>, &[u8])| {
    let (status, retry_after, date, body) = input;
    // Most answers are good ones or refusals.
    let status = [200, 400, 401, 429, 500, status][usize::from(status % 6)];
    let answer = || HttpAnswer {
        status,
        content_type: Some("application/json".to_owned()),
        retry_after: retry_after.map(str::to_owned),
        date: date.map(str::to_owned),
        dpop_nonce: None,
        body: body.to_vec(),
    };
    let grant = known();
    let refresh_token = Some(Rc::new(Secret::from("rt")));
    let request =
        TokenRequest::Refresh { grant: Rc::new(grant.clone()), refresh_token, audience: 0 };
    match judge(&request, Ok(answer()), &config(), NOW).and_then(believed) {
        Ok(renewed) => {
            assert_eq!(status, 200);
            assert!(renewed.refresh_token.is_some());
            let claims = renewed.claims.expect("a refresh keeps the claims");
            assert_eq!(claims.subject, "alice");
            assert!(renewed.scopes.iter().all(|scope| grant.scopes.contains(scope)));
            assert_eq!(renewed.expiry.is_some(), renewed.lifetime.is_some());
            let lives = [renewed.lifetime, renewed.refresh_end.and_then(|end| end.life)];
            assert!(lives.iter().flatten().all(|life| *life <= TEN_YEARS));
        }
        Err(failure) => {
            says_nothing(&failure.error);
            assert!(!failure.is_final || status < 500, "a failing server ends no session");
            assert!(failure.retry_after.is_none_or(|wait| wait <= Millis::from_secs(86_400)));
        }
    }
    let code =
        TokenRequest::Code { code: Secret::from("code"), transaction: Box::new(transaction()) };
    match judge(&code, Ok(answer()), &config(), NOW).and_then(believed) {
        Ok(granted) => {
            assert_eq!(status, 200);
            let claims = granted.claims.expect("openid without an ID token");
            assert_eq!(claims.nonce.as_deref(), Some("nonce"));
        }
        Err(failure) => {
            assert!(!failure.error.retryable, "a code is never sent twice");
            says_nothing(&failure.error);
        }
    }
});

/// The grant of an answer whose ID token is its issuer's own.
fn believed(unproven: Unproven) -> Result<Grant, TokenFailure> {
    unproven.settle(Ok(()))
}

/// A refusal in the provider's own words is told, made inert; nothing else of a body is.
fn says_nothing(error: &AuthError) {
    let is_told = error.code == Code::OauthError || !format!("{error:?}").contains(MARKER);
    assert!(is_told, "the body is in an error");
}

fn transaction() -> Transaction {
    Transaction {
        state: "state".to_owned(),
        nonce: Some("nonce".to_owned()),
        verifier: Secret::from("verifier"),
        return_to: None,
        mode: Mode::Redirect,
        is_restore: false,
        was_stored: false,
        max_age: None,
        acr_values: None,
        jkt: None,
        started: NOW.wall,
        metadata: Metadata {
            issuer: "https://id.example.com".to_owned(),
            authorization_endpoint: "https://id.example.com/auth".to_owned(),
            token_endpoint: "https://id.example.com/token".to_owned(),
            revocation_endpoint: None,
            end_session_endpoint: None,
            jwks_uri: None,
            userinfo_endpoint: None,
            pushed_authorization_request_endpoint: None,
            requires_pushed_requests: false,
            id_token_algorithms: Algorithms::default(),
            iss_parameter_supported: true,
            takes_es256_proofs: true,
        },
    }
}

fn claims() -> Claims {
    Claims {
        issuer: "https://id.example.com".to_owned(),
        subject: "alice".to_owned(),
        audience: vec!["spa".to_owned()],
        authorized_party: None,
        nonce: Some("nonce".to_owned()),
        expires: UnixMillis(NOW.wall.0 + 3_600_000),
        issued: NOW.wall,
        not_before: None,
        authenticated: None,
        text: r#"{"sub":"alice"}"#.into(),
    }
}

fn known() -> Grant {
    Grant {
        access_token: Rc::new(Secret::from("at")),
        refresh_token: Some(Rc::new(Secret::from("rt"))),
        has_cookie: false,
        id_token: None,
        claims: Some(claims()),
        scopes: vec!["openid".to_owned(), "read".to_owned()],
        expiry: None,
        lifetime: None,
        refresh_end: None,
        offset: ServerOffset::default(),
    }
}

fn config() -> Config {
    Config {
        issuer: "https://id.example.com".to_owned(),
        client_id: "spa".to_owned(),
        redirect_uri: "https://app.example.com/callback".to_owned(),
        silent_redirect_uri: None,
        scope: vec!["openid".to_owned()],
        resources: Vec::new(),
        resource: Vec::new(),
        keys: Vec::new(),
        audiences: vec![String::new()],
        endpoints: None,
        extra_params: Vec::new(),
        logout: Logout::default(),
        restore: Restore::Redirect,
        push_authorization_requests: false,
        token_type: TokenType::Bearer,
        allow_password_grant: false,
        allow_token_export: false,
        network_timeout: Millis::from_secs(10),
        page_origin: "https://app.example.com".to_owned(),
        app_origins: Vec::new(),
        persistence: Persistence::Memory,
        refresh_cookie: None,
        fingerprint: String::new(),
    }
}
