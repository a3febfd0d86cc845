//! Signed tokens that nobody here made, and what is to become of each: read the same way by the native
//! tests and by those in the browsers. It computes no signature.

use serde_json::Value;
use tokenward::{
    jwt::{
        algorithm::{Algorithm, Algorithms, KeyType},
        jwks::KeySet,
    },
    secret::Secret,
};

/// A token, and the keys and algorithms that it is verified with.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) token: String,
    /// Its keys as those that an issuer publishes.
    pub(crate) keys: Result<KeySet, &'static str>,
    /// Its keys as secrets that an application configured; `None` where they are none.
    pub(crate) shared: Option<KeySet>,
    pub(crate) allowed: Algorithms,
    pub(crate) is_valid: bool,
}

/// Tokens that the suite calls valid, and a strict client refuses: RFC 7520's own keys say PS256 where the
/// token is PS384 (346, 350) and "ES521" (347, 351); characters outside the alphabet (372, 373).
pub(crate) const REFUSED_THOUGH_VALID: [&str; 6] = ["346", "347", "350", "351", "372", "373"];

/// Tokens that the suite calls invalid, and that are its valid 357 to the letter: what was wrong with them
/// got lost. They are refused of an issuer, as every token with a secret is, and accepted where 357 is.
pub(crate) const INVALID_THOUGH_EQUAL: [&str; 2] = ["367", "370"];

/// The signed tokens of RFC 7520 and RFC 8037, by file.
pub(crate) const COOKBOOK: [&str; 5] = [
    "jose-cookbook/jws/4_1.rsa_v15_signature.json",
    "jose-cookbook/jws/4_2.rsa-pss_signature.json",
    "jose-cookbook/jws/4_3.ecdsa_signature.json",
    "jose-cookbook/jws/4_4.hmac-sha2_integrity_protection.json",
    "jose-cookbook/curve25519/jws.json",
];

impl Case {
    /// The same with one letter in the token's middle changed.
    pub(crate) fn changed(mut self) -> Self {
        let middle = self.token.len() / 2;
        let other = if &self.token[middle..=middle] == "A" { "B" } else { "A" };
        self.token.replace_range(middle..=middle, other);
        self
    }
}

/// How many invalid cases were refused and valid ones accepted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) refused: usize,
    pub(crate) accepted: usize,
}

impl Tally {
    /// Counts what came of a case; panics where that is not what the suite says, unless it is among `but`.
    pub(crate) fn count(&mut self, case: &Case, is_accepted: bool, but: &[&str]) {
        let is_expected = is_accepted == case.is_valid;
        assert_ne!(is_expected, but.contains(&&*case.name), "{}: {}", case.name, case.token);
        self.refused += usize::from(!case.is_valid && is_expected);
        self.accepted += usize::from(case.is_valid && is_expected);
    }
}

/// The cases of one of Wycheproof's files on signed tokens and their keys.
pub(crate) fn wycheproof(text: &str) -> Vec<Case> {
    let file: Value = serde_json::from_str(text).unwrap();
    let mut cases = Vec::new();
    for group in file["testGroups"].as_array().unwrap() {
        let keys = group.get("public").unwrap_or(&group["private"]);
        for test in group["tests"].as_array().unwrap() {
            let Some(jws) = test.get("jws") else { continue };
            cases.push(Case {
                name: test["tcId"].to_string(),
                token: jws.as_str().map_or_else(|| jws.to_string(), str::to_owned),
                keys: KeySet::read(set(keys).as_bytes()),
                shared: KeySet::symmetric(&Secret::new(set(keys))).ok(),
                allowed: algorithms(keys),
                is_valid: test["result"] == "valid",
            });
        }
    }
    cases
}

/// The one compact token of a file of RFC 7520's or RFC 8037's examples, signed by its own key.
pub(crate) fn cookbook(text: &str) -> Case {
    let file: Value = serde_json::from_str(text).unwrap();
    let key = public(&file["input"]["key"], &file["input"]["alg"]);
    Case {
        name: file["title"].to_string(),
        token: file["output"]["compact"].as_str().unwrap().to_owned(),
        keys: KeySet::read(set(&key).as_bytes()),
        shared: KeySet::symmetric(&Secret::new(set(&key))).ok(),
        allowed: algorithms(&key),
        is_valid: true,
    }
}

/// A token with its key, as `rfc-misc` has them.
pub(crate) fn misc(file: &Value, name: &str, alg: &str) -> Case {
    let key = public(&file[name]["key"], &alg.into());
    Case {
        name: name.to_owned(),
        token: file[name]["jws"].as_str().unwrap().to_owned(),
        keys: KeySet::read(set(&key).as_bytes()),
        shared: KeySet::symmetric(&Secret::new(set(&key))).ok(),
        allowed: algorithms(&key),
        is_valid: true,
    }
}

/// The key without its private members, and with the algorithm that it is used by.
fn public(key: &Value, alg: &Value) -> Value {
    let mut key = key.clone();
    key["alg"] = alg.clone();
    for member in ["d", "p", "q", "dp", "dq", "qi"] {
        key.as_object_mut().unwrap().remove(member);
    }
    key
}

/// The keys as a set.
fn set(keys: &Value) -> String {
    let is_set = keys.get("keys").is_some();
    if is_set { keys.to_string() } else { serde_json::json!({ "keys": [keys] }).to_string() }
}

/// The algorithms that the keys name; where none does, those of an issuer.
fn algorithms(keys: &Value) -> Algorithms {
    let alone = [keys.clone()];
    let keys = keys["keys"].as_array().map_or(&alone[..], Vec::as_slice);
    let named: Vec<_> = keys.iter().filter_map(|key| key["alg"].as_str()).collect();
    if named.is_empty() {
        let is_issuers = |one: &Algorithm| one.key_type() != KeyType::Oct;
        return Algorithms::of(&Algorithm::ALL.into_iter().filter(is_issuers).collect::<Vec<_>>());
    }
    Algorithms::of(&named.into_iter().filter_map(Algorithm::read).collect::<Vec<_>>())
}
