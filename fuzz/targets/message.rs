//! What pages post to the vault: nothing but strict JSON of a known shape is read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tokenward::vault::wire::{ToVault, limits};

fuzz_target!(|text: &str| {
    if ToVault::read(text).is_ok() {
        assert!(text.len() <= limits::MESSAGE);
        let oracle: serde_json::Value = serde_json::from_str(text).expect("strict JSON");
        let tag = oracle["type"].as_str().expect("a type");
        assert!(ToVault::TYPES.contains(&tag));
    }
});
