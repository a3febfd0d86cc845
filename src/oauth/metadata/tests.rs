//! Discovery documents, honest and lying.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{config::TokenType, oauth::fixtures::config, url::oracle::Oracle};

const ISSUER: &str = "https://id.example.com";

const ENDPOINTS: &[&str] = &[
    "authorization_endpoint",
    "token_endpoint",
    "revocation_endpoint",
    "end_session_endpoint",
    "jwks_uri",
    "pushed_authorization_request_endpoint",
    "userinfo_endpoint",
];

fn document(changes: &Value) -> Vec<u8> {
    let mut document = json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://id.example.com/authorize",
        "token_endpoint": "https://id.example.com/token",
        "revocation_endpoint": "https://id.example.com/revoke",
        "end_session_endpoint": "https://id.example.com/end",
        "jwks_uri": "https://keys.example.net/jwks",
        "response_types_supported": ["code", "id_token"],
        "code_challenge_methods_supported": ["plain", "S256"],
        "authorization_response_iss_parameter_supported": true,
        "id_token_signing_alg_values_supported": ["none", "RS256"],
        "claims_parameter_supported": false,
    });
    for (name, value) in changes.as_object().unwrap() {
        document[name] = value.clone();
    }
    serde_json::to_vec(&document).unwrap()
}

fn changed(changes: &Value) -> Result<Metadata, Code> {
    read(&document(changes), ISSUER, &Oracle).map_err(|error| {
        assert_eq!(error.phase, Phase::Discovery);
        error.code
    })
}

#[test]
fn reads_a_whole_document_ds4_ds6() {
    let metadata = changed(&json!({})).unwrap();
    assert_eq!(metadata.token_endpoint, "https://id.example.com/token");
    assert_eq!(metadata.jwks_uri.as_deref(), Some("https://keys.example.net/jwks"));
    assert!(metadata.iss_parameter_supported);
}

#[test]
fn what_is_promised_is_a_truth_value_mx3_pa4() {
    let asked = |value| {
        let changes = json!({
            "require_pushed_authorization_requests": value,
            "authorization_response_iss_parameter_supported": value,
        });
        changed(&changes).map(|it| (it.requires_pushed_requests, it.iss_parameter_supported))
    };
    assert_eq!(asked(json!(true)), Ok((true, true)));
    assert_eq!(asked(json!(false)), Ok((false, false)));
    assert_eq!(asked(json!(null)), Ok((false, false)));
    for value in [json!("true"), json!(1), json!([])] {
        assert_eq!(asked(value), Err(Code::MetadataInvalid));
    }
}

#[test]
fn only_what_is_needed_is_required_ar6_ds7() {
    let small = json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://id.example.com/authorize",
        "token_endpoint": "https://id.example.com/token",
        "revocation_endpoint": null,
    });
    let metadata = read(&serde_json::to_vec(&small).unwrap(), ISSUER, &Oracle).unwrap();
    assert_eq!((metadata.revocation_endpoint, metadata.iss_parameter_supported), (None, false));
}

#[test]
fn the_issuer_is_exactly_the_one_asked_ds2_t32() {
    for other in [
        "https://id.example.com/",
        "https://ID.example.com",
        "HTTPS://id.example.com",
        "https://id.example.com:443",
        "http://id.example.com",
        "https://id.example.com ",
        "https://id.example.com?",
        "https://id.ex%61mple.com",
        "https://id.example.com.evil.example",
        "https://evil.example",
        "",
    ] {
        assert_eq!(changed(&json!({ "issuer": other })), Err(Code::MetadataInvalid), "{other}");
    }
    for other in [json!(null), json!(1), json!([ISSUER])] {
        assert_eq!(changed(&json!({ "issuer": other })), Err(Code::MetadataInvalid));
    }
}

