//! Sign-ins and the callbacks that answer them.

use std::rc::Rc;

use tokenward::{
    oauth::{
        callback::{Callback, OauthError},
        revocation::Revocable,
        transaction::{Mode, Transaction},
    },
    secret::Secret,
    session::{
        bounces::Bounces,
        inputs::{Ask, Input, Reach, TokenFailure, TokenRequest},
    },
};

use crate::{
    fixtures::{START, failure, grant, transaction},
    rig::{Rig, callback, grant_is_over},
};

fn refusal(state: &str) -> Callback {
    Callback { outcome: Err(OauthError::new("access_denied", None)), ..callback(state) }
}

#[test]
fn a_sign_in_that_begins_again_with_its_state_is_the_later_one() {
    let mut rig = Rig::new();
    rig.ask_sign_in("s");
    let later = Transaction { return_to: Some("/later".into()), ..transaction("s", START.wall) };
    rig.tell(Input::SignInAsked { ask: Ask(0), transaction: later });
    rig.callback(1, "s");
    let orders = rig.exchange(Ok(grant(1, 300, START)));
    assert!(orders.contains(&"Conclude 1 /later set".into()), "{orders:?}");
}

#[test]
fn from_memory_to_signed_in() {
    let mut rig = Rig::new();
    assert_eq!(rig.ask_sign_in("s"), ["Navigate 0 s"]);
    assert_eq!(rig.callback(1, "s"), ["Publish signingIn", "Forget s", "Bounced", "TakeLock"]);
    assert_eq!(rig.tell(Input::LockTaken), ["Send code"]);
    let orders = rig.answer(Ok(grant(1, 300, START)));
    assert_eq!(
        orders,
        ["Publish signedIn", "ReleaseLock", "Tell signedIn", "Conclude 1 /back set"]
    );
}

#[test]
fn beside_the_page_nothing_is_stored_and_nothing_goes_round() {
    for mode in [Mode::Popup, Mode::Silent] {
        let mut rig = Rig::new();
        assert_eq!(rig.ask_sign_in_beside(mode, "s"), ["Navigate 0 s"]);
        assert_eq!(rig.callback(1, "s"), ["Publish signingIn", "TakeLock"]);
        let orders = rig.exchange(Ok(grant(1, 300, START)));
        assert!(orders.contains(&"Conclude 1 /back set".into()), "{orders:?}");
        assert_eq!(rig.callback(2, "s"), ["Conclude 2 callback_used"], "cb1");
    }
}

#[test]
fn a_sign_in_that_asked_nobody_changes_nothing_when_it_fails() {
    let mut rig = Rig::new();
    rig.ask_sign_in_beside(Mode::Silent, "s");
    let before = rig.status();
    let orders = rig.tell(Input::CallbackArrived { ask: Ask(1), callback: refusal("s") });
    assert!(orders.contains(&"Conclude 1 oauth_error".into()), "{orders:?}");
    assert_eq!(rig.status(), before);
    rig.ask_sign_in_beside(Mode::Silent, "t");
    rig.callback(2, "t");
    rig.exchange(Err(failure(Reach::Lost)));
    assert_eq!(rig.status(), before, "nor when its code comes to nothing");
    // A person who refused in a window is told in the state, as after a redirect.
    rig.ask_sign_in_beside(Mode::Popup, "u");
    rig.tell(Input::CallbackArrived { ask: Ask(3), callback: refusal("u") });
    assert_eq!(rig.status(), "signedOut callback_failed oauth_error");
}

#[test]
fn from_the_store_where_the_vault_did_not_survive_the_trip() {
    let mut rig = Rig::new();
    assert_eq!(rig.callback(1, "s"), ["Publish signingIn", "Find 1 s"]);
    let found = Some(transaction("s", START.wall));
    let orders = rig.tell(Input::Found { ask: Ask(1), transaction: found });
    assert_eq!(orders, ["Bounced", "TakeLock"]);
    let orders = rig.exchange(Ok(grant(1, 300, START)));
    assert!(orders.contains(&"Publish signedIn".into()), "{orders:?}");
}

