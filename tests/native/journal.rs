//! What the journal says of a session: each event with its moments, counts and reason, and no token.

use tokenward::session::{
    inputs::{Ask, Input, Reach},
    journal::KEPT,
};

use crate::{
    fixtures::{START, failure, grant, transaction},
    rig::{Rig, grant_is_over, without_refresh_token},
};

/// The events after that one, as pages see them, without the moments of which a test says nothing.
fn events(rig: &Rig, after: u64) -> Vec<String> {
    let list: Vec<serde_json::Value> =
        serde_json::from_str(&rig.session.journal().to_json(after)).unwrap();
    let brief = |event: &serde_json::Value| {
        let mut words = vec![event["type"].as_str().unwrap().to_owned()];
        for name in ["attempt", "tookMs", "lifeMs"] {
            if let Some(number) = event[name].as_u64() {
                words.push(format!("{name}={number}"));
            }
        }
        words.extend(event["reason"].as_str().map(str::to_owned));
        words.extend(event["error"]["code"].as_str().map(str::to_owned));
        words.join(" ")
    };
    list.iter().map(brief).collect()
}

fn latest(rig: &Rig) -> serde_json::Value {
    let list: Vec<serde_json::Value> =
        serde_json::from_str(&rig.session.journal().to_json(0)).unwrap();
    list.last().unwrap().clone()
}

/// Sends what is due, and answers it after two seconds.
fn exchange_in_2_s(
    rig: &mut Rig,
    outcome: Result<tokenward::session::grant::Grant, tokenward::session::inputs::TokenFailure>,
) {
    rig.tell(Input::LockTaken);
    rig.advance(2);
    rig.answer(outcome);
}

#[test]
fn a_sign_in_and_its_renewals_are_told_with_their_times() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    assert_eq!(events(&rig, 0), ["signedIn tookMs=0 lifeMs=300000"]);
    let first = latest(&rig);
    assert_eq!(first["at"], START.wall.0);
    assert_eq!(first["nextAt"].as_i64(), rig.refresh_at());

    rig.advance(270);
    rig.woke();
    let renewed = grant(2, 300, rig.now);
    exchange_in_2_s(&mut rig, Ok(renewed));
    assert_eq!(events(&rig, 1), ["refreshed attempt=1 tookMs=2000 lifeMs=300000"]);
    assert_eq!(latest(&rig)["at"], rig.now.wall.0);
    assert_eq!(latest(&rig)["serial"], 2);
}

#[test]
fn rf6_failed_attempts_are_counted_until_one_succeeds() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    for attempt in 1..=3 {
        let due = rig.refresh_at().unwrap() - rig.now.wall.0;
        rig.turn(due, u64::try_from(due).unwrap());
        rig.woke();
        exchange_in_2_s(&mut rig, Err(failure(Reach::Answered)));
        let degraded = format!("degraded attempt={attempt} tookMs=2000 provider_unreachable");
        assert_eq!(events(&rig, attempt), [degraded]);
        assert_eq!(latest(&rig)["nextAt"].as_i64(), rig.refresh_at());
    }
    rig.advance(300);
    rig.woke();
    let renewed = grant(2, 300, rig.now);
    rig.exchange(Ok(renewed));
    assert_eq!(events(&rig, 4), ["recovered attempt=4 tookMs=0 lifeMs=300000"]);
    rig.advance(270);
    rig.woke();
    let renewed = grant(3, 300, rig.now);
    rig.exchange(Ok(renewed));
    assert_eq!(events(&rig, 5), ["refreshed attempt=1 tookMs=0 lifeMs=300000"]);
}

#[test]
fn an_attempt_that_never_had_the_lock_took_no_time() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    rig.advance(270);
    rig.woke();
    rig.tell(Input::LockMissed);
    rig.tell(Input::LockMissed);
    assert_eq!(events(&rig, 1), ["degraded attempt=1 timeout"]);
}

#[test]
fn rf5_an_end_is_told_once_with_its_reason() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    rig.advance(300);
    rig.woke();
    exchange_in_2_s(&mut rig, Err(grant_is_over()));
    rig.advance(1000);
    rig.woke();
    rig.tell(Input::SignOutAsked(Ask(7)));
    assert_eq!(events(&rig, 1), ["ended tookMs=2000 session_ended oauth_error"]);
    assert_eq!(latest(&rig)["error"]["oauthError"], "invalid_grant");

    let mut rig = Rig::signed_in(without_refresh_token(grant(1, 300, START)));
    assert_eq!(latest(&rig)["nextAt"], serde_json::Value::Null);
    rig.advance(300);
    rig.woke();
    assert_eq!(events(&rig, 1), ["ended expired"]);

    let mut rig = Rig::signed_in(grant(1, 300, START));
    rig.advance(300);
    rig.woke();
    rig.tell(Input::LockTaken);
    rig.tell(Input::SignOutAsked(Ask(7)));
    let late = grant(2, 300, rig.now);
    rig.answer(Ok(late));
    assert_eq!(events(&rig, 1), ["ended signed_out"], "of the late answer nothing is told");
}

#[test]
fn another_sign_in_is_told_and_is_no_renewal() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    let again = grant(2, 300, rig.now);
    rig.exchange_code("again", Ok(again));
    assert_eq!(events(&rig, 1), ["signedIn tookMs=0 lifeMs=300000"]);
}

#[test]
fn a_session_that_is_back_is_restored_and_not_signed_in() {
    let mut rig = Rig::flagged(None);
    rig.ask_restore(1);
    rig.prepared("r");
    rig.callback(9, "r");
    let mut found = transaction("r", START.wall);
    found.is_restore = true;
    rig.tell(Input::Found { ask: Ask(9), transaction: Some(found) });
    rig.exchange(Ok(grant(1, 300, START)));
    assert_eq!(events(&rig, 0), ["restored tookMs=0 lifeMs=300000"]);
}

#[test]
fn a_restore_that_fails_is_the_end_and_nobody_to_restore_is_none() {
    assert_eq!(events(&Rig::new(), 0), [""; 0], "there was no session");
    let mut rig = Rig::flagged(None);
    rig.ask_restore(1);
    rig.prepared("r");
    rig.advance(20);
    rig.woke();
    assert_eq!(events(&rig, 0), ["ended vault_gone timeout"]);
}

#[test]
fn the_last_100_are_kept_and_numbers_go_on() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    for n in 2..=KEPT + 30 {
        rig.advance(300);
        rig.woke();
        let renewed = grant(u32::try_from(n).unwrap(), 300, rig.now);
        rig.exchange(Ok(renewed));
    }
    let journal = rig.session.journal();
    let list: Vec<serde_json::Value> = serde_json::from_str(&journal.to_json(0)).unwrap();
    let serials: Vec<u64> = list.iter().map(|event| event["serial"].as_u64().unwrap()).collect();
    assert_eq!(serials, (31..=130).collect::<Vec<_>>());
    assert_eq!(journal.latest(), 130);
    assert_eq!(events(&rig, 128).len(), 2);
    assert_eq!(events(&rig, 130).len(), 0);
    assert_eq!(events(&rig, 131).len(), KEPT, "whoever knows more knows another vault");
    let text = journal.to_json(0);
    assert!(!text.contains("at-") && !text.contains("rt-") && !text.contains("alice"), "{text}");
}
