//! Structured fields: whatever is read has one text, which means the same; and no head of an answer passes for
//! one that somebody signed with the page's key (HS7, HS9).
#![no_main]

use libfuzzer_sys::fuzz_target;
use tokenward::{
    clock::UnixMillis,
    config::credential::{Answers, Key, Usage},
    request::{
        httpsig::{Message, Start, verify},
        structured::{parse, write},
    },
    url::ParsedUrl,
};

fuzz_target!(|input: &str| {
    if let Some(item) = parse::item(input) {
        let mut text = String::new();
        write::item(&mut text, &item).expect("what was read is written");
        assert_eq!(parse::item(&text), Some(item));
    }
    if let Some(list) = parse::list(input) {
        let mut text = String::new();
        write::list(&mut text, &list).expect("what was read is written");
        assert_eq!(parse::list(&text), Some(list));
    }
    if let Some(dictionary) = parse::dictionary(input) {
        let mut text = String::new();
        write::dictionary(&mut text, &dictionary).expect("what was read is written");
        assert_eq!(parse::dictionary(&text), Some(dictionary));
    }

    // The field's lines are those of the three that an answer is judged by.
    let mut lines = input.split('\n');
    let names = ["signature-input", "signature", "content-digest"];
    let fields: Vec<_> =
        names.map(|name| (name.to_owned(), lines.next().unwrap_or_default().to_owned())).into();
    let key = Key::signature("k", "key-1").with_answers(Answers::Signed);
    let Usage::Signature(profile) = key.usage else { unreachable!("it is a signature") };
    let url = ParsedUrl {
        href: "https://a.example/".to_owned(),
        origin: "https://a.example".to_owned(),
        protocol: "https:".to_owned(),
        hostname: "a.example".to_owned(),
        pathname: "/".to_owned(),
        search: String::new(),
        hash: String::new(),
        has_userinfo: false,
    };
    let request = Message { start: Start::Request("GET", &url), fields: &[] };
    let now = UnixMillis(1_700_000_000_000);
    if let Ok(check) = verify::check(&profile, (200, &fields), &request, now) {
        assert!(check.base.contains("\"@status\": 200\n"));
        assert!(check.base.contains("created="));
        assert_eq!(check.base.lines().filter(|line| line.starts_with("\"@sig")).count(), 1);
        assert!(check.content(b"x").is_err() || check.base.contains("digest"));
    }
});
