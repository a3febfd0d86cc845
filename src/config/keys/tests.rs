//! Keys among the options, right and wrong.

use serde_json::{Value, json};

use super::*;
use crate::config::tests::{checked, problems, refused};

fn with_keys(api_keys: &Value, signatures: &Value, credential: &str) -> Value {
    json!({
        "apiKeys": api_keys, "signatures": signatures,
        "resources": [{ "origin": "https://api.example.com", "credential": credential }],
    })
}

#[test]
fn ak1_hs8_keys_have_defaults() {
    let config = checked(&with_keys(
        &json!({ "a": {}, "b": { "header": "Authorization", "prefix": "Key ", "endpoint": "/key" } }),
        &json!({ "a": { "keyId": "k1" } }),
        "signature:a",
    ));
    let config = config.unwrap();
    let endpoint = Some("https://app.example.com/key".to_owned());
    let usage = Usage::ApiKey { header: "Authorization".into(), prefix: "Key ".into() };
    let keys = [
        Key::api_key("a", "X-API-Key"),
        Key { name: "apiKey:b".into(), endpoint, usage },
        Key::signature("a", "k1"),
    ];
    assert_eq!(config.keys, keys);
    assert_eq!(config.resources[0].credential.as_deref(), Some("signature:a"));
}

#[test]
fn hs8_answers_are_signed_where_that_is_asked() {
    for (asked, answers) in [("signed", Answers::Signed), ("bound", Answers::Bound)] {
        let one = json!({ "a": { "keyId": "k1", "responses": asked } });
        let config = checked(&with_keys(&json!({}), &one, "signature:a")).unwrap();
        let Usage::Signature(profile) = &config.keys[0].usage else { panic!("{asked}") };
        assert_eq!((profile.answers, profile.answers.as_str()), (answers, Some(asked)));
    }
    assert_eq!(Answers::default().as_str(), None);
}

#[test]
fn ak1_hs3_hs11_keys_are_checked() {
    for credential in ["apiKey:b", "apiKey:", "signature:a", "apikey:a", "basic", ""] {
        refused("resources[0].credential", &with_keys(&json!({ "a": {} }), &json!({}), credential));
    }
    for (member, bad) in [
        ("header", json!("Cookie")),
        ("header", json!("a b")),
        ("header", json!("Signature")),
        ("prefix", json!("a\n")),
        ("endpoint", json!("https://evil.example/key")),
        ("endpoint", json!("key")),
        ("key", json!("secret")),
    ] {
        let options = with_keys(&json!({ "a": { member: bad } }), &json!({}), "apiKey:a");
        refused(&format!("apiKeys.a.{member}"), &options);
    }
    for (member, bad) in [
        ("keyId", json!("")),
        ("keyId", json!("\u{e9}")),
        ("components", json!([])),
        ("components: date", json!(["date"])),
        ("components: @method", json!(["@method", "@method"])),
        ("components: @status", json!(["@status"])),
        ("components: x;sf", json!(["x;sf"])),
        ("tag", json!("\n")),
        ("expiresInS", json!(0)),
        ("expiresInS", json!(100_000)),
        ("label", json!("Sig 1")),
        ("label", json!("")),
        ("responses", json!("")),
        ("responses", json!("required")),
        ("responses", json!(true)),
        ("endpoint", json!("http://app.example.com/key")),
    ] {
        let name = member.split(':').next().unwrap();
        let mut one = json!({ "keyId": "k1" });
        one[name] = bad;
        let options = with_keys(&json!({}), &json!({ "a": one }), "signature:a");
        refused(&format!("signatures.a.{member}"), &options);
    }
    let mut audience = with_keys(&json!({ "a": {} }), &json!({}), "apiKey:a");
    audience["resources"][0]["resource"] = json!("urn:a");
    refused("resources[0].resource", &audience);
    let none = problems(&with_keys(&json!({ "a": [] }), &json!({ "b": {} }), "signature:b"));
    assert_eq!(none.len(), 2, "all at once: {none:?}");
}
