//! When and how the access token is renewed, and what a failure does.

use tokenward::{
    config::DEFAULT_AUDIENCE,
    error::{AuthError, Code, Phase},
    session::{
        inputs::{Ask, Input, Reach, Ticket, TokenFailure},
        outcome::Unanswered,
    },
};

use crate::{
    fixtures::{START, failure, grant},
    rig::{Rig, describe, grant_is_over, told_to_wait, without_refresh_token},
};

#[test]
fn a_request_is_under_way_until_it_is_answered() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    assert!(!rig.session.is_asking());
    rig.advance(280);
    rig.woke();
    assert!(rig.session.is_asking(), "its turn is awaited");
    let renewed = grant(2, 300, rig.now);
    rig.exchange(Ok(renewed));
    assert!(!rig.session.is_asking());
}

#[test]
fn rf7_renewed_before_it_expires_in_silence() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    let due = rig.refresh_at().unwrap() - START.wall.0;
    assert!((195_000..=270_000).contains(&due), "{due}");
    rig.advance(194);
    assert!(rig.woke().is_empty(), "not yet");
    rig.advance(76);
    assert_eq!(rig.woke(), ["Publish signedIn refreshing", "TakeLock"]);
    assert_eq!(rig.tell(Input::LockTaken), ["Send rt-1"]);
    assert_eq!(rig.want(1), ["Lend 1 at-1"], "still valid: no call waits");
    let renewed = grant(2, 300, rig.now);
    assert_eq!(rig.answer(Ok(renewed)), ["Publish signedIn", "ReleaseLock"]);
    assert_eq!(rig.want(2), ["Lend 2 at-2"]);
}

#[test]
fn rf1_a_rotated_refresh_token_is_the_next_one_sent() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    for n in 2..6 {
        rig.advance(300);
        let sent: Vec<_> = [rig.woke(), rig.tell(Input::LockTaken)].concat();
        assert!(sent.contains(&format!("Send rt-{}", n - 1)), "{sent:?}");
        let renewed = grant(n, 300, rig.now);
        rig.answer(Ok(renewed));
    }
}

#[test]
fn rf2_one_expiry_one_refresh_for_a_thousand_calls() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    rig.advance(301);
    let mut orders = Vec::new();
    for ticket in 0..1000 {
        orders.extend(rig.want(ticket));
    }
    assert_eq!(orders, ["Publish signedIn refreshing", "TakeLock"]);
    assert_eq!(rig.tell(Input::LockTaken), ["Send rt-1"]);
    let renewed = grant(2, 300, rig.now);
    let orders = rig.answer(Ok(renewed));
    assert_eq!(orders.iter().filter(|order| order.starts_with("Lend")).count(), 1000);
    assert_eq!(orders.len(), 1002, "and the lock, and the state");
}

#[test]
fn rf7_no_lease_in_the_last_moments_while_a_renewal_can_be_awaited() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    rig.tell(Input::LastPageLeft);
    rig.advance(294);
    assert_eq!(rig.want(1), ["Lend 1 at-1"]);
    rig.advance(2);
    assert_eq!(rig.want(2), ["Publish signedIn refreshing", "TakeLock"]);
    let failed = rig.exchange(Err(failure(Reach::NotSent)));
    assert!(failed.contains(&"Lend 2 at-1".into()), "valid to its last moment: {failed:?}");
}

#[test]
fn rf6_a_transient_failure_keeps_the_session() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    rig.advance(301);
    rig.want(1);
    assert_eq!(
        rig.exchange(Err(failure(Reach::Answered))),
        [
            "Publish signedIn degraded provider_unreachable",
            "ReleaseLock",
            "Refuse 1 refresh_failed"
        ]
    );
    assert_eq!(rig.want(2), ["Refuse 2 refresh_failed"], "not left hanging, nothing sent");
    rig.advance(5);
    let orders = rig.want(3);
    assert!(orders.contains(&"TakeLock".into()), "a call brings it forward after 5 s");
    let renewed = grant(2, 300, rig.now);
    assert_eq!(rig.exchange(Ok(renewed)), ["Publish signedIn", "ReleaseLock", "Lend 3 at-2"]);
}

#[test]
fn ds9_a_discovery_that_fails_keeps_the_session() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    rig.advance(301);
    rig.want(1);
    let error = AuthError::new(Code::MetadataInvalid, Phase::Discovery, "of another issuer");
    let orders = rig.exchange(Err(TokenFailure::from(Unanswered::NotSent(error))));
    assert_eq!(
        orders,
        ["Publish signedIn degraded metadata_invalid", "ReleaseLock", "Refuse 1 refresh_failed"]
    );
}