#[test]
fn cb12_an_unknown_state_sends_nothing() {
    let mut rig = Rig::new();
    rig.callback(1, "s");
    let orders = rig.tell(Input::Found { ask: Ask(1), transaction: None });
    assert_eq!(
        orders,
        ["Publish signedOut callback_failed callback_unknown", "Conclude 1 callback_unknown"]
    );
    rig.callback(2, "t");
    let other = Some(transaction("another", START.wall));
    let orders = rig.tell(Input::Found { ask: Ask(2), transaction: other });
    assert!(orders.contains(&"Conclude 2 callback_unknown".into()));
}

#[test]
fn cb1_a_callback_is_used_once() {
    let mut rig = Rig::new();
    rig.ask_sign_in("s");
    rig.callback(1, "s");
    assert!(rig.callback(2, "s").contains(&"Conclude 2 callback_used".into()));
    rig.exchange(Ok(grant(1, 300, START)));
    assert_eq!(rig.callback(3, "s"), ["Conclude 3 callback_used"], "and the session stays");
    // Also while the store is still being asked.
    let mut rig = Rig::new();
    rig.callback(1, "s");
    assert!(rig.callback(2, "s").contains(&"Conclude 2 callback_used".into()));
}

#[test]
fn cb1_a_callback_is_remembered_through_later_ones() {
    let mut rig = Rig::new();
    for n in 0..32 {
        let state = format!("s{n}");
        rig.ask_sign_in(&state);
        rig.tell(Input::CallbackArrived { ask: Ask(n), callback: refusal(&state) });
    }
    let mut said = |ask: u64, state: &str| rig.callback(ask, state).pop().unwrap_or_default();
    assert_eq!(said(100, "s0"), "Conclude 100 callback_used");
    assert_eq!(said(101, "s31"), "Conclude 101 callback_used");
    // The oldest makes room. The store, which has no more of it, is asked instead.
    rig.ask_sign_in("later");
    rig.tell(Input::CallbackArrived { ask: Ask(40), callback: refusal("later") });
    let mut said = |ask: u64, state: &str| rig.callback(ask, state).pop().unwrap_or_default();
    assert_eq!(said(102, "s0"), "Find 102 s0");
    assert_eq!(said(103, "s1"), "Conclude 103 callback_used");
}

#[test]
fn cb2_an_error_uses_the_state_up() {
    let mut rig = Rig::new();
    rig.ask_sign_in("s");
    let orders = rig.tell(Input::CallbackArrived { ask: Ask(1), callback: refusal("s") });
    assert_eq!(
        orders,
        [
            "Publish signedOut callback_failed oauth_error",
            "Forget s",
            "Bounced",
            "Conclude 1 oauth_error"
        ]
    );
    assert!(rig.callback(2, "s").contains(&"Conclude 2 callback_used".into()));
}

#[test]
fn cb5_an_error_leaves_the_session_as_it_was() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    rig.ask_sign_in("s");
    let orders = rig.tell(Input::CallbackArrived { ask: Ask(1), callback: refusal("s") });
    assert_eq!(orders, ["Forget s", "Bounced", "Conclude 1 oauth_error"]);
    assert_eq!(rig.want(1), ["Lend 1 at-1"]);
}

#[test]
fn mx1_a_foreign_issuer_gets_no_code() {
    let mut rig = Rig::new();
    rig.ask_sign_in("s");
    let foreign = Callback { iss: Some("https://evil.example".into()), ..callback("s") };
    let orders = rig.tell(Input::CallbackArrived { ask: Ask(1), callback: foreign });
    assert!(orders.contains(&"Conclude 1 issuer_mismatch".into()), "{orders:?}");
    assert!(!orders.contains(&"TakeLock".into()), "{orders:?}");
}

#[test]
fn mx5_a_foreign_refusal_does_not_end_the_sign_in() {
    for is_stored in [false, true] {
        let mut rig = Rig::new();
        let foreign = Callback { iss: Some("https://evil.example".into()), ..refusal("s") };
        if is_stored {
            rig.tell(Input::CallbackArrived { ask: Ask(1), callback: foreign });
            let found = Some(transaction("s", START.wall));
            rig.tell(Input::Found { ask: Ask(1), transaction: found });
        } else {
            rig.ask_sign_in("s");
            rig.tell(Input::CallbackArrived { ask: Ask(1), callback: foreign });
        }
        assert_eq!(rig.callback(2, "s"), ["Publish signingIn", "Forget s", "Bounced", "TakeLock"]);
    }
}

