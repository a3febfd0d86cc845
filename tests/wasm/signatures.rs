//! The vectors again, with the browser's own WebCrypto.

use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::Value;
use tokenward::client::{VerifyError, verify_jws};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{console_log, wasm_bindgen_test};

use crate::vectors::{self, Case, INVALID_THOUGH_EQUAL, REFUSED_THOUGH_VALID, Tally};

/// A file of public vectors, from the test's own server, to which `cargo xtask test` copies them; says so
/// where they are not.
async fn file(name: &str) -> Option<String> {
    let window = web_sys::window().unwrap();
    let url = format!("/target/test/vectors/{name}");
    let answer = JsFuture::from(window.fetch_with_str(&url)).await.unwrap();
    let answer: web_sys::Response = answer.unchecked_into();
    if !answer.ok() {
        console_log!("skipped: no vectors at {url}");
        return None;
    }
    JsFuture::from(answer.text().unwrap()).await.unwrap().as_string()
}

async fn published(case: &Case) -> Result<Vec<u8>, VerifyError> {
    match &case.keys {
        Ok(keys) => verify_jws(&case.token, keys, case.allowed).await,
        Err(why) => Err(VerifyError::Refused(why)),
    }
}

async fn verified(case: &Case) -> Result<Vec<u8>, VerifyError> {
    match &case.shared {
        Some(secrets) => verify_jws(&case.token, secrets, case.allowed).await,
        None => published(case).await,
    }
}

/// What becomes of the cases, of which those among `but` go the other way.
async fn judged(cases: &[Case], but: &[&str]) -> Tally {
    let mut tally = Tally::default();
    for case in cases {
        assert!(case.is_valid || published(case).await.is_err(), "{}", case.name);
        tally.count(case, verified(case).await.is_ok(), but);
    }
    tally
}

#[wasm_bindgen_test]
async fn wycheproof_signatures_jw1_jw3_jw4_jw5_jw10_jw11_t24_t25() {
    let Some(text) = file("wycheproof/json_web_signature_test.json").await else { return };
    let but = [&REFUSED_THOUGH_VALID[..], &INVALID_THOUGH_EQUAL].concat();
    let tally = judged(&vectors::wycheproof(&text), &but).await;
    assert_eq!(tally, Tally { refused: 355 - 2, accepted: 46 - 6 });
}

#[wasm_bindgen_test]
async fn wycheproof_keys_jw4_jw9_jw10() {
    let Some(text) = file("wycheproof/json_web_key_test.json").await else { return };
    let tally = judged(&vectors::wycheproof(&text), &[]).await;
    assert_eq!(tally, Tally { refused: 21, accepted: 5 });
}

#[wasm_bindgen_test]
async fn what_the_standards_print_rfc7515_rfc7520_rfc8037() {
    for name in vectors::COOKBOOK {
        let Some(text) = file(name).await else { return };
        let case = vectors::cookbook(&text);
        let payload = case.token.split('.').nth(1).unwrap();
        let payload = Base64UrlUnpadded::decode_vec(payload).unwrap();
        assert_eq!(verified(&case).await, Ok(payload), "{name}");
        assert!(verified(&case.changed()).await.is_err(), "{name}, changed in the middle");
    }
    let Some(text) = file("rfc-misc/vectors.json").await else { return };
    let misc: Value = serde_json::from_str(&text).unwrap();
    for (name, alg) in [("rfc7515_A1_HS256", "HS256"), ("rfc7515_A3_ES256", "ES256")] {
        assert!(verified(&vectors::misc(&misc, name, alg)).await.is_ok(), "{name}");
    }
}
