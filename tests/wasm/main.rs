//! The vault in a real browser, spoken to over a real `MessagePort`: who may say hello, and what
//! becomes of messages that are not of the protocol.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "tests")]

mod client;
mod from_rust;
mod page;
mod signatures;
#[path = "../vectors/mod.rs"]
mod vectors;

use page::Page;
use tokenward::config::fingerprint;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

const CONFIG: &str = r#"{"issuer":"https://id.example.com","clientId":"spa","redirectUri":"/callback","resources":[{"origin":"https://api.example.com"}]}"#;

fn name_for(config: &str) -> String {
    format!("tokenward/1/test/0/{}", fingerprint(config))
}

#[wasm_bindgen_test]
async fn a_hello_with_the_named_configuration_is_welcome() {
    let page = Page::open(&name_for(CONFIG));
    page.hello(CONFIG);
    let welcome = page.next().await;
    assert_eq!(welcome.text("type"), "welcome");
    assert_eq!(welcome.text("build"), "test");
    assert_eq!(welcome.text("state"), r#"{"status":"restoring"}"#);
    // Nobody was ever signed in here.
    assert_eq!(page.state().await.text("state"), r#"{"status":"signedOut","reason":"no_session"}"#);
}

#[wasm_bindgen_test]
async fn another_configuration_is_refused_st4() {
    let page = Page::open(&name_for(CONFIG));
    let wider = CONFIG.replace("api.example.com", "evil.example");
    page.hello(&wider);
    let refused = page.next().await;
    assert_eq!(refused.text("type"), "refused");
    assert_eq!(refused.inner("error").text("code"), "message_invalid");
}

#[wasm_bindgen_test]
async fn a_wrong_configuration_names_every_problem() {
    let config = r#"{"issuer":"http://id.example.com","clientid":"spa"}"#;
    let page = Page::open(&name_for(config));
    page.hello(config);
    let error = page.next().await.inner("error");
    assert_eq!(error.text("code"), "config_invalid");
    let message = error.text("message");
    for part in ["issuer", "clientId", "redirectUri"] {
        assert!(message.contains(part), "{part} is missing from: {message}");
    }
}

#[wasm_bindgen_test]
async fn nothing_is_done_before_hello_t33() {
    let page = Page::open(&name_for(CONFIG));
    page.post(r#"{"type":"exportAccessToken","id":3}"#);
    let refused = page.next().await;
    assert_eq!(refused.text("type"), "refused");
    assert_eq!(refused.inner("error").text("code"), "message_invalid");
}

#[wasm_bindgen_test]
async fn messages_outside_the_protocol_change_nothing_t33() {
    let page = Page::open(&name_for(CONFIG));
    page.hello(CONFIG);
    assert_eq!(page.next().await.text("type"), "welcome");
    for (message, answer) in [
        (r#"{"type":"nonsense","id":1}"#, "failed"),
        (r#"{"type":"fetch","id":2,"url":"https://api.example.com/"}"#, "failed"),
        (r#"{"type":"abort","id":3,"extra":true}"#, "failed"),
        (r#"{"__proto__":{"type":"ping"}}"#, "refused"),
        (r#"{"type":["ping"]}"#, "refused"),
        ("[]", "refused"),
        ("{}", "refused"),
    ] {
        page.post(message);
        assert_eq!(page.next().await.text("type"), answer, "{message}");
    }
    // What is no object at all is not answered; the port still is.
    for message in ["7", "null", r#""ping""#, "true"] {
        page.post(message);
    }
    page.post(r#"{"type":"ping"}"#);
    assert_eq!(page.next().await.text("type"), "pong");
}

#[wasm_bindgen_test]
async fn targets_are_judged_before_anyone_is_asked_to_sign_in_t6() {
    let page = Page::open(&name_for(CONFIG));
    page.hello(CONFIG);
    page.next().await;
    for (url, code) in [
        ("https://api.example.com/me", "not_signed_in"),
        ("https://API.example.com:443/me", "not_signed_in"),
        ("https://api.example.com.evil.example/", "target_not_allowed"),
        ("https://api.example.com@evil.example/", "request_invalid"),
        ("https://api.example.com:8443/", "target_not_allowed"),
        ("http://api.example.com/", "target_not_allowed"),
        ("data:text/plain,hi", "request_invalid"),
    ] {
        page.post(&format!(
            r#"{{"type":"fetch","id":4,"url":"{url}","method":"GET","headers":[],"options":[]}}"#
        ));
        let failed = page.next().await;
        assert_eq!(failed.inner("error").text("code"), code, "{url}");
    }
}

#[wasm_bindgen_test]
async fn the_token_is_not_exported_unless_configured() {
    let page = Page::open(&name_for(CONFIG));
    page.hello(CONFIG);
    page.next().await;
    page.post(r#"{"type":"exportAccessToken","id":9}"#);
    assert_eq!(page.next().await.inner("error").text("code"), "export_not_allowed");
}

#[wasm_bindgen_test]
async fn what_became_of_the_session_is_told_to_who_asks() {
    let page = Page::open(&name_for(CONFIG));
    page.hello(CONFIG);
    page.next().await;
    page.state().await;
    page.post(r#"{"type":"events","id":1}"#);
    let told = page.next().await;
    assert_eq!((told.text("type"), told.text("events")), ("events".into(), "[]".into()));
    // A number that is not reached yet is another vault's. Nothing later than 0: this one waits, until
    // another is asked.
    page.post(r#"{"type":"events","id":2,"after":9}"#);
    assert!(is_numbered(&page.next().await, 2));
    page.post(r#"{"type":"events","id":3,"after":0}"#);
    page.post(r#"{"type":"events","id":4,"after":0}"#);
    page.post(r#"{"type":"ping"}"#);
    let (third, pong) = (page.next().await, page.next().await);
    assert!(is_numbered(&third, 3));
    assert_eq!(third.text("events"), "[]");
    assert_eq!(pong.text("type"), "pong", "the fourth waits");
    page.post(r#"{"type":"events","id":5,"after":-1}"#);
    assert_eq!(page.next().await.inner("error").text("code"), "message_invalid");
}

fn is_numbered(message: &page::Message, id: u32) -> bool {
    (message.number("id") - f64::from(id)).abs() < 0.5
}
