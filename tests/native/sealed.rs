//! A session whose refresh token outlives its vault under a seal: when the record is read and written,
//! and what is made of one that is used, gone, strange, or another tab's.

use tokenward::{
    config::Restore,
    secret::Secret,
    session::{
        inputs::{Ask, Input, Reach},
        machine::Session,
        sealed::{IV, Unreadable, bound_to, disclose, enclose, unavailable},
    },
};

use crate::{
    fixtures::{START, failure, grant},
    rig::{Rig, grant_is_over, without_refresh_token},
};

/// The record of grant `n`.
fn record(n: u32, is_lost: bool) -> Secret {
    let grant = grant(n, 300, START);
    let claims = serde_json::to_string(&*grant.claims.unwrap().text).unwrap();
    Secret::new(format!(
        r#"{{"refresh_token":"rt-{n}","claims":{claims},"scopes":["openid"],"lost":{is_lost}}}"#
    ))
}

/// A vault that began with the record of the first grant, which it is about to use.
fn restoring(restore: Restore) -> Rig {
    let mut rig = Rig::sealed(restore);
    assert!(rig.ask_restore(1).is_empty());
    assert_eq!(rig.unsealed(Ok(Some(record(1, false)))), ["Seal rt-1 lost", "Send rt-1"]);
    rig
}

/// A vault that somebody signed in to.
fn signed_in() -> Rig {
    let mut rig = Rig::new_sealed();
    rig.exchange_code("s", Ok(grant(1, 300, START)));
    rig.advance(280);
    assert_eq!(rig.woke(), ["Publish signedIn refreshing", "TakeLock"]);
    rig
}

#[test]
fn a_sign_in_is_sealed_before_the_page_hears_of_it() {
    let mut rig = Rig::new_sealed();
    let orders = rig.exchange_code("s", Ok(grant(1, 300, START)));
    let expected = [
        "Publish signedIn",
        "Seal rt-1 new",
        "ReleaseLock",
        "Tell signedIn",
        "Conclude 1 /back set",
    ];
    assert_eq!(orders, expected);
}

#[test]
fn without_a_refresh_token_what_was_sealed_is_removed() {
    let mut rig = Rig::new_sealed();
    let orders = rig.exchange_code("s", Ok(without_refresh_token(grant(1, 300, START))));
    assert!(orders.contains(&"Seal - new".to_owned()), "{orders:?}");
}

#[test]
fn a_new_vault_restores_with_one_refresh_and_no_navigation_rf9() {
    let mut rig = restoring(Restore::Redirect);
    assert_eq!(rig.status(), "restoring");
    assert!(rig.want(1).is_empty(), "requests wait");
    let orders = rig.answer(Ok(grant(2, 300, START)));
    let expected = [
        "Publish signedIn unsealed",
        "Seal rt-2",
        "ReleaseLock",
        "Conclude 1 -",
        "Tell signedIn",
        "Lend 1 at-2",
    ];
    assert_eq!(orders, expected);
}

#[test]
fn before_a_refresh_token_is_used_the_record_says_so_rf10() {
    let mut rig = signed_in();
    let orders = rig.unsealed(Ok(Some(record(1, false))));
    assert_eq!(orders, ["Seal rt-1 lost", "Send rt-1"]);
    // It is written before the lock is let go, and the old one is not forgotten before.
    let renewed = grant(2, 300, rig.now);
    assert_eq!(rig.answer(Ok(renewed)), ["Publish signedIn", "Seal rt-2", "ReleaseLock"]);
}

#[test]
fn a_token_whose_answer_may_be_lost_is_asked_for_once_and_its_end_is_named_rf10() {
    let mut rig = Rig::sealed(Restore::None);
    rig.ask_restore(1);
    assert_eq!(rig.unsealed(Ok(Some(record(1, true)))), ["Seal rt-1 lost", "Send rt-1"]);
    let orders = rig.answer(Err(grant_is_over()));
    let expected = [
        "Publish signedOut refresh_lost oauth_error",
        "Seal over lost",
        "ReleaseLock",
        "Conclude 1 -",
    ];
    assert_eq!(orders, expected);
}

#[test]
fn where_the_provider_takes_it_no_more_it_is_asked_who_is_signed_in() {
    let mut rig = restoring(Restore::Redirect);
    assert_eq!(rig.answer(Err(grant_is_over())), ["Seal over lost", "ReleaseLock", "ReadFlag"]);
    assert_eq!(rig.status(), "restoring");
    assert_eq!(rig.flag_read(None), ["Prepare"]);
    assert_eq!(rig.prepared("r"), ["Navigate 1 r"]);
}