#[test]
fn a_sign_in_of_more_than_ten_minutes_is_unknown() {
    let mut rig = Rig::new();
    rig.ask_sign_in("s");
    rig.advance(601);
    let orders = rig.callback(1, "s");
    assert!(orders.contains(&"Conclude 1 callback_unknown".into()), "{orders:?}");
    assert!(!orders.contains(&"TakeLock".into()), "{orders:?}");
}

#[test]
fn cb8_a_code_is_never_sent_twice() {
    for reach in [Reach::Lost, Reach::NotSent, Reach::Answered] {
        let mut rig = Rig::new();
        let orders = rig.exchange_code("s", Err(failure(reach)));
        assert_eq!(
            orders,
            [
                "Publish signedOut callback_failed provider_unreachable",
                "ReleaseLock",
                "Conclude 1 provider_unreachable"
            ]
        );
        rig.advance(600);
        assert!(rig.woke().is_empty());
    }
}

#[test]
fn several_sign_ins_at_once_are_exchanged_one_after_the_other() {
    let mut rig = Rig::new();
    rig.ask_sign_in("a");
    rig.ask_sign_in("b");
    rig.callback(1, "a");
    assert_eq!(rig.callback(2, "b"), ["Forget b", "Bounced"]);
    let orders = rig.exchange(Err(grant_is_over()));
    assert_eq!(orders, ["ReleaseLock", "Conclude 1 oauth_error", "TakeLock"], "still signing in");
    let orders = rig.exchange(Ok(grant(1, 300, START)));
    assert!(orders.contains(&"Conclude 2 /back set".into()), "{orders:?}");
    assert_eq!(rig.status(), "signedIn");
}

#[test]
fn a_lock_that_cannot_be_had_fails_the_callback() {
    let mut rig = Rig::new();
    rig.ask_sign_in("s");
    rig.callback(1, "s");
    assert_eq!(rig.tell(Input::LockMissed), ["StealLock"], "its holder hangs");
    let orders = rig.tell(Input::LockMissed);
    assert_eq!(orders, ["Publish signedOut callback_failed timeout", "Conclude 1 timeout"]);
}

#[test]
fn many_sign_ins_that_nobody_finishes_are_forgotten() {
    let mut rig = Rig::new();
    for n in 0..1000 {
        rig.ask_sign_in(&format!("s{n}"));
    }
    assert!(rig.callback(1, "s999").contains(&"Forget s999".into()));
    assert!(rig.callback(2, "s0").contains(&"Find 2 s0".into()), "the store may still have it");
}

#[test]
fn mx5_a_foreign_refusal_leaves_the_sign_in_to_the_next_vault_too() {
    let mut rig = Rig::new();
    let lie = Callback {
        iss: Some("https://evil.example".into()),
        outcome: Err(OauthError::new("access_denied", None)),
        ..callback("s")
    };
    rig.tell(Input::CallbackArrived { ask: Ask(1), callback: lie });
    let transaction = Some(transaction("s", START.wall));
    let orders = rig.tell(Input::Found { ask: Ask(1), transaction });
    // This vault may end with its page, before the honest callback is there.
    assert!(orders.contains(&"Keep s".into()), "{orders:?}");
    assert!(rig.callback(2, "s").contains(&"Forget s".into()), "and it is taken from memory here");
}

#[test]
fn a_sign_in_that_is_back_is_a_bounce_and_what_nobody_asked_for_is_none() {
    let mut rig = Rig::new();
    rig.ask_sign_in("s");
    let refused = rig.tell(Input::CallbackArrived { ask: Ask(1), callback: refusal("s") });
    assert!(refused.contains(&"Bounced".into()), "{refused:?}");
    assert!(!rig.callback(2, "s").contains(&"Bounced".into()), "it was used");
    rig.callback(3, "unknown");
    let unknown = rig.tell(Input::Found { ask: Ask(3), transaction: None });
    assert!(
        !unknown.contains(&"Bounced".into()),
        "a forged callback keeps nobody out: {unknown:?}"
    );
    // A restore has a guard of its own.
    let mut rig = Rig::flagged(None);
    rig.ask_restore(1);
    rig.prepared("r");
    rig.callback(2, "r");
    let restoring = Transaction { is_restore: true, ..transaction("r", START.wall) };
    let found = Input::Found { ask: Ask(2), transaction: Some(restoring) };
    assert_eq!(rig.tell(found), ["TakeLock"]);
}

