//! Key sets, right and wrong in every way that RFC 7517 and 7518 name.

use std::{fs, path::Path};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/vectors");

fn b64(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

/// A modulus of that many bits, which no small prime tells to be weak.
fn modulus(bits: usize) -> Vec<u8> {
    let mut modulus = vec![0xa5; bits.div_ceil(8)];
    modulus[0] = 0xff >> (modulus.len() * 8 - bits);
    modulus
}

fn rsa(changes: &Value) -> Value {
    changed(json!({ "kty": "RSA", "n": b64(&modulus(2048)), "e": "AQAB", "kid": "k" }), changes)
}

fn ec(changes: &Value) -> Value {
    let coordinate = b64(&[1; 32]);
    changed(
        json!({ "kty": "EC", "crv": "P-256", "x": coordinate, "y": coordinate, "kid": "k" }),
        changes,
    )
}

fn changed(mut key: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        key[name] = value.clone();
        if value == "absent" {
            key.as_object_mut().unwrap().remove(name);
        }
    }
    key
}

fn read(keys: &Value) -> Result<KeySet, &'static str> {
    KeySet::read(json!({ "keys": keys }).to_string().as_bytes())
}

/// Whether the one key of a set can be used for that algorithm.
fn is_used(key: &Value, algorithm: Algorithm) -> bool {
    let set = read(&json!([key])).unwrap_or_else(|why| panic!("{why}: {key}"));
    matches!(set.find(algorithm, Some("k")), Found::Key(_))
}

#[test]
fn keys_for_signatures_are_used_jw4() {
    for changes in [
        json!({}),
        json!({ "use": "sig", "alg": "RS256", "key_ops": ["verify"], "x5t": "x", "unknown": {} }),
        json!({ "key_ops": ["sign", "verify"] }),
        json!({ "use": null, "alg": null }),
        json!({ "e": "Aw" }),
    ] {
        assert!(is_used(&rsa(&changes), Algorithm::Rs256), "{changes}");
    }
    assert!(is_used(&ec(&json!({ "alg": "ES256" })), Algorithm::Es256));
}

#[test]
fn keys_for_anything_else_are_left_out_jw4() {
    for changes in [
        json!({ "use": "enc" }),
        json!({ "use": "SIG" }),
        json!({ "use": ["sig"] }),
        json!({ "key_ops": ["encrypt"] }),
        json!({ "key_ops": [] }),
        json!({ "key_ops": "verify" }),
        json!({ "key_ops": null }),
        json!({ "alg": "RSA1_5" }),
        json!({ "alg": "ES256" }),
        json!({ "alg": "HS256" }),
        json!({ "alg": "none" }),
        json!({ "alg": "RS384" }),
        json!({ "alg": 1 }),
        json!({ "kty": "rsa" }),
        json!({ "kty": "EC" }),
        json!({ "kty": "AKP" }),
        json!({ "kty": "absent" }),
        json!({ "kty": 1 }),
        json!({ "kid": 1 }),
    ] {
        assert!(!is_used(&rsa(&changes), Algorithm::Rs256), "{changes}");
    }
    let others = json!([{ "kty": "future" }, {}, rsa(&json!({})), rsa(&json!({ "use": "enc" }))]);
    let set = read(&others).unwrap();
    assert!(matches!(set.find(Algorithm::Rs256, Some("k")), Found::Key(_)), "the rest is kept");
}

#[test]
fn weak_and_odd_rsa_keys_are_left_out_jw9_jw14() {
    for (bits, is_fit) in
        [(1024, false), (2047, false), (2048, true), (2049, true), (8192, true), (8193, false)]
    {
        let key = rsa(&json!({ "n": b64(&modulus(bits)) }));
        assert_eq!(is_used(&key, Algorithm::Rs256), is_fit, "{bits}");
    }
    let mut even = modulus(2048);
    *even.last_mut().unwrap() = 2;
    let with_zero = [&[0], &*modulus(2048)].concat();
    for n in [b64(&even), b64(&with_zero), String::new(), b64(&[0; 256])] {
        assert!(!is_used(&rsa(&json!({ "n": n })), Algorithm::Rs256), "{n}");
    }
    for n in [json!("absent"), json!(1), json!("!"), json!(format!("{}=", b64(&modulus(2048))))] {
        assert!(!is_used(&rsa(&json!({ "n": n })), Algorithm::Rs256), "{n}");
    }
    for e in ["AQ", "", "AA", "AAED", "AQAA", "Ag", "AQAB=", "AQABAQABAQABAQAB"] {
        assert!(!is_used(&rsa(&json!({ "e": e })), Algorithm::Rs256), "{e}");
    }
}

