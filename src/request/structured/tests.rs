//! The working group's own cases, all of them, and fields of every kind.

use proptest::prelude::*;
use serde_json::Value as Json;

use super::*;

const SUITE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/vectors/structured-fields");

/// A field of any kind.
#[derive(Clone, Debug, PartialEq)]
enum Field {
    Item(Item),
    List(Vec<Member>),
    Dictionary(Dictionary),
}

fn read(kind: &str, text: &str) -> Option<Field> {
    match kind {
        "item" => parse::item(text).map(Field::Item),
        "list" => parse::list(text).map(Field::List),
        _ => parse::dictionary(text).map(Field::Dictionary),
    }
}

fn written(field: &Field) -> Option<String> {
    let mut text = String::new();
    match field {
        Field::Item(item) => write::item(&mut text, item),
        Field::List(list) => write::list(&mut text, list),
        Field::Dictionary(dictionary) => write::dictionary(&mut text, dictionary),
    }?;
    Some(text)
}

/// Every case of the suite with its file's name; none where the suite is not at hand.
fn cases() -> Vec<(String, Json)> {
    let mut cases = Vec::new();
    for folder in [SUITE.to_owned(), format!("{SUITE}/serialisation-tests")] {
        let Ok(files) = std::fs::read_dir(folder) else { continue };
        for file in files.map(|file| file.unwrap().path()) {
            if file.extension().is_some_and(|kind| kind == "json") {
                let all: Vec<Json> =
                    serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
                let name = file.file_name().unwrap().to_string_lossy().into_owned();
                cases.extend(all.into_iter().map(|case| (name.clone(), case)));
            }
        }
    }
    cases
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

fn bare(json: &Json) -> Bare {
    let text = || json["value"].as_str().unwrap().to_owned();
    match (json, json["__type"].as_str()) {
        (_, Some("token")) => Bare::Token(text()),
        (_, Some("binary")) => Bare::Bytes(base32(&text())),
        (_, Some("displaystring")) => Bare::Display(text()),
        (_, Some("date")) => Bare::Date(json["value"].as_i64().unwrap()),
        (Json::Bool(is_true), _) => Bare::Boolean(*is_true),
        (Json::String(text), _) => Bare::String(text.clone()),
        (number, _) => match number.as_i64() {
            Some(whole) => Bare::Integer(whole),
            None => Bare::nearest(number.as_f64().unwrap()),
        },
    }
}

fn pairs<T>(json: &Json, read: impl Fn(&Json) -> T) -> Vec<(String, T)> {
    let pairs = json.as_array().unwrap().iter();
    pairs.map(|pair| (pair[0].as_str().unwrap().to_owned(), read(&pair[1]))).collect()
}

fn item(json: &Json) -> Item {
    Item { bare: bare(&json[0]), parameters: pairs(&json[1], bare) }
}

fn member(json: &Json) -> Member {
    let value = match &json[0] {
        Json::Array(items) => Value::Inner(items.iter().map(item).collect()),
        one => Value::Bare(bare(one)),
    };
    Member { value, parameters: pairs(&json[1], bare) }
}

fn field(kind: &str, json: &Json) -> Field {
    match kind {
        "item" => Field::Item(item(json)),
        "list" => Field::List(json.as_array().unwrap().iter().map(member).collect()),
        _ => Field::Dictionary(pairs(json, member)),
    }
}

/// Lines of one field, as whoever receives them joins them.
fn joined(lines: &Json) -> String {
    let lines = lines.as_array().unwrap().iter().map(|line| line.as_str().unwrap());
    lines.collect::<Vec<_>>().join(", ")
}

#[test]
fn hs7_the_working_groups_cases_are_read_and_written() {
    let (mut good, mut bad, mut lenient) = (0, 0, Vec::new());
    let cases = cases();
    for (file, case) in &cases {
        let kind = case["header_type"].as_str().unwrap();
        let must_fail = case["must_fail"] == true;
        let expected = case.get("expected").map(|expected| field(kind, expected));
        if let Some(raw) = case.get("raw") {
            let found = read(kind, &joined(raw));
            if must_fail {
                assert_eq!(found, None, "{file}: {case}");
            } else if found.is_none() && case["can_fail"] == true {
                lenient.push(case["name"].as_str().unwrap());
            } else {
                assert_eq!(found, expected, "{file}: {case}");
            }
        }
        if let Some(expected) = expected {
            // Without `canonical` the text that was read is the one to write.
            let text = case.get("canonical").or(case.get("raw")).map(joined);
            assert_eq!(written(&expected), text.filter(|_| !must_fail), "{file}: {case}");
        }
        if must_fail { bad += 1 } else { good += 1 }
    }
    if cases.is_empty() {
        #[allow(clippy::print_stderr, reason = "a skipped suite says so")]
        {
            eprintln!("skipped: no structured-field vectors at {SUITE}");
        }
        return;
    }
    assert_eq!((good, bad), (732, 1403));
    assert_eq!(lenient, ["non-zero pad bits"], "what readers may refuse, and this one does");
}

#[test]
fn a_field_is_wrong_as_a_whole() {
    for text in [
        "a=1,",
        "a=1,,b=2",
        "a=1 b=2",
        ",a",
        "a=",
        "a=(",
        "a=(1",
        "a=(1  2",
        "a=(1\t2)",
        "a=(1)2",
        "a=()x",
        "A=1",
        "1=1",
        "a;",
        "a;=1",
        "a; =1",
        "a;\tb",
        "a =1",
        "a= 1",
        "a=\"",
        "a=\"\\",
        "a=\"\\a\"",
        "a=\"\u{e9}\"",
        "a=\"\n\"",
        "a=?2",
        "a=?",
        "a=@",
        "a=@1.0",
        "a=@-",
        "a=%a",
        "a=%\"%C3\"",
        "a=%\"%c3\"",
        "a=%\"%4\"",
        "a=%\"\u{e9}\"",
        "a=-",
        "a=--1",
        "a=1.",
        "a=.1",
        "a=1.2.3",
        "a=1.2345",
        "a=1234567890123.1",
        "a=0000000000000000",
        "a=:A:",
        "a=:AA==",
        "a=:AA=:",
        "a=:AA=A:",
        "a=:AAA==:",
        "a=:AAAA====:",
        "a=:A-A_:",
        "a=:AAAAA:",
        "a=:AA AA:",
        "a=\u{e9}",
        "a,\u{a0}b",
        "a\r\n",
    ] {
        assert_eq!(parse::dictionary(text), None, "{text:?}");
    }
    for text in ["", " ", "a", " a=1 ", "a=1\t,\tb", "a=( )", "a=( 1  2 );b", "a=:AA:", "a;  b=1"] {
        assert!(parse::dictionary(text).is_some(), "{text:?}");
    }
    assert!(
        parse::item("").is_none() && parse::item("1 ").is_some() && parse::item("1,2").is_none()
    );
    assert!(
        parse::list("").is_some_and(|list| list.is_empty()),
        "no line and an empty one are one"
    );
}

#[test]
fn what_is_named_twice_is_what_it_was_last() {
    let found = read("dictionary", "a=1, b=2, a=(3);x;y=1;x=?0").unwrap();
    assert_eq!(written(&found).as_deref(), Some("a=(3);x=?0;y=1, b=2"));
}

fn key() -> impl Strategy<Value = String> {
    "[a-z*][a-z0-9_.*-]{0,5}"
}

fn any_bare() -> impl Strategy<Value = Bare> {
    prop_oneof![
        (-LARGEST..=LARGEST).prop_map(Bare::Integer),
        (-LARGEST..=LARGEST).prop_map(Bare::Decimal),
        (-LARGEST..=LARGEST).prop_map(Bare::Date),
        "[ -~]{0,12}".prop_map(Bare::String),
        "[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]{0,8}".prop_map(Bare::Token),
        prop::collection::vec(any::<u8>(), 0..12).prop_map(Bare::Bytes),
        any::<bool>().prop_map(Bare::Boolean),
        "\\PC{0,8}|[\\x00-\\x7f]{0,8}".prop_map(Bare::Display),
    ]
}

/// Names that stand once each.
fn named<T: core::fmt::Debug + Clone>(
    value: impl Strategy<Value = T>,
) -> impl Strategy<Value = Vec<(String, T)>> {
    prop::collection::vec((key(), value), 0..4).prop_map(|mut all| {
        all.sort_by(|(a, _), (b, _)| a.cmp(b));
        all.dedup_by(|(a, _), (b, _)| a == b);
        all
    })
}

fn any_item() -> impl Strategy<Value = Item> {
    (any_bare(), named(any_bare())).prop_map(|(bare, parameters)| Item { bare, parameters })
}

fn any_member() -> impl Strategy<Value = Member> {
    let inner = prop::collection::vec(any_item(), 0..4).prop_map(Value::Inner);
    let value = prop_oneof![any_bare().prop_map(Value::Bare), inner];
    (value, named(any_bare())).prop_map(|(value, parameters)| Member { value, parameters })
}

proptest! {
    #[test]
    fn hs7_what_is_written_is_read_again(
        item in any_item(),
        list in prop::collection::vec(any_member(), 0..4),
        dictionary in named(any_member()),
    ) {
        let fields = [Field::Item(item), Field::List(list), Field::Dictionary(dictionary)];
        for (kind, field) in ["item", "list", "dictionary"].into_iter().zip(fields) {
            let text = written(&field).unwrap();
            prop_assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            prop_assert_eq!(read(kind, &text), Some(field));
        }
    }

    #[test]
    fn hs7_whatever_is_read_has_one_text(text in "\\PC{0,24}|[-a1.;=,()?@%: \"\\\\*\t]{0,24}") {
        for kind in ["item", "list", "dictionary"] {
            if let Some(field) = read(kind, &text) {
                let canonical = written(&field).unwrap();
                prop_assert_eq!(read(kind, &canonical), Some(field));
            }
        }
    }

    #[test]
    fn hs4_no_text_breaks_out_of_its_quotes(text in "\\PC{0,40}|[\\x00-\\x7f]{0,40}") {
        let mut quoted = String::new();
        match write::bare(&mut quoted, &Bare::String(text.clone())) {
            Some(()) => {
                let inner = &quoted[1..quoted.len() - 1];
                prop_assert!(quoted.starts_with('"') && quoted.ends_with('"'));
                prop_assert!(inner.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
                prop_assert_eq!(inner.replace("\\\"", "\"").replace("\\\\", "\\"), text);
            }
            None => prop_assert!(!text.bytes().all(|byte| (b' '..=b'~').contains(&byte))),
        }
    }

    #[test]
    fn a_number_is_written_or_refused(number: i64) {
        let is_there = number.unsigned_abs() <= 999_999_999_999_999;
        for (bare, expected) in [
            (Bare::Integer(number), number.to_string()),
            (Bare::Date(number), format!("@{number}")),
        ] {
            let mut text = String::new();
            let is_written = write::bare(&mut text, &bare).is_some();
            prop_assert_eq!(is_written, is_there);
            prop_assert!(!is_written || text == expected);
        }
        prop_assert_eq!(write::bare(&mut String::new(), &Bare::Decimal(number)).is_some(), is_there);
    }
}
