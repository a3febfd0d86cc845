//! A session whose vault is gone: what the next vault makes of the flag that it left.

use std::rc::Rc;

use tokenward::{
    config::Restore,
    error::{AuthError, Code, Phase},
    oauth::{
        callback::{Callback, OauthError},
        revocation::Revocable,
        transaction::{Mode, Transaction},
    },
    secret::Secret,
    session::inputs::{Ask, Input, Reach, TokenFailure},
};

use crate::{
    fixtures::{START, failure, grant, transaction},
    rig::{Rig, callback, grant_is_over, without_refresh_token},
};

/// A page is at the provider to restore the session.
fn away() -> Rig {
    let mut rig = Rig::flagged(None);
    assert_eq!(rig.ask_restore(1), ["Prepare"]);
    assert_eq!(rig.prepared("r"), ["Navigate 1 r"]);
    rig
}

/// The page is back, with what the store had for it.
fn back(rig: &mut Rig, callback: Callback) -> Vec<String> {
    let state = callback.state.clone();
    let mut orders = rig.tell(Input::CallbackArrived { ask: Ask(9), callback });
    let mut found = transaction(&state, START.wall);
    found.is_restore = true;
    orders.extend(rig.tell(Input::Found { ask: Ask(9), transaction: Some(found) }));
    orders
}

fn refusal(error: &str) -> Callback {
    Callback { outcome: Err(OauthError::new(error, None)), ..callback("r") }
}

#[test]
fn a_page_goes_and_comes_back_signed_in() {
    let mut rig = away();
    assert!(rig.want(1).is_empty(), "requests wait");
    assert_eq!(rig.status(), "restoring");
    let orders = back(&mut rig, callback("r"));
    assert_eq!(orders, ["Publish signingIn", "Find 9 r", "TakeLock"]);
    let orders = rig.exchange(Ok(grant(1, 300, START)));
    let signed_in = [
        "Publish signedIn restored",
        "ReleaseLock",
        "Tell signedIn",
        "Conclude 9 /back set",
        "Lend 1 at-1",
    ];
    assert_eq!(orders, signed_in);
}

#[test]
fn rf10_what_nobody_ended_is_asked_for_when_a_page_arrives_in_a_living_vault() {
    for reach in [Reach::Lost, Reach::Answered] {
        let mut rig = Rig::after_failure(reach);
        rig.exchange(Err(grant_is_over()));
        assert!(rig.status().starts_with("signedOut"));
        let orders = rig.tell(Input::PageArrived);
        assert_eq!(orders, ["Publish restoring", "Recall", "ReadFlag"]);
        rig.flag_read(None);
        assert_eq!(rig.ask_restore(2), ["Prepare"]);
        assert_eq!(rig.prepared("r"), ["Navigate 2 r"]);
        // Refused: asked once, and never again.
        back(&mut rig, refusal("login_required"));
        assert!(rig.status().starts_with("signedOut vault_gone"));
        rig.advance(3600);
        assert_eq!(rig.tell(Input::PageArrived), ["Recall"]);
    }
}

#[test]
fn what_the_user_ended_is_not_asked_for() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    rig.tell(Input::SignOutAsked(Ask(1)));
    assert_eq!(rig.tell(Input::PageArrived), ["Recall"]);
}

#[test]
fn and_in_a_vault_that_begins_meanwhile() {
    // The page's own vault ended when it left: Firefox, or a worker of the page's own.
    let mut rig = Rig::begun(Restore::Redirect);
    let callback = callback("r");
    let orders = rig.tell(Input::CallbackArrived { ask: Ask(9), callback });
    assert_eq!(orders, ["Publish signingIn"], "nothing is judged before the flag was seen");
    assert_eq!(rig.flag_read(Some(2)), ["Find 9 r"]);
    let mut found = transaction("r", START.wall);
    found.is_restore = true;
    rig.tell(Input::Found { ask: Ask(9), transaction: Some(found) });
    rig.advance(60);
    assert!(rig.woke().is_empty(), "a callback that is judged is waited for");
    rig.exchange(Ok(grant(1, 300, START)));
    assert_eq!(rig.status(), "signedIn restored");
}

#[test]
fn an_ordinary_sign_in_is_no_restore() {
    let mut rig = away();
    back(&mut rig, callback("r"));
    rig.exchange(Ok(grant(1, 300, START)));
    rig.ask_sign_in("s");
    rig.callback(10, "s");
    rig.exchange(Ok(grant(2, 300, START)));
    assert_eq!(rig.status(), "signedIn");
}

