//! The authorization request: what is in it, and what never is.

use std::collections::HashSet;

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::oauth::fixtures::{config, parameters as read, transaction};
use crate::{json, oauth::token, secret::Secret, url::oracle::Oracle};

/// The URL of a whole request.
fn url(config: &Config, transaction: &Transaction, asked: &Asked) -> Result<String, AuthError> {
    let mut transaction = transaction.clone();
    let parameters = parameters(config, &mut transaction, asked)?;
    Ok(super::url(&transaction, &parameters))
}

fn value<'a>(parameters: &'a [(String, String)], name: &str) -> Option<&'a str> {
    parameters.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
}

#[test]
fn asks_for_a_code_with_pkce_ar1_ar2_ar8_ar9_ar15() {
    let transaction = transaction();
    let url = url(&config(), &transaction, &Asked::default()).unwrap();
    assert!(url.starts_with("https://id.example.com/authorize?response_type=code&"));
    let sent = read(&url);
    assert_eq!(value(&sent, "client_id"), Some("spa"));
    assert_eq!(value(&sent, "redirect_uri"), Some("https://app.example.com/callback"));
    assert_eq!(value(&sent, "scope"), Some("openid profile"));
    assert_eq!(value(&sent, "state"), Some(transaction.state.as_str()));
    assert_eq!(value(&sent, "nonce"), transaction.nonce.as_deref());
    assert_eq!(value(&sent, "code_challenge_method"), Some("S256"));
    let challenge = pkce::challenge(&transaction.verifier);
    assert_eq!(value(&sent, "code_challenge"), Some(challenge.as_str()));
    assert!(!url.contains(transaction.verifier.expose()), "pk4: never the verifier");
    assert!(!url.contains("orders"), "ar7: nor where the application wants to be");
}

#[test]
fn plain_oauth_has_no_nonce_and_maybe_no_scope_ar12() {
    let config = Config { scope: Vec::new(), ..config() };
    let transaction = Transaction { nonce: None, ..transaction() };
    let sent = read(&url(&config, &transaction, &Asked::default()).unwrap());
    assert_eq!((value(&sent, "nonce"), value(&sent, "scope")), (None, None));
}

#[test]
fn a_hidden_frame_asks_nobody_and_has_its_own_redirect_uri_ar9() {
    let plain = config();
    let silent_redirect_uri = Some("https://app.example.com/silent".to_owned());
    let framed = Config { silent_redirect_uri, ..config() };
    let prompted = |prompt: &str| Asked { prompt: Some(prompt.to_owned()), ..Asked::default() };
    for (asked, config) in [(Asked::default(), &plain), (prompted("login"), &framed)] {
        let refused = asked.in_mode(Mode::Silent, config).unwrap_err();
        assert_eq!(refused.code, Code::ConfigInvalid);
    }
    for asked in [Asked::default(), prompted("none")] {
        let asked = asked.in_mode(Mode::Silent, &framed).unwrap();
        let transaction = transaction().in_mode(Mode::Silent);
        let sent = read(&url(&framed, &transaction, &asked).unwrap());
        assert_eq!(value(&sent, "prompt"), Some("none"));
        assert_eq!(value(&sent, "redirect_uri"), Some("https://app.example.com/silent"));
        let body = token::code_body(&framed, &Secret::from("code"), &transaction);
        assert!(body.expose().contains("&redirect_uri=https%3A%2F%2Fapp.example.com%2Fsilent&"));
    }
    for mode in [Mode::Redirect, Mode::Popup] {
        let asked = prompted("login").in_mode(mode, &framed).unwrap();
        let sent = read(&url(&framed, &transaction().in_mode(mode), &asked).unwrap());
        assert_eq!(value(&sent, "prompt"), Some("login"));
        assert_eq!(value(&sent, "redirect_uri"), Some("https://app.example.com/callback"));
    }
}

