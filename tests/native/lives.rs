//! How long tokens live, as providers tell it: sensibly, not at all, or with an end that all comes to.

use tokenward::{
    clock::Millis,
    session::{
        grant::{Grant, RefreshEnd},
        inputs::{Input, Reach},
        snapshot::SignedOutReason,
    },
};

use crate::{
    fixtures::{START, failure, grant},
    rig::{Rig, grant_is_over},
    world::World,
};

const HOUR: u64 = 3_600_000;

/// A grant whose access token lives `life` seconds, and whose refresh token `refresh_life`.
fn ending(n: u32, life: u64, refresh_life: u64, now: tokenward::clock::Now) -> Grant {
    let whole = Millis::from_secs(refresh_life);
    let end = RefreshEnd { at: now.after(whole), life: Some(whole) };
    Grant { refresh_end: Some(Box::new(end)), ..grant(n, life, now) }
}

#[test]
fn rf12_a_refresh_token_that_ends_first_is_renewed_in_time() {
    let mut rig = Rig::signed_in(ending(1, 3600, 600, START));
    let due = rig.refresh_at().unwrap() - START.wall.0;
    assert!((390_000..=540_000).contains(&due), "{due}");
    rig.advance(540);
    assert!(rig.woke().contains(&"TakeLock".into()));
    let renewed = ending(2, 3600, 600, rig.now);
    rig.exchange(Ok(renewed));
    assert_eq!(rig.want(1), ["Lend 1 at-2"]);
}

#[test]
fn rf12_what_was_foretold_is_an_expiry_and_happens_once() {
    let mut rig = Rig::signed_in(ending(1, 300, 1000, START));
    rig.tell(Input::WentOffline);
    rig.advance(1001);
    assert!(rig.woke().is_empty(), "a clock of ours ends nothing");
    rig.tell(Input::WentOnline);
    rig.want(1);
    assert_eq!(
        rig.exchange(Err(grant_is_over())),
        ["Publish signedOut expired oauth_error", "ReleaseLock", "Refuse 1 session_ended"],
        "the flag stays: the provider may still know who it is"
    );
    for _ in 0..100 {
        rig.advance(600);
        assert!(rig.woke().is_empty());
    }
    assert_eq!(rig.want(2), ["Refuse 2 not_signed_in"]);
}

#[test]
fn rf12_an_end_that_does_not_move_makes_no_storm() {
    // As at a provider whose own session ends: each answer tells the same moment.
    let mut rig = Rig::signed_in(ending(1, 300, 1000, START));
    let last = START.after(Millis::from_secs(1000));
    let mut renewals = 0;
    for n in 2..1200 {
        rig.advance(1);
        if rig.woke().contains(&"TakeLock".into()) {
            renewals += 1;
            let end = RefreshEnd { at: last, life: None };
            let renewed = Grant { refresh_end: Some(Box::new(end)), ..grant(n, 300, rig.now) };
            rig.exchange(Ok(renewed));
        }
    }
    assert!((4..=7).contains(&renewals), "{renewals} in 20 minutes, of tokens that live five");
}

#[test]
fn rf12_an_end_that_is_not_due_explains_nothing() {
    let mut rig = Rig::signed_in(ending(1, 300, 1000, START));
    rig.advance(300);
    rig.want(1);
    let orders = rig.exchange(Err(grant_is_over()));
    assert_eq!(orders[..2], ["Publish signedOut session_ended oauth_error", "ReleaseLock"]);
    let mut rig = Rig::signed_in(ending(1, 300, 1000, START));
    rig.advance(300);
    rig.want(1);
    rig.exchange(Err(failure(Reach::Lost)));
    rig.advance(800);
    rig.want(2);
    let orders = rig.exchange(Err(grant_is_over()));
    assert_eq!(orders[0], "Publish signedOut refresh_lost oauth_error");
}

#[test]
fn rf12_a_session_of_eight_hours_ends_once_and_in_no_storm() {
    for tells_end in [false, true] {
        let mut world = World::new(8, 300, 1);
        world.provider.longest_ms = Some(8 * HOUR);
        world.provider.tells_end = tells_end;
        world.sign_in(0, 1);
        world.run_for(8 * HOUR - HOUR / 2);
        assert!(world.is_signed_in(0));
        let before = world.provider.refreshes;
        for _ in 0..90 {
            world.call(0);
            world.run_for(30_000);
        }
        let last = world.provider.refreshes - before;
        assert!((8..=20).contains(&last), "{last} refreshes in the last half hour: {tells_end}");
        assert_eq!((world.tally().ended, world.tally().flaws()), (1, 0));
        let reason = world.reason(0).unwrap();
        let is_foretold = reason == SignedOutReason::Expired;
        assert!(is_foretold || reason == SignedOutReason::SessionEnded, "{reason:?}");
        assert!(tells_end || !is_foretold);
    }
}

#[test]
fn rf8_a_life_of_ten_days_is_renewed_once_in_its_time() {
    let mut rig = Rig::signed_in(grant(1, 864_000, START));
    let mut hours = 0;
    while !rig.woke().contains(&"TakeLock".into()) {
        rig.advance(3600);
        hours += 1;
    }
    assert!((155..=240).contains(&hours), "{hours}");
}

#[test]
fn rf7_a_life_of_a_second_is_lent_and_renewed_all_the_same() {
    let mut rig = Rig::signed_in(grant(1, 1, START));
    assert_eq!(rig.want(1), ["Lend 1 at-1"]);
    rig.turn(999, 999);
    let orders = rig.want(2);
    assert!(orders.contains(&"TakeLock".into()), "{orders:?}");
    let renewed = grant(2, 1, rig.now);
    assert!(rig.exchange(Ok(renewed)).contains(&"Lend 2 at-2".into()));
}

#[test]
fn rf12_a_slow_answer_does_not_lengthen_the_life_of_a_refresh_token() {
    let mut rig = Rig::new();
    rig.ask_sign_in("state");
    rig.callback(1, "state");
    rig.tell(Input::LockTaken);
    rig.advance(20);
    let came = rig.now;
    rig.answer(Ok(ending(1, 5000, 600, came)));
    rig.advance(581);
    rig.woke();
    let orders = rig.exchange(Err(grant_is_over()));
    assert_eq!(
        orders[0], "Publish signedOut expired oauth_error",
        "its life began with the request"
    );
}