/// An application that asks for a sign-in whenever nobody is signed in, at a provider that always
/// refuses: how often it goes there in so many seconds, a trip being as long as it is.
fn trips(trip: u64, seconds: u64) -> u32 {
    let mut rig = Rig::new();
    let mut record = String::new();
    let mut trips = 0;
    let end = START.monotonic.0 + seconds * 1000;
    while rig.now.monotonic.0 < end {
        if Bounces::from_record(&record).check(rig.now.wall).is_err() {
            rig.advance(1);
            continue;
        }
        trips += 1;
        let (state, started) = (format!("s{trips}"), rig.now.wall);
        assert_eq!(rig.ask_sign_in(&state), [format!("Navigate 0 {state}")]);
        rig.advance(trip);
        let callback = refusal(&state);
        let orders = rig.tell(Input::CallbackArrived { ask: Ask(1), callback });
        if orders.contains(&"Bounced".into()) {
            let bounces = Bounces::from_record(&record).and(started, rig.now.wall);
            record = bounces.to_record();
        }
    }
    trips
}

#[test]
fn a_login_loop_is_broken_after_three_bounces() {
    assert_eq!(trips(1, 29), 3, "and then none for the rest of half a minute");
    assert!(trips(1, 3600) <= 3 * 120, "three each half minute at most, however long");
    assert_eq!(trips(15, 3600), 240, "whoever takes their time is not kept out");
}

fn password(ask: u64) -> Input {
    let (username, password) = (Secret::from("alice"), Secret::from("pw"));
    let request = TokenRequest::Password { username, password };
    assert!(!format!("{request:?}").contains("pw"), "ro2: never logged");
    Input::PasswordGiven { ask: Ask(ask), request }
}

#[test]
fn ro1_a_password_is_exchanged_like_a_code() {
    let mut rig = Rig::new();
    assert_eq!(rig.tell(password(1)), ["Publish signingIn", "TakeLock"]);
    assert_eq!(rig.tell(Input::LockTaken), ["Send alice pw"]);
    let orders = rig.answer(Ok(grant(1, 300, START)));
    assert_eq!(orders, ["Publish signedIn", "ReleaseLock", "Tell signedIn", "Conclude 1 - set"]);
}

#[test]
fn ro2_a_password_is_never_sent_twice_and_a_wrong_one_changes_nothing() {
    for failed in [failure(Reach::Lost), failure(Reach::NotSent), grant_is_over()] {
        let mut rig = Rig::new();
        rig.tell(password(1));
        let orders = rig.exchange(Err(failed));
        assert_eq!(orders[..2], ["Publish signedOut no_session", "ReleaseLock"], "as before");
        assert!(orders[2].starts_with("Conclude 1 "), "{orders:?}");
        rig.advance(600);
        assert!(rig.woke().is_empty());
    }
    let mut rig = Rig::signed_in(grant(1, 300, START));
    rig.tell(password(1));
    rig.exchange(Err(grant_is_over()));
    assert_eq!(rig.status(), "signedIn");
}
/// What a code's exchange comes to whose ID token is not believed.
fn unbelieved() -> TokenFailure {
    TokenFailure {
        issued: Some(Revocable::refresh_token(&Rc::new(Secret::from("rt-9")))),
        ..failure(Reach::Answered)
    }
}

#[test]
fn what_was_issued_for_nobody_is_revoked() {
    let mut rig = Rig::new();
    let orders = rig.exchange_code("s", Err(unbelieved()));
    assert_eq!(orders.last().unwrap(), "Revoke rt-9", "{orders:?}");
    assert_eq!(rig.status(), "signedOut callback_failed provider_unreachable");
}

#[test]
fn what_may_be_of_a_living_sessions_grant_is_not_revoked() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    let orders = rig.exchange_code("t", Err(unbelieved()));
    assert!(orders.iter().all(|order| !order.starts_with("Revoke")), "{orders:?}");
    assert_eq!(rig.status(), "signedIn");
}

#[test]
fn a_refresh_of_another_user_is_revoked_with_the_session() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    rig.advance(300);
    rig.want(1);
    let orders = rig.exchange(Err(TokenFailure { is_final: true, ..unbelieved() }));
    assert!(orders.contains(&"Revoke rt-9".into()), "{orders:?}");
    assert!(rig.status().starts_with("signedOut session_ended"), "{}", rig.status());
}