#[test]
fn every_endpoint_is_secure_and_absolute_ds5_ar10_t38() {
    for name in ENDPOINTS.iter().copied() {
        for bad in [
            json!("http://id.example.com/x"),
            json!("http://localhost.evil.example/x"),
            json!("//id.example.com/x"),
            json!("/x"),
            json!(""),
            json!("javascript:alert(1)"),
            json!("data:application/json,{}"),
            json!("blob:https://id.example.com/x"),
            json!("wss://id.example.com/x"),
            json!("https://user@id.example.com/x"),
            json!("https://id.example.com/x#y"),
            json!("https://"),
            json!(1),
            json!({}),
        ] {
            let mut changes = json!({});
            changes[name] = bad.clone();
            assert_eq!(changed(&changes), Err(Code::MetadataInvalid), "{name}: {bad}");
        }
        let mut local = json!({});
        local[name] = json!("http://127.0.0.1:8100/x");
        assert!(changed(&local).is_ok(), "{name} of this device");
    }
}

#[test]
fn a_provider_without_s256_or_code_is_refused_ar3_pk5() {
    for changes in [
        json!({ "code_challenge_methods_supported": ["plain"] }),
        json!({ "code_challenge_methods_supported": [] }),
        json!({ "code_challenge_methods_supported": ["s256"] }),
        json!({ "response_types_supported": ["id_token", "code id_token"] }),
        json!({ "authorization_endpoint": null }),
        json!({ "token_endpoint": null }),
    ] {
        assert_eq!(changed(&changes), Err(Code::ProviderUnsupported), "{changes}");
    }
}

fn with_scope(is_openid: bool) -> Config {
    let scope = is_openid.then(|| "openid".to_owned()).into_iter().collect();
    Config { scope, ..config() }
}

#[test]
fn proofs_need_es256_dp1() {
    let code = |listed: &Value, token_type| {
        let metadata = changed(&json!({ "dpop_signing_alg_values_supported": listed })).unwrap();
        metadata.check(&Config { token_type, ..config() }).err().map(|error| error.code)
    };
    for taken in [json!(null), json!(["ES256"]), json!(["EdDSA", "ES256"])] {
        assert_eq!(code(&taken, TokenType::Dpop), None);
    }
    for refused in [json!([]), json!(["RS256", "es256"])] {
        assert_eq!(code(&refused, TokenType::Dpop), Some(Code::ProviderUnsupported));
        assert_eq!(code(&refused, TokenType::Bearer), None, "bearer tokens need none");
    }
}

#[test]
fn id_tokens_need_keys_and_an_algorithm_that_verifies_jw2_ds10() {
    let code = |changes: &Value, is_openid| {
        let metadata = changed(changes).unwrap().check(&with_scope(is_openid));
        metadata.map(|metadata| metadata.id_token_algorithms).map_err(|error| error.code)
    };
    let es256 = json!({ "id_token_signing_alg_values_supported": ["none", "ES256", "HS256"] });
    let only = |name| Ok(Algorithms::of_issuer(&[name]));
    assert_eq!(code(&es256, true), only("ES256"));
    assert_eq!(
        code(&json!({ "id_token_signing_alg_values_supported": null }), true),
        only("RS256")
    );
    for changes in [
        json!({ "jwks_uri": null }),
        json!({ "id_token_signing_alg_values_supported": [] }),
        json!({ "id_token_signing_alg_values_supported": ["none", "HS256"] }),
    ] {
        assert_eq!(code(&changes, true), Err(Code::ProviderUnsupported), "{changes}");
        assert!(code(&changes, false).is_ok(), "plain OAuth needs none: {changes}");
    }
    for wrong in [json!("RS256"), json!([1]), json!({})] {
        let changes = json!({ "id_token_signing_alg_values_supported": wrong });
        assert_eq!(changed(&changes), Err(Code::MetadataInvalid), "{changes}");
    }
}

#[test]
fn endpoints_that_are_given_name_their_algorithms_jw2() {
    let endpoints = |names: Option<&[&str]>| crate::config::Endpoints {
        authorization: String::new(),
        token: String::new(),
        revocation: None,
        end_session: None,
        jwks: None,
        userinfo: None,
        pushed_authorization_request: None,
        id_token_signing_alg_values_supported: names
            .map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
    };
    for (names, expected) in [(None, "RS256"), (Some(&["HS256", "EdDSA"][..]), "Ed25519")] {
        let endpoints = Some(endpoints(names));
        let config = Config { endpoints, ..crate::oauth::fixtures::config() };
        let known = fixed(&config).unwrap().id_token_algorithms;
        assert_eq!(known, Algorithms::of_issuer(&[expected]));
    }
}