#[test]
fn rf6_a_proactive_failure_is_retried_and_shown() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    rig.advance(270);
    rig.woke();
    let orders = rig.exchange(Err(failure(Reach::Answered)));
    assert_eq!(orders, ["Publish signedIn degraded provider_unreachable", "ReleaseLock"]);
    assert_eq!(rig.want(1), ["Lend 1 at-1"], "what is valid is used meanwhile");
    rig.advance(6);
    assert_eq!(
        rig.woke(),
        ["Publish signedIn refreshing degraded provider_unreachable", "TakeLock"]
    );
}

#[test]
fn rf6_retry_after_is_obeyed() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    rig.advance(300);
    rig.want(1);
    rig.exchange(Err(told_to_wait(120)));
    rig.advance(119);
    assert!(rig.woke().is_empty());
    assert_eq!(rig.want(2), ["Refuse 2 refresh_failed"]);
    rig.advance(1);
    assert!(rig.want(3).contains(&"TakeLock".into()));
}

#[test]
fn rf5_the_end_of_the_grant_ends_the_session_once() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    rig.advance(300);
    rig.want(1);
    assert_eq!(
        rig.exchange(Err(grant_is_over())),
        ["Publish signedOut session_ended oauth_error", "ReleaseLock", "Refuse 1 session_ended"],
        "the flag stays: another tab may live, and the provider still know the user"
    );
    for _ in 0..100 {
        rig.advance(3600);
        assert!(rig.woke().is_empty(), "no further request, no further event");
    }
    assert_eq!(rig.want(2), ["Refuse 2 not_signed_in"]);
}

#[test]
fn rf10_a_lost_answer_is_repeated_then_ends_as_lost() {
    for (reach, reason) in [(Reach::Lost, "refresh_lost"), (Reach::NotSent, "session_ended")] {
        let mut rig = Rig::after_failure(reach);
        assert_eq!(rig.tell(Input::LockTaken), ["Send rt-1"], "the same once more");
        let orders = rig.answer(Err(grant_is_over()));
        let end = format!("Publish signedOut {reason} oauth_error");
        assert_eq!(orders, [end.as_str(), "ReleaseLock"]);
    }
}

#[test]
fn rf10_a_grace_period_saves_a_lost_answer() {
    let mut rig = Rig::after_failure(Reach::Lost);
    let renewed = grant(2, 300, rig.now);
    rig.exchange(Ok(renewed));
    rig.advance(300);
    rig.woke();
    let end = rig.exchange(Err(grant_is_over()));
    assert!(end.contains(&"Publish signedOut session_ended oauth_error".into()), "{end:?}");
}

#[test]
fn rf12_without_a_refresh_token_it_expires_once() {
    let mut rig = Rig::signed_in(without_refresh_token(grant(1, 60, START)));
    assert_eq!(rig.refresh_at(), None);
    rig.advance(59);
    assert_eq!(rig.want(1), ["Lend 1 at-1"], "to its last moment");
    rig.advance(1);
    assert_eq!(rig.woke(), ["Publish signedOut expired"]);
    rig.advance(600);
    assert!(rig.woke().is_empty());
}

#[test]
fn tk7_without_expires_in_it_is_renewed_only_when_refused() {
    let forever =
        tokenward::session::grant::Grant { expiry: None, lifetime: None, ..grant(1, 300, START) };
    let mut rig = Rig::signed_in(forever);
    rig.advance(40 * 86_400);
    assert!(rig.woke().is_empty());
    assert_eq!(rig.want(1), ["Lend 1 at-1"]);
    assert!(rig.refused(1, 1).contains(&"TakeLock".into()));
    let renewed = grant(2, 300, rig.now);
    assert!(rig.exchange(Ok(renewed)).contains(&"Lend 1 at-2".into()));
}

#[test]
fn offline_sends_nothing_and_refuses_at_once() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    rig.tell(Input::WentOffline);
    rig.advance(200);
    assert_eq!(rig.want(1), ["Lend 1 at-1"], "valid: the network decides");
    rig.advance(200);
    assert!(rig.woke().is_empty());
    assert_eq!(rig.want(2), ["Refuse 2 offline"]);
    rig.tell(Input::WentOnline);
    assert!(rig.want(3).contains(&"TakeLock".into()), "a call need not wait for the jitter");
}

#[test]
fn online_is_followed_by_an_attempt_within_5_s() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    rig.tell(Input::WentOffline);
    rig.advance(400);
    rig.woke();
    let orders = rig.tell(Input::WentOnline);
    assert_eq!(orders, ["Publish signedIn"], "when it is due is shown; nothing is sent yet");
    rig.advance(5);
    assert!(rig.woke().contains(&"TakeLock".into()));
}

