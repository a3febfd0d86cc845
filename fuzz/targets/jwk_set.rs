//! JWK sets: what passes is what another JSON parser finds there, and publishes no private key (JW9,
//! JW14).
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tokenward::jwt::jwks::KeySet;

/// Members that no published key has.
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// What no error's text may hold, wherever in the set it stands.
const MARKER: &str = "zqx7marker";

fuzz_target!(|body: &[u8]| {
    match KeySet::read(body) {
        Ok(_) => {
            let set: Value = serde_json::from_slice(body).expect("strict JSON");
            let keys = set["keys"].as_array().expect("a list of keys");
            assert!(keys.len() <= 100);
            for key in keys {
                let key = key.as_object().expect("an object");
                assert!(PRIVATE.iter().all(|member| !key.contains_key(*member)), "{key:?}");
            }
        }
        Err(problem) => assert!(!problem.contains(MARKER)),
    }
});
