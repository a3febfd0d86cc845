//! A session whose refresh token a backend has behind a cookie: when it is asked who that is, and what follows
//! where it does not say.

use tokenward::{
    config::Restore,
    error::{AuthError, Code, Phase},
    oauth::{
        revocation::Revocable,
        transaction::{Mode, Transaction},
    },
    session::{
        grant::Grant,
        inputs::{Ask, Input, Reach, TokenFailure},
        machine::Session,
        tabs::{News, TabsEpoch},
    },
};

use crate::{
    fixtures::{START, failure, grant, indicators, transaction},
    rig::{Rig, callback, grant_is_over, told_to_wait},
};

/// Grant `n`, whose refresh token is the backend's.
fn behind_cookie(n: u32, life: u64, rig: &Rig) -> Grant {
    Grant { refresh_token: None, has_cookie: true, ..grant(n, life, rig.now) }
}

/// A vault that began with nothing, and is asking the backend; a page waits.
fn asking(restore: Restore) -> Rig {
    let mut rig = Rig::with_cookie(restore);
    assert!(rig.ask_restore(1).is_empty());
    assert_eq!(rig.tell(Input::LockTaken), ["Send cookie"]);
    rig
}

/// A vault whose session the backend restored.
fn restored() -> Rig {
    let mut rig = asking(Restore::Redirect);
    let grant = behind_cookie(1, 300, &rig);
    rig.answer(Ok(grant));
    rig
}

/// The attempt that is due is made, and fails so.
fn fails_again(rig: &mut Rig, failure: TokenFailure) -> Vec<String> {
    rig.advance(20);
    assert_eq!(rig.woke(), ["TakeLock"]);
    rig.exchange(Err(failure))
}

/// The backend does not answer, three times.
fn unreachable() -> Rig {
    let mut rig = asking(Restore::Redirect);
    assert_eq!(rig.answer(Err(failure(Reach::Lost))), ["ReleaseLock"]);
    assert_eq!(rig.status(), "restoring");
    assert_eq!(fails_again(&mut rig, failure(Reach::NotSent)), ["ReleaseLock"]);
    let orders = fails_again(&mut rig, failure(Reach::Answered));
    let expected =
        ["Publish signedOut vault_gone provider_unreachable", "ReleaseLock", "Conclude 1 -"];
    assert_eq!(orders, expected);
    rig
}

#[test]
fn a_new_vault_asks_the_backend_once_and_no_page_leaves_ck7() {
    let mut rig = asking(Restore::Redirect);
    assert_eq!(rig.status(), "restoring");
    assert!(rig.want(1).is_empty(), "requests wait");
    let grant = behind_cookie(1, 300, &rig);
    let orders = rig.answer(Ok(grant));
    let expected = [
        "Publish signedIn by cookie",
        "ReleaseLock",
        "Conclude 1 -",
        "Tell signedIn",
        "Lend 1 at-1",
    ];
    assert_eq!(orders, expected);
}

#[test]
fn its_tokens_are_renewed_by_the_cookie_however_many_calls_wait_ck7() {
    let mut rig = restored();
    rig.advance(301);
    assert_eq!(rig.woke(), ["Publish signedIn refreshing by cookie", "TakeLock"]);
    for ticket in 1..=20 {
        assert!(rig.want(ticket).is_empty());
    }
    assert_eq!(rig.tell(Input::LockTaken), ["Send cookie"]);
    let renewed = behind_cookie(2, 300, &rig);
    let orders = rig.answer(Ok(renewed));
    assert_eq!(orders[..2], ["Publish signedIn by cookie", "ReleaseLock"]);
    assert_eq!(orders.len(), 22, "{orders:?}");
}

#[test]
fn a_session_ends_at_no_expiry_while_the_backend_cannot_be_reached() {
    let mut rig = restored();
    rig.advance(301);
    rig.woke();
    rig.exchange(Err(failure(Reach::Lost)));
    rig.advance(3600);
    rig.woke();
    assert!(rig.status().starts_with("signedIn"), "{}", rig.status());
}

#[test]
fn who_has_no_session_at_the_backend_is_looked_for_at_the_provider() {
    let mut rig = asking(Restore::Redirect);
    assert_eq!(rig.answer(Err(grant_is_over())), ["ReleaseLock", "ReadFlag"]);
    assert_eq!(rig.flag_read(None), ["Prepare"]);
    assert_eq!(rig.prepared("r"), ["Navigate 1 r"]);

    let mut rig = asking(Restore::Frame);
    rig.tell(Input::RestoreAsked { ask: Ask(2), can_leave: true, can_frame: true });
    rig.answer(Err(grant_is_over()));
    assert_eq!(rig.flag_read(None), ["Prepare silent"]);

    let mut rig = asking(Restore::None);
    rig.answer(Err(grant_is_over()));
    assert_eq!(rig.flag_read(None), ["Publish signedOut vault_gone", "Conclude 1 -"]);
}