#[test]
fn a_page_that_says_online_to_a_vault_that_is_shortens_no_pause() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    rig.advance(280);
    rig.woke();
    rig.exchange(Err(failure(Reach::Answered)));
    let planned = rig.refresh_at();
    assert_eq!(rig.tell(Input::WentOnline), Vec::<String>::new());
    assert_eq!(rig.refresh_at(), planned);
}

#[test]
fn going_offline_refuses_whoever_waits_for_an_attempt_to_come() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    rig.advance(301);
    rig.want(1);
    rig.tell(Input::WentOffline);
    let orders = rig.tell(Input::LockTaken);
    assert_eq!(orders, ["Publish signedIn", "ReleaseLock", "Refuse 1 offline"]);
}

#[test]
fn rf8_sleep_and_clock_jumps_are_seen_by_either_clock() {
    // The monotonic clock stood still.
    let mut rig = Rig::signed_in(grant(1, 300, START));
    rig.turn(8 * 3_600_000, 0);
    assert_eq!(rig.want(1), ["Publish signedIn refreshing", "TakeLock"]);
    // The wall clock was set back by a day.
    let mut rig = Rig::signed_in(grant(1, 300, START));
    rig.turn(-86_400_000, 301_000);
    assert_eq!(rig.want(1), ["Publish signedIn refreshing", "TakeLock"]);
}

#[test]
fn rf7_a_slow_answer_does_not_lengthen_the_life() {
    let mut rig = Rig::new();
    rig.ask_sign_in("state");
    rig.callback(1, "state");
    rig.tell(Input::LockTaken);
    rig.advance(20);
    let came = rig.now;
    rig.answer(Ok(grant(1, 100, came)));
    rig.tell(Input::WentOffline);
    rig.advance(79);
    assert_eq!(rig.want(1), ["Lend 1 at-1"]);
    rig.advance(1);
    assert_eq!(rig.want(2), ["Refuse 2 offline"], "its life began when it was asked for");
}

#[test]
fn nobody_there_nothing_refreshed() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    rig.tell(Input::LastPageLeft);
    rig.advance(3000);
    assert!(rig.woke().is_empty());
    assert_eq!(rig.session.wake_at(), None);
    let orders = rig.tell(Input::PageArrived);
    assert_eq!(orders, ["Publish signedIn refreshing", "Recall", "TakeLock"]);
}

#[test]
fn a_lock_that_cannot_be_had_is_a_failure_that_sent_nothing() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    rig.advance(301);
    rig.want(1);
    assert_eq!(rig.tell(Input::LockMissed), ["StealLock"], "its holder hangs");
    assert_eq!(
        rig.tell(Input::LockMissed),
        ["Publish signedIn degraded timeout", "Refuse 1 refresh_failed"]
    );
    rig.advance(6);
    rig.woke();
    let end = rig.exchange(Err(grant_is_over()));
    assert!(end.contains(&"Publish signedOut session_ended oauth_error".into()), "{end:?}");
}

#[test]
fn inputs_that_nobody_asked_for_change_nothing() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    let stray = grant(9, 300, START);
    assert!(rig.answer(Ok(stray)).is_empty());
    assert!(rig.tell(Input::LockMissed).is_empty());
    assert_eq!(rig.tell(Input::LockTaken), ["ReleaseLock"]);
    assert!(rig.tell(Input::FlagRead(None)).is_empty());
    assert_eq!(rig.want(1), ["Lend 1 at-1"]);
}

#[test]
fn states_are_published_in_the_order_in_which_they_came() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    rig.advance(301);
    // Nobody drains in between.
    rig.session.handle(rig.now, Input::LeaseWanted(Ticket(1), DEFAULT_AUDIENCE));
    rig.session.handle(rig.now, Input::SignOutAsked(Ask(5)));
    let orders: Vec<String> =
        std::iter::from_fn(|| rig.session.poll()).map(|output| describe(&output)).collect();
    let published: Vec<&String> =
        orders.iter().filter(|order| order.starts_with("Publish")).collect();
    assert_eq!(published, ["Publish signedIn refreshing", "Publish signedOut signed_out"]);
    assert_eq!(orders[0], *published[0], "before all else");
}

#[test]
fn a_code_under_way_is_no_refresh() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    rig.ask_sign_in("again");
    rig.callback(2, "again");
    assert_eq!(rig.tell(Input::LockTaken), ["Send code"]);
    assert_eq!(rig.status(), "signedIn");
}
