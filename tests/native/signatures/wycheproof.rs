//! Signed tokens and keys of Wycheproof, and those that the standards print.

use std::{fs, path::Path};

use serde_json::Value;

use super::oracle::{published, verified};
use crate::vectors::{self, Case, INVALID_THOUGH_EQUAL, REFUSED_THOUGH_VALID, Tally};

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/vectors");

/// A file of public vectors; says so where they are not on this machine.
fn file(name: &str) -> Option<String> {
    let text = fs::read_to_string(Path::new(VECTORS).join(name));
    if text.is_err() {
        println!("skipped: no vectors at {VECTORS}/{name}");
    }
    text.ok()
}

/// What becomes of the cases, of which those among `but` go the other way.
fn judged(cases: &[Case], but: &[&str]) -> Tally {
    let mut tally = Tally::default();
    for case in cases {
        // Whatever an application may configure, an issuer's tokens are never verified with secrets.
        let is_published = published(case).is_ok();
        assert!(!is_published || (case.is_valid && case.shared.is_none()), "{}", case.name);
        tally.count(case, verified(case).is_ok(), but);
    }
    tally
}

#[test]
fn wycheproof_signatures_jw1_jw3_jw4_jw5_jw10_jw11_t24_t25() {
    let Some(text) = file("wycheproof/json_web_signature_test.json") else { return };
    let cases = vectors::wycheproof(&text);
    let invalid = cases.iter().filter(|case| !case.is_valid);
    assert_eq!(invalid.filter(|case| published(case).is_err()).count(), 355);
    let but = [&REFUSED_THOUGH_VALID[..], &INVALID_THOUGH_EQUAL].concat();
    assert_eq!(judged(&cases, &but), Tally { refused: 355 - 2, accepted: 46 - 6 });
    let token = |name: &str| &cases.iter().find(|case| case.name == name).unwrap().token;
    assert!(INVALID_THOUGH_EQUAL.iter().all(|name| token(name) == token("357")));
}

#[test]
fn wycheproof_keys_jw4_jw9_jw10() {
    let Some(text) = file("wycheproof/json_web_key_test.json") else { return };
    let tally = judged(&vectors::wycheproof(&text), &[]);
    assert_eq!(tally, Tally { refused: 21, accepted: 5 });
}

#[test]
fn wycheproof_crypto_jw12() {
    let Some(text) = file("wycheproof/json_web_crypto_test.json") else { return };
    let tally = judged(&vectors::wycheproof(&text), &[]);
    assert_eq!(tally, Tally { refused: 45, accepted: 4 });
}

#[test]
fn what_the_standards_print_rfc7515_rfc7520_rfc8037() {
    for name in vectors::COOKBOOK {
        let Some(text) = file(name) else { return };
        let case = vectors::cookbook(&text);
        assert_eq!(verified(&case), Ok(()), "{name}");
        assert!(verified(&case.changed()).is_err(), "{name}, changed in the middle");
    }
    let Some(text) = file("rfc-misc/vectors.json") else { return };
    let misc: Value = serde_json::from_str(&text).unwrap();
    for (name, alg) in [("rfc7515_A1_HS256", "HS256"), ("rfc7515_A3_ES256", "ES256")] {
        assert_eq!(verified(&vectors::misc(&misc, name, alg)), Ok(()), "{name}");
    }
    let mut unsigned = vectors::misc(&misc, "rfc7515_A3_ES256", "ES256");
    unsigned.token = misc["rfc7515_A5_none"]["jws"].as_str().unwrap().to_owned();
    assert!(verified(&unsigned).is_err());
}