#[test]
fn nothing_is_asked_where_nobody_was_signed_in() {
    let mut rig = Rig::begun(Restore::Redirect);
    assert!(rig.ask_restore(1).is_empty());
    let orders = rig.tell(Input::FlagRead(None));
    assert_eq!(orders, ["Publish signedOut no_session", "Conclude 1 -"]);
    assert_eq!(rig.ask_restore(2), ["Conclude 2 -"]);
    assert_eq!(rig.session.wake_at(), None);
}

#[test]
fn nothing_is_asked_where_the_configuration_forbids_it() {
    let mut rig = Rig::begun(Restore::None);
    rig.ask_restore(1);
    assert_eq!(rig.flag_read(None), ["Publish signedOut vault_gone", "Conclude 1 -"]);
    assert_eq!(rig.tell(Input::PageArrived), ["Recall"]);
}

#[test]
fn the_providers_refusal_is_final() {
    for error in [
        "login_required",
        "interaction_required",
        "consent_required",
        "account_selection_required",
        "invalid_request",
    ] {
        let mut rig = away();
        let orders = back(&mut rig, refusal(error));
        let expected = [
            "Publish signingIn",
            "Find 9 r",
            "Publish signedOut vault_gone oauth_error",
            "Conclude 9 /back clear",
        ];
        assert_eq!(orders, expected);
        rig.advance(3600);
        assert_eq!(rig.tell(Input::PageArrived), ["Recall"], "no second attempt");
    }
}

#[test]
fn what_may_pass_is_tried_again_by_the_next_page_after_the_guards_time() {
    let mut refused = away();
    back(&mut refused, refusal("temporarily_unavailable"));
    let mut lost = away();
    back(&mut lost, callback("r"));
    let orders = lost.exchange(Err(failure(Reach::Lost)));
    assert!(orders.contains(&"Conclude 9 /back".into()), "{orders:?}");
    let mut missed = away();
    back(&mut missed, callback("r"));
    // Not in time, and not by force either.
    missed.tell(Input::LockMissed);
    missed.tell(Input::LockMissed);
    for (mut rig, why) in [
        (refused, "signedOut vault_gone oauth_error"),
        (lost, "signedOut vault_gone provider_unreachable"),
        (missed, "signedOut vault_gone timeout"),
    ] {
        assert_eq!(rig.status(), why);
        rig.advance(29);
        assert_eq!(rig.tell(Input::PageArrived), ["Recall"]);
        rig.advance(1);
        assert!(rig.woke().is_empty(), "not without a page");
        assert_eq!(rig.tell(Input::PageArrived), ["Publish restoring", "Recall", "ReadFlag"]);
        rig.flag_read(Some(30));
        assert_eq!(rig.ask_restore(2), ["Prepare"]);
    }
}

#[test]
fn a_refused_code_is_final() {
    let mut rig = away();
    back(&mut rig, callback("r"));
    let orders = rig.exchange(Err(grant_is_over()));
    assert_eq!(
        orders,
        ["Publish signedOut vault_gone oauth_error", "ReleaseLock", "Conclude 9 /back clear"]
    );
}

#[test]
fn of_several_pages_one_goes_and_all_are_answered() {
    let mut rig = Rig::begun(Restore::Redirect);
    rig.ask_restore(1);
    rig.ask_restore(2);
    assert_eq!(rig.flag_read(None), ["Prepare"]);
    assert!(rig.ask_restore(3).is_empty());
    // The latest: an earlier one may have been reloaded since, and then hears nothing.
    assert_eq!(rig.prepared("r"), ["Navigate 3 r"]);
    assert!(rig.ask_restore(4).is_empty());
    back(&mut rig, callback("r"));
    let orders = rig.exchange(Ok(grant(1, 300, START)));
    for answer in ["Conclude 1 -", "Conclude 2 -", "Conclude 4 -", "Conclude 9 /back set"] {
        assert!(orders.contains(&answer.into()), "{answer} in {orders:?}");
    }
}

#[test]
fn a_page_that_does_not_come_back_is_waited_for_twenty_seconds() {
    let mut rig = away();
    rig.want(1);
    rig.ask_restore(2);
    rig.advance(19);
    assert!(rig.woke().is_empty());
    rig.advance(1);
    assert_eq!(
        rig.woke(),
        ["Publish signedOut vault_gone timeout", "Refuse 1 not_signed_in", "Conclude 2 -"]
    );
    // Late is not never.
    back(&mut rig, callback("r"));
    rig.exchange(Ok(grant(1, 300, START)));
    assert_eq!(rig.status(), "signedIn restored");
}