#[test]
fn a_page_that_is_back_from_the_provider_waits_for_no_backend() {
    // The vault that sent it asked the backend before.
    let mut rig = Rig::begun(Restore::Redirect);
    rig.session = Session::new(7, Restore::Redirect).with_cookie(true);
    rig.tell(Input::PageArrived);
    assert!(rig.flag_read(Some(2)).is_empty());
    let back = callback("r");
    let orders = rig.tell(Input::CallbackArrived { ask: Ask(9), callback: back });
    assert_eq!(orders, ["Publish signingIn", "Find 9 r"]);
    let transaction = Transaction { is_restore: true, ..transaction("r", rig.now.wall) };
    let orders = rig.tell(Input::Found { ask: Ask(9), transaction: Some(transaction) });
    assert_eq!(orders, ["TakeLock"]);
    let grant = behind_cookie(1, 300, &rig);
    let orders = rig.exchange(Ok(grant));
    assert_eq!(orders[0], "Publish signedIn restored");
}

#[test]
fn a_page_that_is_back_while_the_backend_is_asked_is_signed_in_by_either() {
    for is_refused in [true, false] {
        let mut rig = asking(Restore::Redirect);
        rig.tell(Input::CallbackArrived { ask: Ask(9), callback: callback("r") });
        let transaction = Transaction { is_restore: true, ..transaction("r", rig.now.wall) };
        rig.tell(Input::Found { ask: Ask(9), transaction: Some(transaction) });
        let grant = behind_cookie(1, 300, &rig);
        let orders = rig.answer(if is_refused { Err(grant_is_over()) } else { Ok(grant) });
        assert_eq!(orders.last().unwrap(), "TakeLock");
        let grant = behind_cookie(2, 300, &rig);
        rig.exchange(Ok(grant));
        assert_eq!(rig.status(), "signedIn restored");
    }
}

#[test]
fn nobody_who_never_signed_in_is_asked_for() {
    let mut rig = Rig::begun(Restore::Redirect);
    rig.session = Session::new(7, Restore::Redirect).with_cookie(true);
    rig.tell(Input::PageArrived);
    assert_eq!(rig.tell(Input::FlagRead(None)), ["Publish signedOut no_session"]);
}

#[test]
fn a_backend_that_does_not_answer_is_asked_again_beside_the_pages() {
    let mut rig = unreachable();
    // By itself, and nobody sees anything of it before it has answered.
    let wake = rig.session.wake_at().unwrap().remaining(rig.now);
    assert!((30..=38).contains(&(wake.0 / 1000)), "{wake:?}");
    rig.advance(38);
    assert_eq!(rig.woke(), ["TakeLock"]);
    assert_eq!(rig.exchange(Err(failure(Reach::Lost))), ["ReleaseLock"]);
    // Longer each time, up to eight minutes, while a page is there.
    for seconds in [60, 120, 240, 480, 480] {
        let wake = rig.session.wake_at().unwrap().remaining(rig.now);
        assert!((seconds..=seconds * 5 / 4 + 1).contains(&(wake.0 / 1000)), "{wake:?}");
        rig.advance(seconds * 5 / 4);
        assert_eq!(rig.woke(), ["TakeLock"]);
        assert!(rig.status().starts_with("signedOut vault_gone"));
        rig.exchange(Err(failure(Reach::NotSent)));
    }
    rig.tell(Input::LastPageLeft);
    assert!(rig.session.wake_at().is_none());
    rig.tell(Input::PageArrived);
    assert_eq!(rig.flag_read(None), ["TakeLock"]);
    let grant = behind_cookie(1, 300, &rig);
    let orders = rig.exchange(Ok(grant));
    assert_eq!(orders, ["Publish signedIn by cookie", "ReleaseLock", "Tell signedIn"]);
}

#[test]
fn who_is_found_beside_the_pages_is_signed_in() {
    let mut rig = unreachable();
    rig.advance(38);
    rig.woke();
    let grant = behind_cookie(1, 300, &rig);
    let orders = rig.exchange(Ok(grant));
    assert_eq!(orders, ["Publish signedIn by cookie", "ReleaseLock", "Tell signedIn"]);
}

#[test]
fn a_page_that_arrives_goes_on_where_the_backend_was_away() {
    let mut rig = unreachable();
    let orders = rig.tell(Input::PageArrived);
    assert_eq!(orders, ["Publish restoring", "Recall", "ReadFlag"]);
    assert_eq!(rig.flag_read(None), ["TakeLock"]);
    rig.ask_restore(2);
    rig.exchange(Err(grant_is_over()));
    assert_eq!(rig.flag_read(None), ["Prepare"]);
}

