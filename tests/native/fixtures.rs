//! A configuration, a provider's metadata, transactions and grants to test with.

use std::rc::Rc;

use base64ct::{Base64UrlUnpadded, Encoding};
use tokenward::{
    clock::{Millis, Now, ServerOffset, UnixMillis},
    config::{Config, Logout, Persistence, Restore, TokenType},
    error::{AuthError, Code, Phase},
    jwt::{algorithm::Algorithms, claims::Claims},
    oauth::{
        metadata::Metadata,
        transaction::{Mode, Transaction},
    },
    secret::Secret,
    session::{
        grant::Grant,
        inputs::{Reach, TokenFailure},
    },
};

pub(crate) const ISSUER: &str = "https://id.example.com";
pub(crate) const CLIENT: &str = "spa";

/// The moment at which everything begins.
pub(crate) const START: Now = Now { wall: UnixMillis(1_700_000_000_000), monotonic: Millis(5_000) };

/// The configuration; without the `openid` scope it is plain OAuth.
pub(crate) fn config(is_openid: bool) -> Config {
    let scope = if is_openid { vec!["openid", "read"] } else { vec!["read", "write"] };
    Config {
        issuer: ISSUER.into(),
        client_id: CLIENT.into(),
        redirect_uri: "https://app.example.com/callback".into(),
        silent_redirect_uri: None,
        scope: scope.into_iter().map(str::to_owned).collect(),
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
        page_origin: "https://app.example.com".into(),
        app_origins: Vec::new(),
        persistence: Persistence::Memory,
        refresh_cookie: None,
        fingerprint: String::new(),
    }
}

/// The same with so many further audiences: `urn:1`, `urn:2`, ….
pub(crate) fn config_for(audiences: usize) -> Config {
    Config { resource: vec!["urn:0".into()], audiences: indicators(audiences), ..config(true) }
}

/// The resource indicators of the default audience and of so many others.
pub(crate) fn indicators(audiences: usize) -> Vec<String> {
    (0..=audiences).map(|number| format!("urn:{number}")).collect()
}

pub(crate) fn metadata() -> Metadata {
    Metadata {
        issuer: ISSUER.into(),
        authorization_endpoint: format!("{ISSUER}/auth"),
        token_endpoint: format!("{ISSUER}/token"),
        revocation_endpoint: Some(format!("{ISSUER}/revoke")),
        end_session_endpoint: None,
        jwks_uri: Some(format!("{ISSUER}/jwks")),
        userinfo_endpoint: None,
        pushed_authorization_request_endpoint: None,
        requires_pushed_requests: false,
        id_token_algorithms: Algorithms::default(),
        iss_parameter_supported: true,
        takes_es256_proofs: true,
    }
}

pub(crate) fn transaction(state: &str, started: UnixMillis) -> Transaction {
    Transaction {
        state: state.into(),
        nonce: Some("nonce".into()),
        verifier: Secret::from("verifier"),
        return_to: Some("/back".into()),
        mode: Mode::Redirect,
        is_restore: false,
        was_stored: false,
        max_age: None,
        acr_values: None,
        jkt: None,
        started,
        metadata: metadata(),
    }
}

pub(crate) fn claims(subject: &str, now: Now) -> Claims {
    // The same at any time: nobody reads the text but pages.
    let issued = START.wall.0 / 1000;
    let text = format!(
        r#"{{"iss":"{ISSUER}","sub":"{subject}","aud":"{CLIENT}","iat":{issued},"exp":{}}}"#,
        issued + 3600
    );
    Claims {
        issuer: ISSUER.into(),
        subject: subject.into(),
        audience: vec![CLIENT.into()],
        authorized_party: None,
        nonce: Some("nonce".into()),
        expires: UnixMillis(now.wall.0 + 3_600_000),
        issued: now.wall,
        not_before: None,
        authenticated: None,
        text: text.into(),
    }
}

/// A token's text, for a test to read; `cookie` where a backend has it.
pub(crate) fn text_of(token: Option<&Secret>) -> &str {
    token.map_or("cookie", Secret::expose)
}

/// The grant number `n` of `alice`: access token `at-n`, refresh token `rt-n`, `life` in seconds.
pub(crate) fn grant(n: u32, life: u64, now: Now) -> Grant {
    let life = Millis::from_secs(life);
    Grant {
        access_token: Rc::new(Secret::new(format!("at-{n}"))),
        refresh_token: Some(Rc::new(Secret::new(format!("rt-{n}")))),
        has_cookie: false,
        id_token: None,
        claims: Some(claims("alice", now)),
        scopes: vec!["openid".into()],
        expiry: Some(now.after(life)),
        lifetime: Some(life),
        refresh_end: None,
        offset: ServerOffset::default(),
    }
}

pub(crate) fn failure(reach: Reach) -> TokenFailure {
    TokenFailure {
        error: AuthError::transient(Code::ProviderUnreachable, Phase::Refresh, "unreachable"),
        reach,
        is_final: false,
        retry_after: None,
        issued: None,
    }
}

/// An ID token with these claims and a signature that nobody checks.
pub(crate) fn id_token(claims: &str) -> Secret {
    let encode = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
    let header = encode(r#"{"alg":"RS256","kid":"1"}"#);
    Secret::new(format!("{header}.{}.{}", encode(claims), encode("signature")))
}