#[test]
fn within_the_guards_time_of_an_attempt_no_other_is_made() {
    let mut rig = Rig::flagged(Some(5));
    assert!(rig.ask_restore(1).is_empty(), "that page may be on its way back");
    rig.advance(1);
    assert_eq!(rig.woke(), ["ReadFlag"]);
    assert!(rig.flag_read(Some(6)).is_empty());
    rig.advance(1);
    rig.woke();
    let orders = rig.flag_read(Some(20));
    assert_eq!(orders, ["Publish signedOut vault_gone timeout", "Conclude 1 -"]);
    assert_eq!(Rig::flagged(Some(29)).status(), "signedOut vault_gone timeout");
    assert_eq!(Rig::flagged(Some(30)).ask_restore(1), ["Prepare"]);
    // By a clock that was set since: a moment to come is no attempt, unless it is very near.
    assert_eq!(Rig::flagged(Some(-3600)).ask_restore(1), ["Prepare"]);
    assert!(Rig::flagged(Some(-1)).ask_restore(1).is_empty());
}

#[test]
fn a_flag_that_is_read_twice_sends_one_page() {
    let mut rig = Rig::flagged(None);
    assert_eq!(rig.ask_restore(1), ["Prepare"]);
    assert!(rig.flag_read(None).is_empty());
    assert_eq!(rig.prepared("r"), ["Navigate 1 r"]);
}

#[test]
fn a_callback_is_waited_for_within_the_guards_time_of_an_attempt() {
    let mut rig = Rig::begun(Restore::Redirect);
    rig.callback(1, "foreign");
    rig.ask_restore(2);
    assert_eq!(rig.flag_read(Some(25)), ["Find 1 foreign"], "first the callback");
    let orders = rig.tell(Input::Found { ask: Ask(1), transaction: None });
    assert_eq!(orders, ["Publish restoring", "ReadFlag", "Conclude 1 callback_unknown"]);
    rig.advance(5);
    assert_eq!(rig.flag_read(Some(30)), ["Prepare"]);
}

#[test]
fn another_vaults_success_is_seen_and_followed() {
    let mut rig = Rig::flagged(Some(1));
    rig.ask_restore(1);
    rig.advance(1);
    rig.woke();
    assert_eq!(rig.flag_read(None), ["Prepare"]);
}

#[test]
fn another_vaults_sign_out_is_seen() {
    let mut rig = Rig::flagged(Some(1));
    rig.advance(1);
    rig.woke();
    assert_eq!(rig.tell(Input::FlagRead(None)), ["Publish signedOut no_session"]);
    // Also by a page that was about to leave.
    let mut rig = away();
    assert_eq!(rig.tell(Input::FlagRead(None)), ["Publish signedOut no_session"]);
    let orders = back(&mut rig, callback("r"));
    assert!(orders.ends_with(&["Conclude 9 /back".into()]), "{orders:?}");
    assert_eq!(rig.status(), "signedOut no_session");
}

#[test]
fn what_a_restore_was_issued_is_not_revoked_for_other_tabs_may_live_by_it() {
    let mut rig = away();
    back(&mut rig, callback("r"));
    let issued = Some(Revocable::refresh_token(&Rc::new(Secret::from("rt-9"))));
    let orders = rig.exchange(Err(TokenFailure { issued, ..failure(Reach::Answered) }));
    assert!(orders.iter().all(|order| !order.starts_with("Revoke")), "{orders:?}");
    assert!(rig.status().starts_with("signedOut vault_gone"), "{}", rig.status());
}