#[test]
fn without_a_record_the_provider_is_asked() {
    let mut rig = Rig::sealed(Restore::Redirect);
    rig.ask_restore(1);
    assert_eq!(rig.unsealed(Ok(None)), ["ReadFlag", "ReleaseLock"]);
    assert_eq!(rig.flag_read(None), ["Prepare"]);

    let mut rig = Rig::sealed(Restore::None);
    rig.ask_restore(1);
    rig.unsealed(Ok(None));
    assert_eq!(rig.flag_read(None), ["Publish signedOut vault_gone", "Conclude 1 -"]);
}

#[test]
fn what_does_not_open_is_a_clean_sign_out() {
    let strange =
        ["", "{}", r#"{"refresh_token":"x"}"#, r#"{"refresh_token":1,"scopes":[],"lost":false}"#];
    let strange = strange.into_iter().map(|text| Ok(Some(Secret::from(text))));
    for outcome in strange.chain([Err(Unreadable)]) {
        let mut rig = Rig::sealed(Restore::Redirect);
        rig.ask_restore(1);
        let orders = rig.unsealed(outcome);
        let expected = [
            "Publish signedOut sealed_unreadable sealed_unreadable",
            "Conclude 1 -",
            "Seal -",
            "ReleaseLock",
        ];
        assert_eq!(orders, expected);
        // The provider may still know the user: the next page asks.
        assert_eq!(rig.tell(Input::PageArrived), ["Publish restoring", "Recall", "ReadFlag"]);
    }
}

#[test]
fn no_outage_ends_a_sealed_session_rf6() {
    let mut rig = restoring(Restore::Redirect);
    let orders = rig.answer(Err(failure(Reach::NotSent)));
    let expected = [
        "Publish signedIn degraded provider_unreachable unsealed",
        "ReleaseLock",
        "Conclude 1 -",
        "Tell signedIn",
    ];
    assert_eq!(orders, expected);
    rig.advance(6);
    let degraded = "Publish signedIn refreshing degraded provider_unreachable unsealed";
    assert_eq!(rig.woke(), [degraded, "TakeLock"]);
    rig.unsealed(Ok(Some(record(1, true))));
    rig.answer(Ok(grant(2, 300, START)));
    assert_eq!(rig.status(), "signedIn unsealed");
}

#[test]
fn offline_it_is_there_and_waits_for_the_network() {
    let mut rig = Rig::begun_sealed(Restore::Redirect);
    rig.tell(Input::WentOffline);
    rig.ask_restore(1);
    assert_eq!(rig.flag_read(None), ["TakeLock"]);
    let orders = rig.unsealed(Ok(Some(record(1, false))));
    assert_eq!(
        orders,
        ["Publish signedIn unsealed", "Conclude 1 -", "Tell signedIn", "ReleaseLock"]
    );
    rig.tell(Input::WentOnline);
    rig.advance(5);
    assert_eq!(rig.woke(), ["Publish signedIn refreshing unsealed", "TakeLock"]);
}

#[test]
fn what_another_tabs_vault_renewed_is_used_and_never_the_old_one_rf1() {
    let mut rig = signed_in();
    let orders = rig.unsealed(Ok(Some(record(5, false))));
    assert_eq!(orders, ["Seal rt-5 lost", "Send rt-5"]);
    let renewed = grant(6, 300, rig.now);
    rig.answer(Ok(renewed));
    assert_eq!(rig.status(), "signedIn");
}

#[test]
fn who_signed_in_elsewhere_as_another_takes_the_record_and_this_session_ends_rf14() {
    let mut rig = signed_in();
    let other = record(5, false).expose().replace("alice", "bob");
    let orders = rig.unsealed(Ok(Some(Secret::new(other))));
    assert_eq!(orders, ["Publish signedOut signed_in_elsewhere", "ReleaseLock"]);
}

#[test]
fn a_session_whose_end_another_tab_was_told_is_over_here_too_rf5() {
    let over = r#"{"scopes":["openid"],"lost":true}"#;
    let mut rig = signed_in();
    let orders = rig.unsealed(Ok(Some(Secret::from(over))));
    assert_eq!(orders, ["Publish signedOut session_ended", "ReleaseLock"]);
    assert_eq!(rig.tell(Input::PageArrived), ["Publish restoring", "Recall", "ReadFlag"]);

    let mut rig = Rig::sealed(Restore::Redirect);
    assert_eq!(rig.unsealed(Ok(Some(Secret::from(over)))), ["ReadFlag", "ReleaseLock"]);
}

#[test]
fn a_living_session_goes_on_without_its_record() {
    for outcome in [Ok(None), Err(Unreadable)] {
        let mut rig = signed_in();
        let orders = rig.unsealed(outcome.clone());
        assert!(orders.contains(&"Send rt-1".to_owned()), "{orders:?}");
        assert_eq!(orders.contains(&"Seal -".to_owned()), outcome.is_err());
    }
}

#[test]
fn a_sign_out_meanwhile_holds() {
    let mut rig = Rig::sealed(Restore::Redirect);
    rig.ask_restore(1);
    assert_eq!(rig.tell(Input::LockTaken), ["Unseal"]);
    rig.tell(Input::SignOutAsked(Ask(2)));
    assert_eq!(rig.tell(Input::Unsealed(Ok(Some(record(1, false))))), ["ReleaseLock"]);
    assert_eq!(rig.status(), "signedOut signed_out");

    // And while the provider is asked: what comes back is revoked, and not sealed.
    let mut rig = restoring(Restore::Redirect);
    rig.tell(Input::SignOutAsked(Ask(2)));
    assert_eq!(rig.answer(Ok(grant(2, 300, START))), ["ReleaseLock", "Revoke rt-2"]);
}

#[test]
fn a_sign_out_elsewhere_leaves_no_record_of_this_vault() {
    let mut rig = Rig::new_sealed();
    rig.exchange_code("s", Ok(grant(1, 300, START)));
    let epoch = tokenward::session::tabs::TabsEpoch(9);
    let news = tokenward::session::tabs::News::SignedOut;
    let orders = rig.tell(Input::Heard { epoch, news });
    assert!(orders.contains(&"Seal -".to_owned()), "{orders:?}");
}

#[test]
fn a_sign_out_elsewhere_that_is_told_late_leaves_the_record_of_a_session_since() {
    use tokenward::session::tabs::{News, TabsEpoch};
    let mut rig = Rig::new_sealed();
    rig.exchange_code("s", Ok(grant(1, 300, START)));
    rig.advance(301);
    rig.want(1);
    assert!(rig.tell(Input::LockTaken).contains(&"Unseal".to_owned()));
    let news = Input::Heard { epoch: TabsEpoch(9), news: News::SignedOut };
    let orders = rig.tell(news);
    assert!(!orders.contains(&"Seal -".to_owned()), "{orders:?}");
    assert_eq!(rig.tell(Input::Unsealed(Ok(Some(record(2, false))))), ["ReleaseLock"]);
    assert_eq!(rig.status(), "signedOut signed_out");
}

#[test]
fn a_callback_comes_before_the_record() {
    let mut rig = Rig::begun_sealed(Restore::Redirect);
    rig.callback(3, "s");
    assert_eq!(rig.flag_read(None), ["Find 3 s"]);
    // It failed: the session may be restored all the same.
    let orders = rig.tell(Input::Found { ask: Ask(3), transaction: None });
    assert_eq!(orders, ["Publish restoring", "ReadFlag", "Conclude 3 callback_unknown"]);
    assert_eq!(rig.flag_read(None), ["TakeLock"]);
}

#[test]
fn a_lock_that_is_not_to_be_had_makes_the_provider_be_asked() {
    let mut rig = Rig::sealed(Restore::Redirect);
    rig.ask_restore(1);
    assert_eq!(rig.tell(Input::LockMissed), ["ReadFlag"]);

    let mut rig = Rig::sealed(Restore::Redirect);
    rig.advance(20);
    assert_eq!(rig.tell(Input::LockMissed), ["StealLock"]);
    assert_eq!(rig.tell(Input::LockMissed), ["ReadFlag"]);
}

#[test]
fn a_lock_is_not_taken_by_force_from_who_may_be_using_the_token() {
    let mut rig = signed_in();
    let kept = "Publish signedIn degraded timeout";
    assert_eq!(rig.tell(Input::LockMissed), [kept]);
    rig.advance(6);
    rig.woke();
    rig.advance(20);
    assert_eq!(rig.tell(Input::LockMissed), ["StealLock"]);
}

#[test]
fn two_seconds_are_too_long_for_a_lock_that_is_asked_for_and_for_a_record_that_is_read() {
    let mut rig = signed_in();
    rig.advance(2);
    assert_eq!(rig.tell(Input::LockMissed), ["StealLock"]);

    let mut rig = signed_in();
    assert_eq!(rig.tell(Input::LockTaken), ["Unseal"]);
    rig.advance(2);
    let orders = rig.tell(Input::Unsealed(Ok(Some(record(1, false)))));
    assert_eq!(orders, ["ReleaseLock", "TakeLock"]);
}

#[test]
fn a_code_that_is_exchanged_needs_no_record() {
    let mut rig = signed_in();
    rig.ask_sign_in("t");
    rig.callback(1, "t");
    assert_eq!(rig.tell(Input::LockTaken), ["Send code"]);
}

#[test]
fn who_stood_still_with_the_lock_reads_the_record_anew() {
    let mut rig = signed_in();
    assert_eq!(rig.tell(Input::LockTaken), ["Unseal"]);
    rig.advance(600);
    // Another vault took the lock by force, and has used this token.
    let orders = rig.tell(Input::Unsealed(Ok(Some(record(1, false)))));
    assert_eq!(orders, ["ReleaseLock", "TakeLock"]);
    assert_eq!(rig.unsealed(Ok(Some(record(2, false)))), ["Seal rt-2 lost", "Send rt-2"]);
}

#[test]
fn a_warning_is_told_once_and_changes_nothing() {
    let mut rig = Rig::new_sealed();
    rig.exchange_code("s", Ok(grant(1, 300, START)));
    let before = rig.session.journal().latest();
    let mut warn = || {
        assert!(rig.tell(Input::Warned(unavailable())).is_empty());
        let events = rig.session.journal().to_json(before);
        serde_json::from_str::<serde_json::Value>(&events).unwrap()
    };
    let events = warn();
    assert_eq!(warn(), events);
    assert_eq!(events.as_array().unwrap().len(), 1);
    assert_eq!(events[0]["type"], "warning");
    assert_eq!(events[0]["error"]["code"], "sealed_unavailable");
}

#[test]
fn in_memory_alone_nothing_is_sealed_st1() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    rig.advance(280);
    rig.woke();
    let mut orders = rig.tell(Input::LockTaken);
    let renewed = grant(2, 300, rig.now);
    orders.extend(rig.answer(Ok(renewed)));
    assert!(!orders.iter().any(|order| order.contains("eal")), "{orders:?}");
    let unasked = Session::new(1, Restore::Redirect).sealed(false);
    assert_eq!(format!("{:?}", unasked.snapshot()), "Restoring");
}

