//! Signing out: it wins over everything that is under way.

use tokenward::{
    oauth::logout::Ended,
    session::{
        inputs::{Ask, Input, Reach},
        tabs::{News, TabsEpoch},
    },
    url::ParsedUrl,
};

use crate::{
    fixtures::{START, failure, grant},
    rig::{Rig, without_refresh_token},
};

#[test]
fn sign_outs_are_counted_here_and_in_other_tabs() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    assert_eq!((rig.session.sign_outs(), rig.session.subject()), (0, Some("alice")));
    rig.tell(Input::SignOutAsked(Ask(1)));
    assert_eq!((rig.session.sign_outs(), rig.session.subject()), (1, None));
    rig.tell(Input::Heard { epoch: TabsEpoch(9), news: News::SignedOut });
    assert_eq!(rig.session.sign_outs(), 2);
}

#[test]
fn lo3_rv4_the_pages_learn_it_first_then_the_provider() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    let orders = rig.tell(Input::SignOutAsked(Ask(5)));
    assert_eq!(orders, ["Publish signedOut signed_out", "Tell signedOut", "EndSession 5 rt-1"]);
    assert_eq!(rig.session.wake_at(), None);
    assert_eq!(rig.want(1), ["Refuse 1 not_signed_in"]);
}

#[test]
fn rv4_without_a_refresh_token_the_access_token_is_revoked() {
    let mut rig = Rig::signed_in(without_refresh_token(grant(1, 300, START)));
    let orders = rig.tell(Input::SignOutAsked(Ask(5)));
    assert!(orders.contains(&"EndSession 5 at-1".into()));
}

#[test]
fn nobody_signed_in_is_no_error() {
    let mut rig = Rig::new();
    assert_eq!(rig.tell(Input::SignOutAsked(Ask(5))), ["Tell signedOut", "EndSession 5 -"]);
}

#[test]
fn rf13_it_wins_over_a_refresh_under_way() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    rig.advance(301);
    rig.want(1);
    rig.tell(Input::LockTaken);
    let orders = rig.tell(Input::SignOutAsked(Ask(5)));
    assert_eq!(
        orders,
        [
            "Publish signedOut signed_out",
            "Refuse 1 session_ended",
            "Tell signedOut",
            "EndSession 5 rt-1"
        ]
    );
    let late = grant(2, 300, rig.now);
    assert_eq!(rig.answer(Ok(late)), ["ReleaseLock", "Revoke rt-2"]);
    assert_eq!(rig.status(), "signedOut signed_out");
}

#[test]
fn rf13_it_wins_over_a_refresh_that_waits_for_the_lock() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    rig.advance(301);
    rig.want(1);
    rig.tell(Input::SignOutAsked(Ask(5)));
    assert_eq!(rig.tell(Input::LockTaken), ["ReleaseLock"]);
}

#[test]
fn rf13_a_late_failure_says_nothing_about_the_next_session() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    rig.advance(301);
    rig.want(1);
    rig.tell(Input::LockTaken);
    rig.tell(Input::SignOutAsked(Ask(5)));
    rig.ask_sign_in("next");
    assert_eq!(
        rig.callback(6, "next"),
        ["Publish signingIn", "Forget next", "Bounced"],
        "one at a time"
    );
    assert_eq!(rig.answer(Err(failure(Reach::Lost))), ["ReleaseLock", "TakeLock"]);
    let next = grant(2, 300, rig.now);
    rig.exchange(Ok(next));
    assert_eq!(rig.status(), "signedIn");
}

#[test]
fn rf13_it_wins_over_a_sign_in_at_every_step() {
    // While the store is asked.
    let mut rig = Rig::new();
    rig.callback(1, "s");
    let orders = rig.tell(Input::SignOutAsked(Ask(5)));
    let expected = [
        "Publish signedOut signed_out",
        "Conclude 1 session_ended",
        "Tell signedOut",
        "EndSession 5 -",
    ];
    assert_eq!(orders, expected);
    let found = Some(crate::fixtures::transaction("s", START.wall));
    assert!(rig.tell(Input::Found { ask: Ask(1), transaction: found }).is_empty());
    // While the lock is awaited.
    let mut rig = Rig::new();
    rig.ask_sign_in("s");
    rig.callback(1, "s");
    assert_eq!(rig.tell(Input::SignOutAsked(Ask(5))), expected);
    assert_eq!(rig.tell(Input::LockTaken), ["ReleaseLock"]);
    // While the code is under way.
    let mut rig = Rig::new();
    rig.ask_sign_in("s");
    rig.callback(1, "s");
    rig.tell(Input::LockTaken);
    assert_eq!(rig.tell(Input::SignOutAsked(Ask(5))), expected);
    let late = grant(1, 300, rig.now);
    assert_eq!(rig.answer(Ok(late)), ["ReleaseLock", "Revoke rt-1"]);
}

fn ended(query: &str) -> Ended {
    Ended::read(&ParsedUrl {
        href: format!("https://app.example.com/logout?{query}"),
        origin: "https://app.example.com".into(),
        protocol: "https:".into(),
        hostname: "app.example.com".into(),
        pathname: "/logout".into(),
        search: format!("?{query}"),
        hash: String::new(),
        has_userinfo: false,
    })
    .unwrap()
}

/// Somebody is signed in whom the provider knows by the session `s1`.
fn known_by_sid() -> Rig {
    let mut grant = grant(1, 300, START);
    if let Some(claims) = &mut grant.claims {
        claims.text = r#"{"sub":"alice","sid":"s1"}"#.into();
    }
    Rig::signed_in(grant)
}

#[test]
fn lo4_a_providers_logout_ends_the_session_that_it_names() {
    let mut rig = known_by_sid();
    let named = ended("iss=https%3A%2F%2Fid.example.com&sid=s1");
    let orders = rig.tell(Input::LogoutTold { ask: Ask(5), ended: named });
    assert_eq!(orders, ["Publish signedOut signed_out", "Tell signedOut", "EndSession 5 rt-1"]);
}

#[test]
fn lo4_and_no_other() {
    for query in [
        "iss=https%3A%2F%2Fid.example.com&sid=s2",
        "iss=https%3A%2F%2Fevil.example&sid=s1",
        "iss=https%3A%2F%2Fid.example.com%2F&sid=s1",
    ] {
        let mut rig = known_by_sid();
        let told = Input::LogoutTold { ask: Ask(5), ended: ended(query) };
        assert_eq!(rig.tell(told), ["Conclude 5 logout_invalid"], "{query}");
        assert_eq!(rig.status(), "signedIn");
    }
    let mut rig = Rig::new();
    let told = ended("iss=https%3A%2F%2Fid.example.com&sid=s1");
    let orders = rig.tell(Input::LogoutTold { ask: Ask(5), ended: told });
    assert_eq!(orders, ["Conclude 5 logout_invalid"], "nobody is signed in");
}
