//! `WWW-Authenticate`: whatever a resource writes is read, and nothing is read that it did not write; a
//! challenge that is written well is understood behind any other (BR4, T30).
#![no_main]

use libfuzzer_sys::fuzz_target;
use tokenward::request::challenge;

fuzz_target!(|input: &str| {
    // No field has a line end: what is behind the first one is a value.
    let (header, value) = input.split_once('\n').unwrap_or((input, ""));
    let mut length = 0;
    for found in challenge::read(header) {
        length += found.scheme.len();
        for (name, value) in &found.params {
            assert!(!name.is_empty());
            length += name.len() + value.len();
        }
    }
    assert!(length <= header.len(), "more was read than was written");
    let _ = (challenge::error(header, false), challenge::error(header, true));

    let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
    let well = format!("Basic realm=\"x\", Bearer realm=\"api\", error=\"{escaped}\"");
    assert_eq!(challenge::error(&well, false).as_deref(), Some(value));
});