#[test]
fn what_a_record_tells_is_no_news_before_the_provider_was_heard() {
    let mut rig = restoring(Restore::Redirect);
    assert_eq!(rig.session.journal().latest(), 0);
    assert!(rig.ask_restore(2).is_empty(), "a page that arrives meanwhile waits too");
    let orders = rig.answer(Ok(grant(2, 300, START)));
    for answer in ["Conclude 1 -", "Conclude 2 -"] {
        assert!(orders.contains(&answer.to_owned()), "{orders:?}");
    }
    let events: serde_json::Value =
        serde_json::from_str(&rig.session.journal().to_json(0)).unwrap();
    assert_eq!(events.as_array().unwrap().len(), 1);
    assert_eq!(events[0]["type"], "restored");
    assert_eq!(rig.ask_restore(3), ["Conclude 3 -"], "and nobody waits for what is there");
}

#[test]
fn a_record_of_an_id_token_with_many_claims_opens() {
    let many = format!(r#"\"groups\":\"{}\",\"sub\""#, "x".repeat(60_000));
    let long = record(1, false).expose().replace(r#"\"sub\""#, &many);
    let mut rig = Rig::sealed(Restore::Redirect);
    assert_eq!(rig.unsealed(Ok(Some(Secret::new(long)))), ["Seal rt-1 lost", "Send rt-1"]);
}

#[test]
fn a_record_is_bound_to_its_origin_its_client_its_configuration_and_its_key() {
    let bound = bound_to("https://app.example.com", "spa", "print", Some("jkt"));
    assert_eq!(bound, "https://app.example.com\nspa\nprint\njkt");
    assert_eq!(
        bound_to("https://app.example.com", "spa", "", None),
        "https://app.example.com\nspa\n\n"
    );
}

#[test]
fn a_stored_record_has_its_form_and_its_number() {
    let stored = enclose(&[7; IV], b"ciphertext");
    assert_eq!(disclose(&stored), Some((&[7; IV], &b"ciphertext"[..])));
    for wrong in [&stored[1..], &stored[..IV], &[], &[2]] {
        assert_ne!(disclose(wrong).map(|(_, text)| text), Some(&b"ciphertext"[..]));
    }
    let mut other = stored.clone();
    other[0] = 2;
    assert_eq!(disclose(&other), None);
    assert_eq!(disclose(&stored[..IV]), None);
}
