//! Sign-ins and the callbacks that answer them.

use std::rc::Rc;

use tokenward::{
    oauth::callback::{Callback, OauthError},
    secret::Secret,
    session::inputs::{Ask, Input, Reach, TokenFailure},
};

use crate::{
    fixtures::{START, failure, grant, transaction},
    rig::{Rig, callback, grant_is_over},
};

fn refusal(state: &str) -> Callback {
    Callback { outcome: Err(OauthError::new("access_denied", None)), ..callback(state) }
}

#[test]
fn from_memory_to_signed_in() {
    let mut rig = Rig::new();
    assert_eq!(rig.ask_sign_in("s"), ["Navigate 0 s"]);
    assert_eq!(rig.callback(1, "s"), ["Publish signingIn", "Forget s", "TakeLock"]);
    assert_eq!(rig.tell(Input::LockTaken), ["Send code"]);
    let orders = rig.answer(Ok(grant(1, 300, START)));
    assert_eq!(
        orders,
        ["Publish signedIn", "ReleaseLock", "Tell signedIn", "Conclude 1 /back set"]
    );
}

#[test]
fn from_the_store_where_the_vault_did_not_survive_the_trip() {
    let mut rig = Rig::new();
    assert_eq!(rig.callback(1, "s"), ["Publish signingIn", "Find 1 s"]);
    let found = Some(transaction("s", START.wall));
    let orders = rig.tell(Input::Found { ask: Ask(1), transaction: found });
    assert_eq!(orders, ["TakeLock"]);
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
fn cb2_an_error_uses_the_state_up() {
    let mut rig = Rig::new();
    rig.ask_sign_in("s");
    let orders = rig.tell(Input::CallbackArrived { ask: Ask(1), callback: refusal("s") });
    assert_eq!(
        orders,
        ["Publish signedOut callback_failed oauth_error", "Forget s", "Conclude 1 oauth_error"]
    );
    assert!(rig.callback(2, "s").contains(&"Conclude 2 callback_used".into()));
}

#[test]
fn cb5_an_error_leaves_the_session_as_it_was() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    rig.ask_sign_in("s");
    let orders = rig.tell(Input::CallbackArrived { ask: Ask(1), callback: refusal("s") });
    assert_eq!(orders, ["Forget s", "Conclude 1 oauth_error"]);
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
        assert_eq!(rig.callback(2, "s"), ["Publish signingIn", "Forget s", "TakeLock"]);
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
    assert_eq!(rig.callback(2, "b"), ["Forget b"]);
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

/// What a code's exchange comes to whose ID token is not believed.
fn unbelieved() -> TokenFailure {
    TokenFailure { issued: Some(Rc::new(Secret::from("rt-9"))), ..failure(Reach::Answered) }
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
