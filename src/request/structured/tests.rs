//! The working group's own cases, and texts of every kind.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

const SUITE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/vectors/structured-fields");

fn written(item: Bare<'_>) -> Option<String> {
    let mut text = String::new();
    bare(&mut text, item).map(|()| text)
}

/// The cases of one file, or none where the suite is not at hand.
fn cases(file: &str) -> Vec<Value> {
    match std::fs::read_to_string(format!("{SUITE}/{file}")) {
        Ok(text) => serde_json::from_str(&text).unwrap(),
        Err(_) => Vec::new(),
    }
}

fn base32(text: &str) -> Vec<u8> {
    let (mut bits, mut held, mut bytes) = (0_u32, 0_u32, Vec::new());
    for byte in text.bytes().take_while(|byte| *byte != b'=') {
        let five = if byte.is_ascii_uppercase() { byte - b'A' } else { byte - b'2' + 26 };
        (bits, held) = (bits << 5 | u32::from(five), held + 5);
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xff).unwrap());
        }
    }
    bytes
}

/// A case of what is not written here.
struct OtherKind;

/// What is written for a case's `expected`, where it is an item of a kind that is written here.
fn item(expected: &Value) -> Result<Option<String>, OtherKind> {
    let (value, parameters) = (&expected[0], &expected[1]);
    if parameters.as_array().is_none_or(|parameters| !parameters.is_empty()) {
        return Err(OtherKind);
    }
    let bytes = value["value"].as_str().filter(|_| value["__type"] == "binary").map(base32);
    match (value.as_i64(), value.as_str(), bytes) {
        (Some(number), ..) => Ok(written(Bare::Integer(number))),
        (_, Some(text), _) => Ok(written(Bare::String(text))),
        (.., Some(bytes)) => Ok(written(Bare::Bytes(&bytes))),
        _ => Err(OtherKind),
    }
}

#[test]
fn hs7_the_working_groups_items_are_written_as_they_stand() {
    let files = [
        "string.json",
        "string-generated.json",
        "number.json",
        "number-generated.json",
        "binary.json",
        "serialisation-tests/number.json",
        "serialisation-tests/string-generated.json",
    ];
    let (mut good, mut bad) = (0, 0);
    for case in files.iter().flat_map(|file| cases(file)) {
        let Some(Ok(written)) = case.get("expected").map(item) else { continue };
        if case["must_fail"] == true {
            assert_eq!(written, None, "{case}");
            bad += 1;
        } else {
            // Without `canonical` the text that was read is the one to write.
            let text = case.get("canonical").or(case.get("raw")).unwrap();
            assert_eq!(written.as_deref(), text[0].as_str(), "{case}");
            good += 1;
        }
    }
    let is_there = std::path::Path::new(SUITE).exists();
    assert!(!is_there || (good > 150 && bad > 30), "{good} good, {bad} bad");
}

#[test]
fn hs7_the_working_groups_keys_are_told_apart() {
    let mut seen = 0;
    for case in cases("serialisation-tests/key-generated.json") {
        let (key, is_key) = match case["header_type"].as_str() {
            Some("dictionary") => (case["expected"][0][0].clone(), case["must_fail"] != true),
            _ => continue,
        };
        assert_eq!(super::is_key(key.as_str().unwrap()), is_key, "{case}");
        seen += 1;
    }
    assert!(seen > 100 || !std::path::Path::new(SUITE).exists(), "{seen}");
}

proptest! {
    #[test]
    fn hs4_no_text_breaks_out_of_its_quotes(text in "\\PC{0,40}|[\\x00-\\x7f]{0,40}") {
        match written(Bare::String(&text)) {
            Some(written) => {
                let inner = &written[1..written.len() - 1];
                prop_assert!(written.starts_with('"') && written.ends_with('"'));
                prop_assert!(inner.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
                prop_assert_eq!(inner.replace("\\\"", "\"").replace("\\\\", "\\"), text.clone());
            }
            None => prop_assert!(!text.bytes().all(|byte| (b' '..=b'~').contains(&byte))),
        }
    }

    #[test]
    fn a_number_is_written_or_refused(number: i64) {
        let text = written(Bare::Integer(number));
        prop_assert_eq!(text.is_some(), number.unsigned_abs() <= 999_999_999_999_999);
        prop_assert!(text.is_none_or(|text| text == number.to_string()));
    }
}
