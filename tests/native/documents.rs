//! The JSON test suite at the doors through which JSON comes from the network: each document as an unknown
//! member of what is otherwise good, and bare.

use std::{collections::BTreeMap, fs, path::Path};

use base64ct::{Base64UrlUnpadded, Encoding};
use tokenward::{
    clock::UnixMillis,
    error::Phase,
    jwt::{
        id_token::{self, Expected},
        jwks::KeySet,
    },
    oauth::{metadata, token},
    secret::Secret,
    url::{ParseUrl, ParsedUrl},
};

use crate::fixtures::{CLIENT, ISSUER, START};

const SUITE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/vectors/jsontestsuite/test_parsing");

/// What the standard leaves open and is taken: numbers that a double holds nearly.
const TAKEN: [&str; 5] = [
    "i_number_double_huge_neg_exp.json",
    "i_number_real_underflow.json",
    "i_number_too_big_neg_int.json",
    "i_number_too_big_pos_int.json",
    "i_number_very_big_negative_int.json",
];

/// A door: whether it takes a document. The object that it takes begins with `start`, and goes on with
/// any member.
struct Door {
    name: &'static str,
    start: String,
    takes: fn(&[u8]) -> bool,
}

fn doors() -> [Door; 4] {
    let (now, endpoint) = (START.wall.0 / 1000, format!("{ISSUER}/x"));
    [
        Door {
            name: "token answer",
            start: r#"{"access_token":"a","token_type":"Bearer""#.into(),
            takes: takes_token_answer,
        },
        Door {
            name: "discovery",
            start: format!(
                r#"{{"issuer":"{ISSUER}","authorization_endpoint":"{endpoint}","token_endpoint":"{endpoint}""#
            ),
            takes: |body| metadata::read(body, ISSUER, &Plain).is_ok(),
        },
        Door {
            name: "key set",
            start: r#"{"keys":[]"#.into(),
            takes: |body| KeySet::read(body).is_ok(),
        },
        Door {
            name: "claims",
            start: format!(
                r#"{{"iss":"{ISSUER}","aud":"{CLIENT}","sub":"alice","iat":{now},"exp":{}"#,
                now + 60
            ),
            takes: takes_claims,
        },
    ]
}

fn takes_token_answer(body: &[u8]) -> bool {
    let answer = token::HttpAnswer {
        status: 200,
        content_type: Some("application/json".into()),
        retry_after: None,
        date: None,
        dpop_nonce: None,
        body: body.to_vec(),
    };
    token::read(&answer, Phase::Callback, UnixMillis(0)).is_ok()
}

fn takes_claims(payload: &[u8]) -> bool {
    let header = Base64UrlUnpadded::encode_string(br#"{"alg":"RS256"}"#);
    let token = format!("{header}.{}.c2ln", Base64UrlUnpadded::encode_string(payload));
    let expected = Expected {
        issuer: ISSUER,
        client_id: CLIENT,
        nonce: None,
        server_now: START.wall,
        leeway_secs: 60,
        max_age: None,
        acr_values: None,
    };
    id_token::check(&Secret::new(token), &expected).is_ok()
}

/// Takes an address for what it looks like: these are all good ones.
struct Plain;

impl ParseUrl for Plain {
    fn parse(&self, input: &str, _: Option<&str>) -> Option<ParsedUrl> {
        Some(ParsedUrl {
            href: input.to_owned(),
            origin: ISSUER.to_owned(),
            protocol: "https:".to_owned(),
            hostname: "id.example.com".to_owned(),
            pathname: "/".to_owned(),
            search: String::new(),
            hash: String::new(),
            has_userinfo: false,
        })
    }
}

fn documents() -> BTreeMap<String, Vec<u8>> {
    let Ok(files) = fs::read_dir(Path::new(SUITE)) else {
        println!("skipped: no JSONTestSuite at {SUITE}");
        return BTreeMap::new();
    };
    let read = |file: fs::DirEntry| {
        (file.file_name().to_string_lossy().into_owned(), fs::read(file.path()).unwrap())
    };
    files.flatten().map(read).collect()
}

#[test]
fn json_test_suite_at_every_door_t31_tk9_ds4_jb5() {
    let documents = documents();
    for door in doors().iter().filter(|_| !documents.is_empty()) {
        let (mut taken, mut refused, mut open) = (0, 0, Vec::new());
        for (name, document) in &documents {
            let whole = [door.start.as_bytes(), br#","unknown":"#, document, b"}"].concat();
            let is_taken = (door.takes)(&whole);
            let is_twice = name.starts_with("y_object_duplicated_key");
            match name.split('_').next() {
                Some("y") if !is_twice => {
                    assert!(is_taken, "{}: {name}", door.name);
                    taken += 1;
                }
                Some("y" | "n") => {
                    assert!(!is_taken, "{}: {name}", door.name);
                    refused += 1;
                }
                _ if is_taken => open.push(name.as_str()),
                _ => {}
            }
        }
        assert_eq!((documents.len(), taken, refused), (318, 93, 188 + 2), "{}", door.name);
        assert_eq!(open, TAKEN, "{}", door.name);
    }
}

#[test]
fn nothing_bare_passes_a_door_ds4() {
    for door in doors() {
        assert!((door.takes)(format!("{}}}", door.start).as_bytes()), "{}", door.name);
        for (name, document) in documents() {
            assert!(!(door.takes)(&document), "{}: {name}", door.name);
        }
    }
}
