//! What the tests of this room share: a provider, a configuration, a sign-in.

use super::{metadata::Metadata, transaction::Transaction};
use crate::{
    clock::UnixMillis,
    config::Config,
    jwt::algorithm::Algorithms,
    url::{ParseUrl, ParsedUrl, oracle::Oracle},
};

pub(super) const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

pub(super) fn config() -> Config {
    let text = r#"{
        "issuer": "https://id.example.com", "clientId": "spa", "redirectUri": "/callback",
        "scope": ["openid", "profile"], "resources": [{"origin": "https://api.example.com"}]
    }"#;
    Config::check(text, "https://app.example.com/", &Oracle).unwrap()
}

pub(super) fn metadata() -> Metadata {
    Metadata {
        issuer: "https://id.example.com".to_owned(),
        authorization_endpoint: "https://id.example.com/authorize".to_owned(),
        token_endpoint: "https://id.example.com/token".to_owned(),
        revocation_endpoint: None,
        end_session_endpoint: None,
        jwks_uri: Some("https://id.example.com/jwks".to_owned()),
        userinfo_endpoint: None,
        pushed_authorization_request_endpoint: None,
        requires_pushed_requests: false,
        id_token_algorithms: Algorithms::default(),
        iss_parameter_supported: false,
        takes_es256_proofs: true,
    }
}

/// Three different parts of entropy.
pub(super) fn entropy() -> [u8; 96] {
    core::array::from_fn(|at| u8::try_from(at / 32 * 100 + at % 32).unwrap())
}

pub(super) fn transaction() -> Transaction {
    Transaction::begin(&entropy(), Some("/orders".to_owned()), true, NOW, metadata())
}

pub(super) fn url(text: &str) -> ParsedUrl {
    Oracle.parse(text, None).unwrap()
}

/// The parameters in the query of a URL.
pub(super) fn parameters(text: &str) -> Vec<(String, String)> {
    let query = text.split_once('?').map_or("", |(_, query)| query);
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}
