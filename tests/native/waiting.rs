//! Tickets: who waits, who is lent what, who is refused.

use tokenward::config::Restore;
use tokenward::session::inputs::{Input, Reach, Ticket, Wake};

use crate::{
    fixtures::{START, failure, grant},
    rig::{Rig, grant_is_over, without_refresh_token},
};

#[test]
fn restoring_waits_signed_out_refuses() {
    let mut rig = Rig::new();
    assert_eq!(rig.want(1), ["Refuse 1 not_signed_in"]);
    let mut fresh = Rig::begun(Restore::Redirect);
    assert!(fresh.want(1).is_empty());
    let orders = fresh.tell(Input::FlagRead(None));
    assert_eq!(orders, ["Publish signedOut no_session", "Refuse 1 not_signed_in"]);
}

#[test]
fn signing_in_waits_for_its_outcome() {
    let mut rig = Rig::new();
    rig.ask_sign_in("s");
    rig.callback(1, "s");
    assert!(rig.want(1).is_empty());
    let orders = rig.exchange(Ok(grant(1, 300, START)));
    assert_eq!(
        orders,
        ["Publish signedIn", "ReleaseLock", "Tell signedIn", "Conclude 1 /back set", "Lend 1 at-1"]
    );
}

#[test]
fn a_dropped_ticket_is_not_answered_and_stops_no_refresh_of_others() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    rig.advance(301);
    rig.want(1);
    rig.want(2);
    rig.tell(Input::TicketDropped(Ticket(1)));
    let renewed = grant(2, 300, rig.now);
    assert_eq!(rig.exchange(Ok(renewed)), ["Publish signedIn", "ReleaseLock", "Lend 2 at-2"]);
}

#[test]
fn when_the_only_ticket_is_dropped_and_no_page_is_left_nothing_is_sent() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    rig.advance(301);
    rig.want(1);
    rig.tell(Input::LastPageLeft);
    assert_eq!(rig.tell(Input::LockTaken), ["Publish signedIn", "ReleaseLock"]);
}

#[test]
fn br5_an_older_lease_refused_is_replaced_at_once() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    rig.advance(280);
    rig.woke();
    let renewed = grant(2, 300, rig.now);
    rig.exchange(Ok(renewed));
    assert_eq!(rig.refused(1, 1), ["Lend 1 at-2"]);
}

#[test]
fn br5_the_current_lease_refused_is_renewed_once_for_all() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    assert_eq!(rig.refused(1, 1), ["Publish signedIn refreshing", "TakeLock"]);
    assert!(rig.refused(2, 1).is_empty());
    assert_eq!(rig.want(3), ["Lend 3 at-1"], "other resources may take it");
    let renewed = grant(2, 300, rig.now);
    let orders = rig.exchange(Ok(renewed));
    assert_eq!(orders, ["Publish signedIn", "ReleaseLock", "Lend 1 at-2", "Lend 2 at-2"]);
}

#[test]
fn br5_a_lease_that_cannot_be_renewed_is_refused() {
    let mut rig = Rig::signed_in(without_refresh_token(grant(1, 300, START)));
    assert_eq!(rig.refused(1, 1), ["Refuse 1 refresh_failed"]);
    let mut rig = Rig::signed_in(grant(1, 300, START));
    rig.refused(1, 1);
    let orders = rig.exchange(Err(grant_is_over()));
    assert!(orders.contains(&"Refuse 1 session_ended".into()), "{orders:?}");
    let mut rig = Rig::signed_in(grant(1, 300, START));
    rig.refused(1, 1);
    let orders = rig.exchange(Err(failure(Reach::Answered)));
    assert!(orders.contains(&"Refuse 1 refresh_failed".into()), "{orders:?}");
    assert_eq!(rig.want(2), ["Lend 2 at-1"], "the session is kept, the token is valid");
}

#[test]
fn br5_a_resource_that_refuses_everything_makes_no_storm() {
    let mut rig = Rig::signed_in(grant(1, 3000, START));
    let mut refreshes = 0;
    let mut generation = 1;
    for ticket in 0..100 {
        rig.advance(1);
        if rig.refused(ticket, generation).contains(&"TakeLock".into()) {
            refreshes += 1;
            generation += 1;
            let renewed = grant(2, 3000, rig.now);
            rig.exchange(Ok(renewed));
        }
    }
    assert_eq!(refreshes, 5);
}

#[test]
fn br5_a_token_that_ran_out_on_its_way_spends_nothing_of_what_keeps_storms_away() {
    let mut rig = Rig::signed_in(grant(1, 5, START));
    for life in 1..=20 {
        rig.advance(4);
        // It may have come due by itself before the resource's answer came.
        let asked = rig.refused(life, life);
        assert!(!asked.iter().any(|order| order.starts_with("Refuse")), "{life}: {asked:?}");
        let renewed = grant(2, 5, rig.now);
        let orders = rig.exchange(Ok(renewed));
        assert!(orders.contains(&format!("Lend {life} at-2")), "{life}: {orders:?}");
    }
    // One that is refused when it is new is the resource's doing, as before.
    assert!(rig.refused(21, 21).contains(&"TakeLock".into()));
}

#[test]
fn rf7_a_token_is_lent_without_a_second_thought_until_its_leeway() {
    for (advanced, is_lent) in [(294_699, true), (294_700, false)] {
        let mut rig = Rig::signed_in(grant(1, 300, START));
        rig.turn(advanced, advanced.unsigned_abs());
        // Five seconds, and what a slow clock may have lost in five minutes.
        assert_eq!(rig.want(1).contains(&"Lend 1 at-1".into()), is_lent, "{advanced}");
    }
}

#[test]
fn rf14_a_request_of_one_user_is_never_lent_the_token_of_the_next() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    rig.advance(301);
    rig.want(1);
    // The lock is late; meanwhile somebody else signs in.
    rig.ask_sign_in("other");
    rig.callback(2, "other");
    let mut other = grant(2, 300, rig.now);
    other.claims = Some(crate::fixtures::claims("bob", rig.now));
    let orders = rig.exchange(Ok(other));
    assert_eq!(
        orders,
        [
            "Publish signedIn",
            "ReleaseLock",
            "Revoke rt-1",
            "Refuse 1 session_ended",
            "Tell signedIn",
            "Conclude 2 /back set"
        ]
    );
    assert_eq!(rig.refused(3, 1), ["Refuse 3 session_ended"]);
}

#[test]
fn the_same_user_signs_in_again_and_calls_go_on() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    rig.advance(301);
    rig.want(1);
    rig.ask_sign_in("again");
    rig.callback(2, "again");
    let again = grant(2, 300, rig.now);
    let orders = rig.exchange(Ok(again));
    assert_eq!(
        orders,
        ["Publish signedIn", "ReleaseLock", "Tell signedIn", "Conclude 2 /back set", "Lend 1 at-2"],
        "and nothing is revoked: both may hang on one grant at the provider"
    );
    assert_eq!(rig.refused(2, 1), ["Lend 2 at-2"]);
}

#[test]
fn a_wake_early_late_or_twice_is_harmless() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    for _ in 0..10 {
        assert!(rig.woke().is_empty());
    }
    rig.advance(299);
    assert!(rig.woke().contains(&"TakeLock".into()));
    for _ in 0..10 {
        assert!(rig.woke().is_empty());
        assert!(rig.tell(Input::Woke(Wake::Page)).is_empty());
    }
}