#[test]
fn curves_and_their_coordinates_jw4_jw10() {
    let key = |crv: &str, size: usize| {
        let coordinate = b64(&vec![1; size]);
        ec(&json!({ "crv": crv, "x": coordinate, "y": coordinate }))
    };
    for (crv, size, algorithm) in [
        ("P-256", 32, Algorithm::Es256),
        ("P-384", 48, Algorithm::Es384),
        ("P-521", 66, Algorithm::Es512),
    ] {
        for other in [Algorithm::Es256, Algorithm::Es384, Algorithm::Es512, Algorithm::Rs256] {
            assert_eq!(is_used(&key(crv, size), other), algorithm == other, "{crv} {other:?}");
        }
        for wrong in [0, 1, size - 1, size + 1] {
            assert!(!is_used(&key(crv, wrong), algorithm), "{crv} {wrong}");
        }
    }
    for changes in [
        json!({ "crv": "secp256k1" }),
        json!({ "crv": "p-256" }),
        json!({ "crv": "absent" }),
        json!({ "y": "absent" }),
        json!({ "x": b64(&[1; 31]) }),
        json!({ "y": b64(&[1; 33]) }),
        json!({ "alg": "ES384" }),
    ] {
        assert!(!is_used(&ec(&changes), Algorithm::Es256), "{changes}");
    }
    let okp =
        |crv: &str, size| json!({ "kty": "OKP", "crv": crv, "x": b64(&vec![1; size]), "kid": "k" });
    assert!(is_used(&okp("Ed25519", 32), Algorithm::Ed25519));
    for key in [okp("Ed25519", 31), okp("Ed25519", 57), okp("Ed448", 57), okp("X25519", 32)] {
        assert!(!is_used(&key, Algorithm::Ed25519), "{key}");
    }
}

#[test]
fn a_set_with_private_or_symmetric_keys_is_refused_whole_jw9() {
    for member in PRIVATE {
        for value in [json!("AQAB"), json!(null), json!([])] {
            let bad = rsa(&json!({ member: value, "kid": "other" }));
            let why = read(&json!([rsa(&json!({})), bad])).unwrap_err();
            assert!(why.contains("private or a symmetric"), "{member}: {why}");
        }
    }
    assert!(read(&json!([{ "kty": "oct", "k": b64(&[7; 32]), "alg": "HS256" }])).is_err());
}

#[test]
fn what_is_no_key_set_jw14_ds4() {
    for (body, what) in [
        ("", "strict JSON"),
        ("{}", "no list"),
        (r#"{"keys":{}}"#, "no list"),
        (r#"{"keys":null}"#, "no list"),
        (r#"{"keys":[1]}"#, "no object"),
        (r#"{"keys":[[]]}"#, "no object"),
        (r#"{"keys":[],"keys":[]}"#, "strict JSON"),
        (r#"{"keys":[{"kid":"a","kid":"b"}]}"#, "strict JSON"),
        ("[]", "lacks"),
        ("<!doctype html>", "strict JSON"),
    ] {
        let why = KeySet::read(body.as_bytes()).unwrap_err();
        assert!(why.contains(what), "{body}: {why}");
    }
    assert!(KeySet::read(br#"{"keys":[],"more":1}"#).is_ok(), "rotated empty: no key is known");
    let keys = |count| json!(vec![json!({}); count]);
    assert!(read(&keys(100)).is_ok());
    assert_eq!(read(&keys(101)).unwrap_err(), "has more than 100 keys");
    let large = format!(r#"{{"keys":[],"x":"{}"}}"#, "x".repeat(LIMIT));
    assert_eq!(KeySet::read(large.as_bytes()).unwrap_err(), "is too large");
}

#[test]
fn a_key_that_served_one_algorithm_serves_no_other_jw4() {
    let set = read(&json!([rsa(&json!({}))])).unwrap();
    let Found::Key(jwk) = set.find(Algorithm::Ps256, None) else { panic!("not found") };
    assert!(
        matches!(set.find(Algorithm::Rs256, Some("k")), Found::Key(_)),
        "nothing is settled yet"
    );
    set.settle(&jwk, Algorithm::Ps256);
    assert!(matches!(set.find(Algorithm::Ps256, Some("k")), Found::Key(_)));
    assert!(matches!(set.find(Algorithm::Rs256, Some("k")), Found::Refused(_)));
    assert!(matches!(set.find(Algorithm::Rs256, None), Found::Unknown));
}

#[test]
fn thumbprints_are_rfc_7638s_and_rfc_8037s() {
    let thumbprint = |key: &Value| {
        let set = read(&json!([key])).unwrap();
        set.0[0].jwk.thumbprint()
    };
    // RFC 8037, A.3.
    let okp = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    assert_eq!(thumbprint(&okp), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let path = Path::new(VECTORS).join("rfc-misc/vectors.json");
    let Ok(text) = fs::read_to_string(&path) else {
        println!("skipped: no vectors at {}", path.display());
        return;
    };
    let vector: Value = serde_json::from_str(&text).unwrap();
    let vector = &vector["rfc7638_thumbprint"];
    assert_eq!(vector["thumbprint"], thumbprint(&vector["jwk"]));
}

#[test]
fn debug_shows_no_secret_st9() {
    let secret = json!({ "kty": "oct", "k": b64(&[7; 32]), "alg": "HS256" }).to_string();
    let set = KeySet::symmetric(&Secret::new(secret)).unwrap();
    assert!(!format!("{set:?}").contains(&b64(&[7; 32])));
}

proptest! {
    #[test]
    fn no_set_panics(text in "\\PC{0,60}", member in "kty|use|key_ops|alg|kid|n|e|crv|x", value in "\\PC{0,20}") {
        let _ = KeySet::read(text.as_bytes());
        let _ = read(&json!([rsa(&json!({ &*member: value }))]));
        let _ = read(&json!([ec(&json!({ member: value }))]));
    }
}
