//! When the provider is asked for its keys, in virtual time.

use super::*;
use crate::clock::UnixMillis;

const URI: &str = "https://id.example.com/jwks";

fn at(seconds: u64) -> Now {
    let monotonic = Millis::from_secs(seconds);
    Now { wall: UnixMillis(1_700_000_000_000 + i64::try_from(monotonic.0).unwrap()), monotonic }
}

fn set() -> KeySet {
    KeySet::read(br#"{"keys":[]}"#).unwrap()
}

fn down() -> AuthError {
    unavailable("the network is down")
}

/// Keys that were fetched at second 0.
fn held() -> (Keys, Rc<KeySet>) {
    let mut keys = Keys::default();
    assert!(matches!(keys.wanted(at(0), URI, None), Wanted::Fetch));
    keys.fetched(at(0), URI, Ok(set()));
    let held = keys.answer(at(0), None).unwrap();
    (keys, held)
}

/// What a wish comes to, as a word.
fn word(wanted: &Wanted) -> &'static str {
    match wanted {
        Wanted::Keys(_) => "keys",
        Wanted::Fetch => "fetch",
        Wanted::Wait => "wait",
        Wanted::None(_) => "none",
    }
}

#[test]
fn one_fetch_however_many_ask_jw7() {
    let mut keys = Keys::default();
    assert_eq!(word(&keys.wanted(at(0), URI, None)), "fetch");
    for _ in 0..1000 {
        assert_eq!(word(&keys.wanted(at(1), URI, None)), "wait");
    }
    keys.fetched(at(2), URI, Ok(set()));
    for _ in 0..1000 {
        assert_eq!(word(&keys.wanted(at(3), URI, None)), "keys");
    }
}

#[test]
fn kept_for_an_hour() {
    let (mut keys, _) = held();
    assert_eq!(word(&keys.wanted(at(3599), URI, None)), "keys");
    assert_eq!(word(&keys.wanted(at(3600), URI, None)), "fetch");
    assert_eq!(word(&keys.wanted(at(3600), URI, None)), "wait");
}

#[test]
fn a_key_that_is_not_there_is_asked_for_once_a_minute_jw7_t28() {
    let (mut keys, first) = held();
    let mut fetches = 0;
    let mut known = first;
    for second in 1..=600 {
        for _ in 0..1000 {
            match keys.wanted(at(second), URI, Some(&known)) {
                Wanted::Fetch => {
                    fetches += 1;
                    keys.fetched(at(second), URI, Ok(set()));
                    known = keys.answer(at(second), Some(&known)).unwrap();
                }
                Wanted::None(error) => {
                    assert_eq!((error.code, error.retryable), (Code::KeysUnavailable, true));
                    assert!(error.retry_after_ms.is_some_and(|wait| wait <= PAUSE));
                }
                other => panic!("{}", word(&other)),
            }
        }
    }
    assert_eq!(fetches, 10, "in ten minutes");
    assert_eq!(word(&keys.wanted(at(600), URI, None)), "keys", "the others go on");
}

#[test]
fn a_newer_set_serves_whoever_knows_an_older_one_jw7() {
    let (mut keys, first) = held();
    assert_eq!(word(&keys.wanted(at(5), URI, Some(&first))), "fetch", "at once, after a rotation");
    assert_eq!(word(&keys.wanted(at(5), URI, Some(&first))), "wait");
    assert_eq!(word(&keys.wanted(at(5), URI, None)), "wait");
    keys.fetched(at(6), URI, Ok(set()));
    let second = keys.answer(at(6), Some(&first)).unwrap();
    assert!(!Rc::ptr_eq(&first, &second));
    assert_eq!(word(&keys.wanted(at(7), URI, Some(&first))), "keys");
    assert_eq!(word(&keys.wanted(at(7), URI, Some(&second))), "none");
}

#[test]
fn keys_outlive_an_outage_for_a_day_ds8() {
    let (mut keys, first) = held();
    assert_eq!(word(&keys.wanted(at(4000), URI, None)), "fetch");
    keys.fetched(at(4000), URI, Err(down()));
    assert!(Rc::ptr_eq(&keys.answer(at(4000), None).unwrap(), &first));
    assert_eq!(word(&keys.wanted(at(4059), URI, None)), "keys", "it is left alone for a minute");
    assert_eq!(word(&keys.wanted(at(4060), URI, None)), "fetch");
    keys.fetched(at(4061), URI, Err(down()));
    assert_eq!(keys.answer(at(4061), Some(&first)).unwrap_err(), down(), "no others");
    assert!(keys.answer(at(86_399), None).is_ok());
    assert_eq!(word(&keys.wanted(at(86_400), URI, None)), "fetch");
    keys.fetched(at(86_400), URI, Err(down()));
    assert_eq!(keys.answer(at(86_400), None).unwrap_err(), down());
    assert_eq!(word(&keys.wanted(at(86_401), URI, None)), "fetch", "a day is too long");
    keys.fetched(at(86_402), URI, Ok(set()));
    assert_eq!(word(&keys.wanted(at(86_403), URI, None)), "keys");
}

#[test]
fn without_keys_each_question_asks_anew() {
    let mut keys = Keys::default();
    for second in 0..3 {
        assert_eq!(word(&keys.wanted(at(second), URI, None)), "fetch");
        keys.fetched(at(second), URI, Err(down()));
        assert_eq!(keys.answer(at(second), None).unwrap_err(), down());
    }
}

#[test]
fn keys_of_another_address_are_none_jb3() {
    let (mut keys, first) = held();
    assert_eq!(word(&keys.wanted(at(1), "https://other.example/jwks", None)), "fetch");
    keys.fetched(at(1), "https://other.example/jwks", Err(down()));
    assert_eq!(keys.answer(at(1), None).unwrap_err(), down());
    assert_eq!(word(&keys.wanted(at(2), URI, Some(&first))), "fetch", "nothing is held of it");
}

#[test]
fn a_clock_that_jumps_costs_a_fetch_at_most_t29() {
    let (mut keys, _) = held();
    let back = Now { wall: UnixMillis(0), ..at(3599) };
    assert_eq!(word(&keys.wanted(back, URI, None)), "keys");
    let back = Now { wall: UnixMillis(0), ..at(3600) };
    assert_eq!(word(&keys.wanted(back, URI, None)), "fetch");
}
