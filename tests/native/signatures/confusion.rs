//! Tokens that say one thing and are signed as another.

use serde_json::{Value, json};
use tokenward::jwt::{
    algorithm::{Algorithm, Algorithms, KeyType},
    jwks::KeySet,
};

use super::{
    oracle::token,
    signer::{SHARED, b64, jwk, key_set, public_forms, sign, sign_with},
};

const PAYLOAD: &str = r#"{"sub":"alice"}"#;

fn all() -> Algorithms {
    Algorithms::of(&Algorithm::ALL)
}

/// The key of an algorithm, for that algorithm alone.
fn labelled(algorithm: Algorithm) -> Value {
    let mut key = jwk(algorithm);
    key["alg"] = algorithm.as_str().into();
    key["kid"] = "1".into();
    key
}

#[test]
fn a_token_is_what_its_key_is_for_jw2_jw4_jw15_t24() {
    let mut accepted = 0;
    for signed in Algorithm::ALL {
        for said in Algorithm::ALL {
            let header = json!({ "alg": said.as_str(), "kid": "1" });
            let text = sign(signed, &header, PAYLOAD);
            let outcome = token(&text, &key_set(&labelled(signed)), all());
            assert_eq!(outcome.is_ok(), signed == said, "{signed:?} as {said:?}: {outcome:?}");
            accepted += usize::from(outcome.is_ok());
            // A key that does not say what it is for, and a token that does not say whose it is.
            let header = json!({ "alg": said.as_str() });
            let text = sign(signed, &header, PAYLOAD);
            let keys = key_set(&jwk(signed));
            let outcome = token(&text, &keys, all());
            assert_eq!(outcome.is_ok(), signed == said, "{signed:?} as {said:?}: {outcome:?}");
            // The right key, beside which the algorithm is not allowed.
            let others: Vec<_> = Algorithm::ALL.into_iter().filter(|one| *one != said).collect();
            assert!(token(&text, &keys, Algorithms::of(&others)).is_err());
        }
    }
    assert_eq!(accepted, 13);
}

#[test]
fn both_names_of_ed25519_jw15() {
    for said in ["EdDSA", "Ed25519"] {
        for named in ["EdDSA", "Ed25519"] {
            let mut key = jwk(Algorithm::Ed25519);
            key["alg"] = named.into();
            let text = sign(Algorithm::Ed25519, &json!({ "alg": said }), PAYLOAD);
            let listed = Algorithms::of_issuer(&[named]);
            assert_eq!(token(&text, &key_set(&key), listed), Ok(()), "{said} {named}");
        }
    }
}

#[test]
fn a_public_key_is_no_secret_jw5_t24() {
    for secret in public_forms() {
        for alg in ["HS256", "hs256", "RS256"] {
            let text = sign_with(&secret, &json!({ "alg": alg }), PAYLOAD);
            let keys = key_set(&jwk(Algorithm::Rs256));
            assert!(token(&text, &keys, all()).is_err(), "{alg}");
        }
    }
    let blank = json!({ "keys": [{ "kty": "oct", "k": "", "alg": "HS256" }] }).to_string();
    assert!(KeySet::symmetric(&blank.as_str().into()).is_err(), "a blank password");
}

#[test]
fn secrets_are_for_hmac_alone_and_long_enough_jw5_jw9() {
    let symmetric = |key: Value| KeySet::symmetric(&key.to_string().as_str().into()).is_ok();
    for (alg, size) in [("HS256", 32), ("HS384", 48), ("HS512", 64)] {
        let key = |size| json!({ "kty": "oct", "alg": alg, "k": b64(&SHARED[..size]) });
        assert!(symmetric(key(size)) && !symmetric(key(size - 1)), "{alg}");
    }
    let key = json!({ "kty": "oct", "alg": "HS256", "k": b64(&SHARED) });
    for (member, value) in [
        ("kty", json!("OCT")),
        ("kty", json!("RSA")),
        ("alg", json!(null)),
        ("alg", json!("RS256")),
        ("alg", json!("A256GCM")),
        ("use", json!("enc")),
        ("key_ops", json!(["sign"])),
        ("k", json!("AAA=")),
        ("k", json!(1)),
    ] {
        let mut key = key.clone();
        key[member] = value.clone();
        assert!(!symmetric(key), "{member}: {value}");
    }
    assert!(!symmetric(jwk(Algorithm::Es256)) && !symmetric(json!({ "keys": [1] })));
}

#[test]
fn unsigned_in_every_spelling_jw3_t24() {
    let keys = key_set(&jwk(Algorithm::Rs256));
    let spellings = (0..16).map(|bits: u32| {
        let letter =
            |(at, c): (usize, char)| if bits >> at & 1 == 1 { c.to_ascii_uppercase() } else { c };
        "none".chars().enumerate().map(letter).collect::<String>()
    });
    for alg in spellings.chain([String::new(), " none".into(), "none ".into(), "n\u{43e}ne".into()])
    {
        let header = json!({ "alg": alg });
        let signed = sign(Algorithm::Rs256, &header, PAYLOAD);
        let unsigned =
            format!("{}.{}.", b64(header.to_string().as_bytes()), b64(PAYLOAD.as_bytes()));
        for text in [signed.as_str(), &unsigned, unsigned.trim_end_matches('.')] {
            assert!(token(text, &keys, all()).is_err(), "{alg}");
        }
    }
}