#[test]
fn signing_out_wins_at_every_step() {
    let sign_out = |rig: &mut Rig| {
        let orders = rig.tell(Input::SignOutAsked(Ask(5)));
        assert!(orders.contains(&"EndSession 5 -".into()), "{orders:?}");
        assert_eq!(rig.status(), "signedOut signed_out");
    };
    let mut looking = Rig::begun(Restore::Redirect);
    looking.ask_restore(1);
    sign_out(&mut looking);
    assert!(looking.flag_read(None).is_empty());
    let mut preparing = Rig::flagged(None);
    preparing.ask_restore(1);
    sign_out(&mut preparing);
    assert!(preparing.prepared("r").is_empty(), "nobody leaves any more");
    let mut gone = away();
    sign_out(&mut gone);
    let orders = back(&mut gone, callback("r"));
    assert!(orders.ends_with(&["Conclude 9 /back".into()]), "{orders:?}");
    assert_eq!(gone.status(), "signedOut signed_out");
    let mut exchanging = away();
    back(&mut exchanging, callback("r"));
    exchanging.tell(Input::LockTaken);
    sign_out(&mut exchanging);
    assert_eq!(exchanging.answer(Ok(grant(1, 300, START))), ["ReleaseLock", "Revoke rt-1"]);
    let mut given_up = Rig::flagged(Some(25));
    sign_out(&mut given_up);
    given_up.advance(60);
    assert_eq!(given_up.tell(Input::PageArrived), ["Recall"]);
}

#[test]
fn signing_in_wins() {
    let mut rig = Rig::flagged(None);
    rig.ask_restore(1);
    let orders = rig.ask_sign_in("s");
    assert_eq!(orders, ["Publish signedOut vault_gone", "Conclude 1 -", "Navigate 0 s"]);
    assert!(rig.prepared("r").is_empty());
    // Also before it is known whether there is anything to restore: another vault's way back, of
    // before somebody signed out, is worth nothing then.
    let mut rig = Rig::begun(Restore::Redirect);
    assert!(rig.ask_sign_in("s").contains(&"Publish signedOut no_session".into()));
    rig.tell(Input::FlagRead(None));
    let orders = back(&mut rig, callback("r"));
    assert!(orders.ends_with(&["Conclude 9 /back".into()]), "{orders:?}");
    // And what a restore brings afterwards changes nothing.
    let mut rig = away();
    rig.ask_sign_in("s");
    rig.callback(2, "s");
    rig.exchange(Ok(grant(1, 300, START)));
    let orders = back(&mut rig, callback("r"));
    assert_eq!(orders, ["Find 9 r", "Conclude 9 /back"]);
    assert_eq!(rig.status(), "signedIn");
}

#[test]
fn ds9_offline_and_without_a_provider_nobody_leaves() {
    let mut rig = Rig::begun(Restore::Redirect);
    rig.tell(Input::WentOffline);
    rig.flag_read(None);
    let orders = rig.ask_restore(1);
    assert_eq!(orders, ["Publish signedOut vault_gone offline", "Conclude 1 -"]);
    rig.tell(Input::WentOnline);
    assert_eq!(rig.status(), "signedOut vault_gone offline", "a page in use is left alone");
    assert_eq!(rig.tell(Input::PageArrived), ["Publish restoring", "Recall", "ReadFlag"]);
    rig.flag_read(None);
    rig.ask_restore(2);
    let error = AuthError::transient(Code::ProviderUnreachable, Phase::Discovery, "down");
    let orders = rig.tell(Input::RestorePrepared(Err(error)));
    assert_eq!(orders, ["Publish signedOut vault_gone provider_unreachable", "Conclude 2 -"]);
}

#[test]
fn another_callback_that_fails_does_not_keep_the_session_from_coming_back() {
    let mut rig = Rig::flagged(None);
    rig.callback(1, "foreign");
    assert!(rig.ask_restore(2).is_empty(), "first the callback");
    let orders = rig.tell(Input::Found { ask: Ask(1), transaction: None });
    assert_eq!(orders, ["Publish restoring", "ReadFlag", "Conclude 1 callback_unknown"]);
    assert_eq!(rig.flag_read(None), ["Prepare"]);
    // Where nothing is restored, it is the reason.
    for flag in [None, Some(25)] {
        let mut rig = Rig::begun(Restore::Redirect);
        let error = AuthError::new(Code::CallbackInvalid, Phase::Callback, "twice");
        rig.tell(Input::CallbackRefused { ask: Ask(1), error });
        match flag {
            Some(_) => rig.flag_read(flag),
            None => rig.tell(Input::FlagRead(None)),
        };
        assert_eq!(rig.status(), "signedOut callback_failed callback_invalid");
    }
}