#[test]
fn what_is_asked_beside_the_pages_sends_none_to_the_provider() {
    let mut rig = unreachable();
    rig.tell(Input::WentOffline);
    assert!(rig.session.wake_at().is_none(), "there is nobody to reach");
    assert_eq!(rig.tell(Input::WentOnline), ["TakeLock"]);
    assert_eq!(rig.exchange(Err(grant_is_over())), ["ReleaseLock"]);
    // It said so: nothing but a page that arrives has anybody asked.
    rig.advance(3600);
    assert!(rig.woke().is_empty());
    assert!(rig.session.wake_at().is_none());
    assert_eq!(rig.tell(Input::PageArrived), ["Publish restoring", "Recall", "ReadFlag"]);
}

#[test]
fn a_backend_that_wants_to_be_left_alone_keeps_no_page_waiting() {
    let mut rig = asking(Restore::Redirect);
    let orders = rig.answer(Err(told_to_wait(3600)));
    let left_alone =
        ["Publish signedOut vault_gone provider_unreachable", "ReleaseLock", "Conclude 1 -"];
    assert_eq!(orders, left_alone);
    rig.advance(3599);
    assert_eq!(rig.tell(Input::PageArrived), ["Recall"]);
    assert!(rig.woke().is_empty());
    rig.advance(901);
    assert_eq!(rig.woke(), ["TakeLock"]);
}

#[test]
fn offline_the_backend_is_asked_once_the_device_is_online() {
    let mut rig = Rig::begun(Restore::Redirect);
    rig.session = Session::new(7, Restore::Redirect).with_cookie(true);
    rig.tell(Input::PageArrived);
    rig.tell(Input::WentOffline);
    rig.ask_restore(1);
    let offline = ["Publish signedOut vault_gone offline", "Conclude 1 -"];
    assert_eq!(rig.flag_read(None), offline);
    assert_eq!(rig.tell(Input::WentOnline), ["TakeLock"]);

    // While it is being asked: nobody waits for an answer that does not come, and one that does is taken.
    let mut rig = asking(Restore::Redirect);
    assert_eq!(rig.tell(Input::WentOffline), offline);
    let grant = behind_cookie(1, 300, &rig);
    let orders = rig.answer(Ok(grant));
    assert_eq!(orders, ["Publish signedIn by cookie", "ReleaseLock", "Tell signedIn"]);
}

#[test]
fn calls_wait_for_whoever_it_is() {
    let mut rig = asking(Restore::Redirect);
    assert!(rig.want(1).is_empty());
    rig.answer(Err(failure(Reach::Lost)));
    assert!(rig.want(2).is_empty(), "the state is restoring");
    // Also for somebody who is back from the provider meanwhile.
    rig.ask_sign_in("s");
    rig.callback(8, "s");
    let grant = behind_cookie(1, 300, &rig);
    let orders = rig.exchange(Ok(grant));
    assert!(orders.contains(&"Lend 1 at-1".to_owned()), "{orders:?}");
    assert!(orders.contains(&"Lend 2 at-1".to_owned()), "{orders:?}");
}

#[test]
fn who_it_is_comes_before_any_further_audience() {
    for seed in 0..50 {
        let session = Session::new(seed, Restore::Redirect);
        let session = session.with_audiences(&indicators(1)).with_cookie(true);
        let mut rig = Rig::begun(Restore::Redirect);
        rig.session = session;
        rig.tell(Input::PageArrived);
        rig.flag_read(None);
        rig.ask_restore(1);
        rig.want_for(1, 1);
        assert_eq!(rig.tell(Input::LockTaken), ["Send cookie"]);
        rig.answer(Err(failure(Reach::Answered)));
        rig.advance(20);
        rig.woke();
        assert_eq!(rig.tell(Input::LockTaken), ["Send cookie"], "the default one");
        let grant = behind_cookie(1, 300, &rig);
        rig.answer(Ok(grant));
        assert_eq!(rig.tell(Input::LockTaken), ["Send cookie for 1"]);
    }
}

#[test]
fn a_backend_with_no_default_token_has_no_session() {
    let denied = TokenFailure {
        error: AuthError::new(Code::AudienceUnavailable, Phase::Refresh, "not for this one"),
        ..failure(Reach::Answered)
    };
    let mut rig = asking(Restore::Redirect);
    assert_eq!(rig.answer(Err(denied)), ["ReleaseLock", "ReadFlag"]);
}