#[test]
fn bodies_that_are_no_document_ds4() {
    let code = |body: &[u8]| read(body, ISSUER, &Oracle).map_err(|error| error.code);
    for body in [&b""[..], b"<!doctype html>", b"{", b"{}{}", b"{\"issuer\":1,\"issuer\":1}"] {
        assert_eq!(code(body), Err(Code::ProviderAnswerInvalid), "{body:?}");
    }
    assert_eq!(code(&vec![b' '; LIMIT + 1]), Err(Code::ProviderAnswerInvalid));
    let mut long = document(&json!({}));
    long.resize(200_000, b' ');
    assert_eq!(code(&long).map(|_| ()), Ok(()));
    for body in [&b"{}"[..], b"[]", b"null", b"\"https://id.example.com\""] {
        assert_eq!(code(body), Err(Code::MetadataInvalid), "{body:?}");
    }
}

#[test]
fn an_issuer_of_the_document_is_shown_inert_cb6() {
    let body = document(&json!({ "issuer": "https://<img src=x>\u{202e}" }));
    let message = read(&body, ISSUER, &Oracle).unwrap_err().message.clone();
    assert!(message.contains("https://img src=x") && !message.contains('<'), "{message}");
}

#[test]
fn where_a_document_is_looked_for_ds3() {
    for (issuer, oidc, oauth) in [
        (ISSUER, "https://id.example.com/.well-known/openid-configuration", ""),
        ("https://id.example.com/", "https://id.example.com/.well-known/openid-configuration", ""),
        ("https://h:8443/a/b", "https://h:8443/a/b/.well-known/openid-configuration", "/a/b"),
        ("https://h/a/", "https://h/a/.well-known/openid-configuration", "/a"),
    ] {
        let [first, second] = well_known(issuer);
        assert_eq!(first, oidc);
        assert!(second.ends_with(&format!("/.well-known/oauth-authorization-server{oauth}")));
    }
    assert_eq!(
        well_known("https://h:8443/a/b")[1],
        "https://h:8443/.well-known/oauth-authorization-server/a/b"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, ..ProptestConfig::default() })]

    /// Whatever a document says: what is taken from it is safe to send credentials to.
    #[test]
    fn what_is_taken_is_https_or_of_this_device_ds5_ar10_t38(
        changes in proptest::collection::vec((
            proptest::sample::select(ENDPOINTS),
            "(https?|HTTPS|ftp|wss|javascript|data|blob:https):/{0,3}\\\\?(user@|:x@)?\
             (id\\.example\\.com|127\\.0\\.0\\.1|localhost|\\[::1\\]|localhost\\.evil\\.example)?\
             (:[0-9]{1,5})?(/[a-z.%\\\\]{0,5})?(\\?a=b)?(#x?)?",
        ), 0..4),
    ) {
        let mut members = json!({});
        for (name, url) in changes {
            members[name] = json!(url);
        }
        let Ok(metadata) = changed(&members) else { return Ok(()) };
        let Metadata {
            issuer,
            authorization_endpoint,
            token_endpoint,
            revocation_endpoint,
            end_session_endpoint,
            jwks_uri,
            userinfo_endpoint,
            pushed_authorization_request_endpoint,
            requires_pushed_requests: _,
            id_token_algorithms: _,
            iss_parameter_supported: _,
            takes_es256_proofs: _,
        } = metadata;
        prop_assert_eq!(issuer, ISSUER);
        let optional = [
            revocation_endpoint,
            end_session_endpoint,
            jwks_uri,
            userinfo_endpoint,
            pushed_authorization_request_endpoint,
        ];
        let taken = optional.into_iter().flatten().chain([authorization_endpoint, token_endpoint]);
        for endpoint in taken {
            let url = Oracle.parse(&endpoint, None).unwrap();
            prop_assert!(url.is_secure() && !url.has_userinfo && !endpoint.contains('#'));
            prop_assert_eq!(url.href, endpoint, "canonical");
        }
    }
}