#[test]
fn a_callback_that_somebody_made_up_keeps_nobody_signed_out_cb9() {
    let mut rig = Rig::begun(Restore::Redirect);
    let error = AuthError::new(Code::CallbackInvalid, Phase::Callback, "twice");
    rig.tell(Input::CallbackRefused { ask: Ask(1), error });
    rig.flag_read(None);
    // The page that brought it stays where it is, so it is the reason for now.
    let stays = Input::RestoreAsked { ask: Ask(2), can_leave: false, can_frame: false };
    rig.tell(stays);
    assert_eq!(rig.status(), "signedOut callback_failed callback_invalid");
    // The next one can ask the provider.
    assert_eq!(rig.tell(Input::PageArrived), ["Publish restoring", "Recall", "ReadFlag"]);
    rig.flag_read(None);
    assert_eq!(rig.ask_restore(3), ["Prepare"]);
    // A callback that fails where nobody was signed in has nobody asked.
    let mut rig = Rig::begun(Restore::Redirect);
    rig.tell(Input::FlagRead(None));
    let error = AuthError::new(Code::CallbackInvalid, Phase::Callback, "twice");
    rig.tell(Input::CallbackRefused { ask: Ask(1), error });
    assert!(!rig.tell(Input::PageArrived).contains(&"ReadFlag".to_owned()));
    assert_eq!(rig.status(), "signedOut callback_failed callback_invalid");
}

#[test]
fn a_page_that_cannot_leave_waits_for_nobody() {
    let ask = |ask| Input::RestoreAsked { ask: Ask(ask), can_leave: false, can_frame: false };
    for attempted in [None, Some(3)] {
        let mut rig = Rig::flagged(attempted);
        assert_eq!(rig.tell(ask(1)), ["Publish signedOut vault_gone", "Conclude 1 -"]);
        back(&mut rig, callback("r"));
        rig.exchange(Ok(grant(1, 300, START)));
        assert_eq!(rig.status(), "signedIn restored", "its callback is brought later, by hand");
    }
    let mut rig = Rig::flagged(None);
    rig.ask_restore(1);
    rig.tell(ask(2));
    assert_eq!(rig.prepared("r"), ["Navigate 1 r"]);
}

#[test]
fn no_page_no_attempt() {
    let mut rig = Rig::flagged(None);
    rig.ask_restore(1);
    assert_eq!(rig.tell(Input::LastPageLeft), ["Conclude 1 -"]);
    assert!(rig.prepared("r").is_empty());
    rig.tell(Input::PageArrived);
    assert_eq!(rig.ask_restore(2), ["Prepare"]);
}

#[test]
fn a_page_that_left_before_its_request_was_ready_keeps_no_other_waiting() {
    let mut rig = Rig::flagged(None);
    assert_eq!(rig.ask_restore(1), ["Prepare"]);
    rig.tell(Input::LastPageLeft);
    rig.tell(Input::PageArrived);
    // This one cannot leave, and nobody else is there.
    rig.tell(Input::RestoreAsked { ask: Ask(2), can_leave: false, can_frame: false });
    let orders = rig.prepared("r");
    assert_eq!(orders, ["Publish signedOut vault_gone", "Conclude 2 -"]);
}

#[test]
fn a_refusal_in_a_frame_that_comes_back_late_is_followed_by_the_redirect() {
    let mut rig = Rig::begun(Restore::Frame);
    // Before the flag was read, so it is judged first.
    rig.tell(Input::CallbackArrived { ask: Ask(9), callback: refusal("login_required") });
    assert_eq!(rig.frame_flag_read(1, false), ["Find 9 r"]);
    let transaction = transaction("r", rig.now.wall);
    let transaction = Transaction { is_restore: true, mode: Mode::Silent, ..transaction };
    let orders = rig.tell(Input::Found { ask: Ask(9), transaction: Some(transaction) });
    assert_eq!(orders, ["Publish restoring", "Conclude 9 oauth_error", "ReadFlag"]);
    rig.ask_restore(1);
    assert_eq!(rig.frame_flag_read(1, false), ["Prepare"]);
}

#[test]
fn who_signs_out_after_a_session_expired_is_signed_in_by_no_way_back() {
    let mut rig = Rig::signed_in(without_refresh_token(grant(1, 300, START)));
    rig.advance(301);
    rig.woke();
    assert_eq!(rig.status(), "signedOut expired");
    rig.tell(Input::SignOutAsked(Ask(2)));
    assert_eq!(rig.status(), "signedOut signed_out");
    let orders = back(&mut rig, callback("r"));
    assert_eq!(orders.last().unwrap(), "Conclude 9 /back", "its code is not sent");
    assert_eq!(rig.status(), "signedOut signed_out");
}
