//! ID tokens, whole, or as lines of header, claims and signature: what passes is what another JSON parser
//! finds there, and no text of a token is in an error (JB1, JB2).
#![no_main]

use base64ct::{Base64UrlUnpadded, Encoding};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tokenward::{
    clock::UnixMillis,
    jwt::id_token::{self, Expected},
    secret::Secret,
};

/// What no error's text may hold, wherever in the token it stands.
const MARKER: &str = "zqx7marker";

const NOW: i64 = 1_700_000_000;

fuzz_target!(|input: &str| {
    let lines: Vec<&str> = input.splitn(3, '\n').collect();
    let token = match lines[..] {
        [_, _, _] => {
            let part = |line: &&str| Base64UrlUnpadded::encode_string(line.as_bytes());
            lines.iter().map(part).collect::<Vec<_>>().join(".")
        }
        _ => input.to_owned(),
    };
    let expected = Expected {
        issuer: "https://id.example.com",
        client_id: "spa",
        nonce: Some("n"),
        server_now: UnixMillis(NOW * 1000),
        leeway_secs: 60,
        max_age: None,
        acr_values: None,
    };
    // exposed: it is made up.
    match id_token::check(&Secret::from(token.as_str()), &expected) {
        Ok(judged) => {
            let parts: Vec<Value> = token.split('.').take(2).map(read).collect();
            let [header, claims] = &parts[..] else { panic!("two parts") };
            let alg = header["alg"].as_str().expect("an algorithm").to_ascii_lowercase();
            assert!(alg != "none" && !alg.starts_with("hs"), "{alg}");
            assert_eq!(claims["iss"], "https://id.example.com");
            assert!(claims["aud"] == "spa" || claims["aud"].as_array().is_some_and(is_ours));
            assert_eq!(claims["nonce"], "n");
            assert_eq!(claims["sub"], judged.subject.as_str());
            let expires = claims["exp"].as_f64().expect("a time");
            assert!(expires > (NOW - 61) as f64, "it has expired");
        }
        Err(error) => assert!(!format!("{error:?}").contains(MARKER), "the token is in an error"),
    }
});

fn read(part: &str) -> Value {
    let bytes = Base64UrlUnpadded::decode_vec(part).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}

fn is_ours(audience: &Vec<Value>) -> bool {
    !audience.is_empty() && audience.iter().all(|name| name == "spa")
}