#[test]
fn blank_signatures_jw10_t24_t25() {
    for algorithm in Algorithm::ALL {
        let text = sign(algorithm, &json!({ "alg": algorithm.as_str() }), PAYLOAD);
        let (input, signature) = text.rsplit_once('.').unwrap();
        let size = signature.len() * 3 / 4;
        let keys = key_set(&jwk(algorithm));
        assert_eq!(token(&text, &keys, all()), Ok(()));
        for blank in [vec![], vec![0], vec![0; size], vec![255; size], vec![0; 4096]] {
            let text = format!("{input}.{}", b64(&blank));
            assert!(token(&text, &keys, all()).is_err(), "{algorithm:?}");
        }
        assert!(token(input, &keys, all()).is_err());
    }
}

#[test]
fn keys_that_a_token_brings_are_not_looked_at_jw1_t24() {
    // The attacker's own key: the issuer's is another.
    let mut own = jwk(Algorithm::Es256);
    own["kid"] = "1".into();
    let keys = key_set(&labelled(Algorithm::Rs256));
    for (name, value) in [
        ("jwk", own.clone()),
        ("jku", json!("https://evil.example/jwks")),
        ("x5u", json!("https://evil.example/chain")),
        ("x5c", json!(["MIIB"])),
    ] {
        for kid in ["1", "2"] {
            let header = json!({ "alg": "ES256", "kid": kid, name: value });
            assert!(
                token(&sign(Algorithm::Es256, &header, PAYLOAD), &keys, all()).is_err(),
                "{name}"
            );
        }
        let header = json!({ "alg": "RS256", "kid": "1", name: value });
        let text = sign(Algorithm::Rs256, &header, PAYLOAD);
        assert_eq!(token(&text, &keys, all()), Ok(()), "{name} is ignored, not trusted");
    }
}

#[test]
fn headers_that_nobody_understands_jw13() {
    for header in [
        json!({ "alg": "RS256", "crit": ["exp"] }),
        json!({ "alg": "RS256", "crit": [] }),
        json!({ "alg": "RS256", "b64": false, "crit": ["b64"] }),
        json!({ "alg": "RS256", "b64": true }),
        json!({ "alg": "RS256", "enc": "A256GCM" }),
        json!({ "alg": "RS256", "kid": 1 }),
        json!({ "alg": "RS256", "kid": null }),
        json!({ "alg": ["RS256"] }),
        json!({}),
    ] {
        let text = sign(Algorithm::Rs256, &header, PAYLOAD);
        assert!(token(&text, &key_set(&jwk(Algorithm::Rs256)), all()).is_err(), "{header}");
    }
}

#[test]
fn a_kid_is_a_name_and_nothing_else_jw8_t27() {
    let long = "k".repeat(10_000);
    let names = [
        "__proto__",
        "constructor",
        "../../etc/passwd",
        "' OR 1=1 --",
        "\u{1f511}",
        "e\u{301}",
        "",
        &long,
    ];
    for name in names {
        let mut key = jwk(Algorithm::Es256);
        key["kid"] = name.into();
        let keys = key_set(&key);
        let text_by =
            |kid: &str| sign(Algorithm::Es256, &json!({ "alg": "ES256", "kid": kid }), PAYLOAD);
        assert_eq!(token(&text_by(name), &keys, all()), Ok(()));
        for other in names.iter().chain(&["\u{e9}", "1"]).filter(|other| **other != name) {
            assert_eq!(token(&text_by(other), &keys, all()), Err("its key is unknown"), "{other}");
        }
    }
}

#[test]
fn which_of_several_keys_jw6_jw9() {
    let set =
        |keys: &[Value]| KeySet::read(json!({ "keys": keys }).to_string().as_bytes()).unwrap();
    let (rsa, es256) = (labelled(Algorithm::Rs256), labelled(Algorithm::Es256));
    let named = sign(Algorithm::Es256, &json!({ "alg": "ES256", "kid": "1" }), PAYLOAD);
    let nameless = sign(Algorithm::Es256, &json!({ "alg": "ES256" }), PAYLOAD);
    assert_eq!(
        token(&nameless, &set(&[rsa.clone(), es256.clone()]), all()),
        Ok(()),
        "one is suitable"
    );
    let mut second = es256.clone();
    second["kid"] = "2".into();
    let several = set(&[es256.clone(), second]);
    assert!(token(&nameless, &several, all()).unwrap_err().contains("several"));
    assert_eq!(token(&named, &several, all()), Ok(()));
    assert!(
        token(&named, &set(&[es256.clone(), es256.clone()]), all()).unwrap_err().contains("twice")
    );
    assert!(token(&named, &set(&[rsa, es256.clone()]), all()).unwrap_err().contains("twice"));
    let mut nobodys = es256;
    nobodys.as_object_mut().unwrap().remove("kid");
    assert_eq!(token(&named, &set(&[nobodys]), all()), Err("its key is unknown"));
}

#[test]
fn every_key_type_has_its_algorithms() {
    let of = |kind| Algorithm::ALL.into_iter().filter(|one| one.key_type() == kind).count();
    assert_eq!([KeyType::Rsa, KeyType::Ec, KeyType::Okp, KeyType::Oct].map(of), [6, 3, 1, 3]);
}