#[test]
fn what_is_asked_for_is_passed_on_ar14() {
    let text = r#"{"prompt":"login","loginHint":"a&b=c","maxAge":"0","acrValues":"x y",
        "uiLocales":"de-CH fr","claims":"{\"id_token\":{\"acr\":null}}","extraParams":{"audience":"https://api"}}"#;
    let asked = Asked::read(&json::read(text.as_bytes(), 1000).unwrap()).unwrap();
    let config = Config {
        extra_params: vec![
            ("prompt".to_owned(), "none".to_owned()),
            ("audience".to_owned(), "other".to_owned()),
            ("kc_idp_hint".to_owned(), "corp".to_owned()),
        ],
        ..config()
    };
    let sent = read(&url(&config, &transaction(), &asked).unwrap());
    for (name, expected) in [
        ("prompt", "login"),
        ("login_hint", "a&b=c"),
        ("max_age", "0"),
        ("acr_values", "x y"),
        ("ui_locales", "de-CH fr"),
        ("claims", r#"{"id_token":{"acr":null}}"#),
        ("audience", "https://api"),
        ("kc_idp_hint", "corp"),
    ] {
        assert_eq!(value(&sent, name), Some(expected));
        assert_eq!(sent.iter().filter(|(other, _)| other == name).count(), 1, "{name}");
    }
}

#[test]
fn the_protocols_parameters_cannot_be_set_ar13_tk2() {
    for name in ["state", "redirect_uri", "client_secret", "id_token_hint", "", "response_mode"] {
        let extra_params = vec![(name.to_owned(), "x".to_owned())];
        let asked = Asked { extra_params, ..Asked::default() };
        let error = url(&config(), &transaction(), &asked).unwrap_err();
        assert_eq!(error.code, Code::ConfigInvalid, "{name}");
    }
    let twice = vec![("a".to_owned(), "1".to_owned()), ("a".to_owned(), "2".to_owned())];
    let asked = Asked { extra_params: twice, ..Asked::default() };
    assert!(url(&config(), &transaction(), &asked).is_err());
    for text in [r#"{"promt":"login"}"#, r#"{"prompt":1}"#, r#"{"extraParams":{"a":1}}"#] {
        assert!(Asked::read(&json::read(text.as_bytes(), 1000).unwrap()).is_err(), "{text}");
    }
}

#[test]
fn the_endpoints_own_query_stays_ar13() {
    let at = |endpoint: &str| {
        let mut transaction = transaction();
        transaction.metadata.authorization_endpoint = endpoint.to_owned();
        url(&config(), &transaction, &Asked::default())
    };
    let url = at("https://id.example.com/authorize?p=b2c_1&q=a%20b").unwrap();
    assert!(
        url.starts_with("https://id.example.com/authorize?p=b2c_1&q=a%20b&response_type=code&")
    );
    assert!(at("https://id.example.com/authorize?").unwrap().contains("/authorize?response_type="));
    assert_eq!(
        at("https://id.example.com/authorize?client%5Fid=x").map_err(|error| error.code),
        Err(Code::ConfigInvalid)
    );
}

#[test]
fn every_audience_is_named_once_ar12() {
    let list = |names: [&str; 2]| names.map(str::to_owned).to_vec();
    for (resource, audiences) in
        [(vec!["urn:a".to_owned()], ["urn:a", "urn:b"]), (list(["urn:a", "urn:b"]), ["", "urn:b"])]
    {
        let config = Config { resource, audiences: list(audiences), ..config() };
        let sent = parameters(&config, &mut transaction(), &Asked::default()).unwrap();
        let named = sent.iter().filter(|(name, _)| name == "resource").map(|(_, uri)| &**uri);
        assert_eq!(named.collect::<Vec<_>>(), ["urn:a", "urn:b"]);
    }
}

#[test]
fn resources_are_named_one_by_one_ar12() {
    let resource = ["https://api.example.com/v1", "urn:example:api"].map(str::to_owned).to_vec();
    let config = Config { resource, ..config() };
    let sent = read(&url(&config, &transaction(), &Asked::default()).unwrap());
    let named: Vec<_> = sent.iter().filter(|(name, _)| name == "resource").collect();
    assert_eq!(named.len(), 2);
    assert_eq!((&*named[0].1, &*named[1].1), ("https://api.example.com/v1", "urn:example:api"));
}

#[test]
fn what_the_id_token_must_show_is_remembered_id9_id10() {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let extra = || vec![pair("max_age", "60"), pair("acr_values", "gold")];
    let by_name = Asked {
        max_age: Some("60".to_owned()),
        acr_values: Some("gold".to_owned()),
        ..Asked::default()
    };
    let by_extra = Asked { extra_params: extra(), ..Asked::default() };
    let configured = Config { extra_params: extra(), ..config() };
    for (config, asked) in
        [(config(), by_name), (config(), by_extra), (configured, Asked::default())]
    {
        let mut transaction = transaction();
        parameters(&config, &mut transaction, &asked).unwrap();
        assert_eq!(transaction.max_age, Some(60));
        assert_eq!(transaction.acr_values.as_deref(), Some("gold"));
    }
    let mut plain = transaction();
    parameters(&config(), &mut plain, &Asked::default()).unwrap();
    assert_eq!(plain, transaction(), "nothing was asked for");
}