#[test]
fn who_signs_in_in_another_tab_is_found_by_the_cookie_here() {
    let mut rig = unreachable();
    let news = News::SignedIn;
    rig.tell(Input::Heard { epoch: TabsEpoch(1), news });
    assert!(rig.status().starts_with("signedOut vault_gone"), "{}", rig.status());
    rig.advance(38);
    assert_eq!(rig.woke(), ["TakeLock"]);
}

#[test]
fn a_silent_sign_in_that_fails_for_now_takes_nobodys_cookie() {
    let mut rig = restored();
    rig.ask_sign_in_beside(Mode::Silent, "s");
    rig.callback(8, "s");
    let unproven = TokenFailure {
        issued: Some(Revocable::access_token(&grant(9, 300, START).access_token)),
        ..failure(Reach::Answered)
    };
    let orders = rig.exchange(Err(unproven));
    assert!(!orders.iter().any(|order| order.starts_with("Revoke")), "{orders:?}");
    assert!(rig.status().starts_with("signedIn"));
}

#[test]
fn a_sign_out_while_it_is_being_asked_takes_what_comes_and_the_cookie() {
    let mut rig = asking(Restore::Redirect);
    let orders = rig.tell(Input::SignOutAsked(Ask(2)));
    assert!(orders.iter().any(|order| order.starts_with("EndSession 2")), "{orders:?}");
    let late = behind_cookie(1, 300, &rig);
    let orders = rig.answer(Ok(late));
    assert_eq!(orders, ["ReleaseLock", "Revoke cookie", "Revoke at-1"]);
    assert_eq!(rig.status(), "signedOut signed_out");
}

#[test]
fn of_a_sign_out_in_another_tab_no_cookie_is_taken() {
    let mut rig = restored();
    let (epoch, news) = (TabsEpoch(1), News::SignedOut);
    let orders = rig.tell(Input::Heard { epoch, news });
    // By now it may be the next person's.
    assert!(orders.contains(&"Revoke at-1".to_owned()), "{orders:?}");
    assert!(!orders.contains(&"Revoke cookie".to_owned()), "{orders:?}");
    // Nor is anything revoked that is not there yet.
    let mut rig = asking(Restore::Redirect);
    let orders = rig.tell(Input::Heard { epoch, news });
    assert!(!orders.iter().any(|order| order.starts_with("Revoke")), "{orders:?}");
}

#[test]
fn the_cookie_of_a_code_that_was_refused_is_nobodys() {
    let refused = || TokenFailure {
        error: AuthError::new(Code::IdTokenInvalid, Phase::Callback, "of somebody else"),
        issued: Some(Revocable::access_token(&grant(9, 300, START).access_token)),
        ..grant_is_over()
    };
    let mut rig = Rig::begun(Restore::Redirect);
    rig.session = Session::new(7, Restore::Redirect).with_cookie(true);
    rig.tell(Input::PageArrived);
    rig.tell(Input::FlagRead(None));
    let orders = rig.exchange_code("s", Err(refused()));
    assert_eq!(orders[orders.len() - 2..], ["Revoke cookie", "Revoke at-9"]);
    // Also where somebody is signed in: it stands in the place of theirs.
    let mut rig = restored();
    let orders = rig.exchange_code("s", Err(refused()));
    assert_eq!(orders.last().unwrap(), "Revoke cookie");
    assert!(rig.status().starts_with("signedIn"));
}

#[test]
fn an_answer_that_cannot_be_believed_takes_no_cookie() {
    let issued = || Some(Revocable::access_token(&grant(9, 300, START).access_token));
    let mut rig = asking(Restore::Redirect);
    let unproven = TokenFailure { issued: issued(), ..failure(Reach::Answered) };
    assert_eq!(rig.answer(Err(unproven)), ["ReleaseLock"]);
    assert_eq!(rig.status(), "restoring");
    let mut rig = asking(Restore::Redirect);
    let refused = TokenFailure { issued: issued(), ..grant_is_over() };
    assert_eq!(rig.answer(Err(refused)), ["ReleaseLock", "ReadFlag"]);
}

#[test]
fn who_signed_in_as_somebody_else_in_another_tab_keeps_the_cookie() {
    let mut rig = restored();
    rig.advance(301);
    rig.woke();
    let of_another = TokenFailure {
        error: AuthError::new(Code::IdTokenInvalid, Phase::Refresh, "of another user"),
        issued: Some(Revocable::access_token(&grant(9, 300, START).access_token)),
        ..grant_is_over()
    };
    assert_eq!(
        rig.exchange(Err(of_another)),
        ["Publish signedOut signed_in_elsewhere id_token_invalid", "ReleaseLock"]
    );
}
