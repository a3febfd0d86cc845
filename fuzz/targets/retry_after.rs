//! `Retry-After`: seconds, a date, or neither; never more than a day.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tokenward::{
    clock::{Millis, UnixMillis},
    oauth::token::retry_after,
};

fuzz_target!(|input: (&str, i64)| {
    let (text, now) = input;
    let wait = retry_after(text, UnixMillis(now));
    assert!(wait.is_none_or(|wait| wait <= Millis::from_secs(86_400)));
    if let Ok(seconds) = text.parse::<u64>()
        && !text.starts_with('+')
    {
        assert_eq!(wait, Some(Millis::from_secs(seconds.min(86_400))));
    }
});