#[test]
fn what_no_provider_could_read_is_refused_before_anything_is_kept_ar14() {
    let with = |max_age: Option<&str>, claims: Option<&str>| {
        let own = |text: &str| text.to_owned();
        let asked =
            Asked { max_age: max_age.map(own), claims: claims.map(own), ..Asked::default() };
        url(&config(), &transaction(), &asked).map_err(|error| (error.code, error.phase))
    };
    let refused = Err((Code::ConfigInvalid, Phase::SignIn));
    for max_age in ["", "-1", "+1", "1.5", "NaN", "1e3", "99999999999"] {
        assert_eq!(with(Some(max_age), None), refused, "{max_age}");
    }
    for claims in ["", "[]", "null", "{", r#"{"a":1,"a":2}"#] {
        assert_eq!(with(None, Some(claims)), refused, "{claims}");
    }
    assert!(with(Some("0"), Some("{}")).is_ok());
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(16_000));
    assert!(with(None, Some(&long)).is_ok());
}

/// A configuration as an application may write it: some of them are wrong, and are refused.
fn configurations() -> impl Strategy<Value = String> {
    let words = "[a-d]|prompt|max_age|audience|state|nonce|client_id|response_type|response_mode";
    let pairs = vec((words, "[a-z0-9 &=%+]{0,6}|code id_token|plain"), 0..4);
    let scope = vec("openid|profile|offline_access|api:read", 0..3);
    let resource = vec("https://api.example.com/[a-c]|urn:x:[a-c]|[a-c]#", 0..3);
    (pairs, scope, resource).prop_map(|(pairs, scope, resource)| {
        let extra: serde_json::Map<_, _> =
            pairs.into_iter().map(|(name, value)| (name, value.into())).collect();
        serde_json::json!({
            "issuer": "https://id.example.com", "clientId": "spa", "redirectUri": "/callback",
            "resources": [], "scope": scope, "resource": resource, "extraParams": extra,
        })
        .to_string()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, ..ProptestConfig::default() })]

    #[test]
    fn the_code_flow_with_s256_and_no_parameter_twice_ar1_ar2_ar13(
        text in configurations(),
        asked in vec("[a-d]|prompt|scope|max_age|resource|code_challenge_method|\\PC{0,3}", 0..4),
        query in "(\\?([a-e]|prompt|nonce)=1(&[a-e]=2)?)?",
        prompt in proptest::option::of("login|none"),
    ) {
        let page = "https://app.example.com/";
        let Ok(config) = Config::check(&text, page, &Oracle) else { return Ok(()) };
        let extra_params = asked.into_iter().map(|name| (name, "7".to_owned())).collect();
        let asked = Asked { prompt, extra_params, ..Asked::default() };
        let mut transaction = transaction();
        transaction.metadata.authorization_endpoint.push_str(&query);
        let Ok(url) = url(&config, &transaction, &asked) else { return Ok(()) };
        let (mut sent, own) = (read(&url), read(&query));
        sent.retain(|(name, _)| name != "resource");
        let own_names: HashSet<_> = own.iter().map(|(name, _)| name).collect();
        let names: HashSet<_> = sent.iter().map(|(name, _)| name).collect();
        prop_assert_eq!(sent.len() - own.len(), names.len() - own_names.len());
        for (name, expected) in [
            ("response_type", "code"),
            ("code_challenge_method", "S256"),
            ("client_id", "spa"),
            ("redirect_uri", "https://app.example.com/callback"),
            ("state", transaction.state.as_str()),
            ("code_challenge", &pkce::challenge(&transaction.verifier)),
        ] {
            prop_assert_eq!(value(&sent, name), Some(expected));
        }
        prop_assert_eq!(value(&sent, "response_mode"), None);
    }
}

#[test]
fn the_key_is_named_where_there_is_one_dp10() {
    let jkt = Some("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I".to_owned());
    let mut bound = Transaction { jkt: jkt.clone(), ..transaction() };
    let named = |transaction: &mut Transaction| {
        let said = super::parameters(&config(), transaction, &Asked::default()).unwrap();
        said.into_iter().find(|(name, _)| name == "dpop_jkt").map(|(_, value)| value)
    };
    assert_eq!(named(&mut bound), jkt);
    assert_eq!(named(&mut transaction()), None);
}
