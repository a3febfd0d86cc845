//! Several audiences by one refresh token: each has its own access token, its own expiry and its own
//! trouble; requests for them take turns.

use std::rc::Rc;

use tokenward::{
    clock::Millis,
    config::DEFAULT_AUDIENCE,
    error::{AuthError, Code, Phase},
    secret::Secret,
    session::{
        grant::{Grant, RefreshEnd},
        inputs::{Input, Reach, TokenFailure, TokenRequest},
        outcome::judge,
    },
};

use crate::{
    fixtures::{START, claims, config, config_for, failure, grant},
    rig::{Rig, grant_is_over, told_to_wait, without_refresh_token},
    world::{Denial, Fault, World, provider::answer},
};

/// The provider issues no token for the audience that was asked for.
fn denied() -> TokenFailure {
    let error = AuthError::new(Code::AudienceUnavailable, Phase::Refresh, "the provider refused");
    let error = error.with_oauth_error("invalid_target");
    TokenFailure { error, ..failure(Reach::Answered) }
}

/// Two audiences, of which the further one has a token too: `at-2`, by `rt-2`.
fn both() -> Rig {
    let mut rig = Rig::signed_in_for(1, grant(1, 300, START));
    rig.want_for(1, 1);
    rig.exchange(Ok(grant(2, 300, START)));
    rig
}

/// Who was lent what.
fn lent(orders: &[String]) -> Vec<&String> {
    orders.iter().filter(|order| order.starts_with("Lend")).collect()
}

#[test]
fn st8_a_further_audience_has_a_token_of_its_own_from_its_first_call_on() {
    let mut rig = Rig::signed_in_for(1, grant(1, 300, START));
    assert_eq!(rig.want(1), ["Lend 1 at-1"]);
    assert_eq!(rig.want_for(2, 1), ["TakeLock"], "the default token is not for it");
    assert_eq!(rig.status(), "signedIn", "which is not being renewed");
    assert_eq!(rig.tell(Input::LockTaken), ["Send rt-1 for 1"]);
    assert_eq!(rig.want(3), ["Lend 3 at-1"], "nobody else waits");
    let further = grant(2, 300, rig.now);
    assert_eq!(rig.answer(Ok(further)), ["ReleaseLock", "Lend 2 at-2"]);
    assert_eq!(rig.want_for(4, 1), ["Lend 4 at-2"]);
    assert_eq!(rig.want(5), ["Lend 5 at-1"]);
}

#[test]
fn rf1_a_rotation_by_one_audience_is_every_audiences() {
    let mut rig = both();
    rig.advance(301);
    rig.want(1);
    assert_eq!(rig.tell(Input::LockTaken), ["Send rt-2"]);
    let renewed = grant(3, 300, rig.now);
    rig.answer(Ok(renewed));
    rig.want_for(2, 1);
    assert_eq!(rig.tell(Input::LockTaken), ["Send rt-3 for 1"]);
}

#[test]
fn rf3_an_answer_for_one_audience_without_a_refresh_token_keeps_the_old_one() {
    let old = grant(1, 300, START);
    let refresh = TokenRequest::Refresh {
        refresh_token: old.refresh_token.clone(),
        grant: Rc::new(old),
        audience: 1,
    };
    let body = r#"{"access_token":"at-2","token_type":"Bearer","expires_in":60}"#;
    let answered = judge(&refresh, Ok(answer(200, body)), &config_for(1), START);
    let renewed = answered.unwrap().settle(Ok(())).unwrap();
    let mut rig = Rig::signed_in_for(1, grant(1, 300, START));
    rig.want_for(1, 1);
    rig.exchange(Ok(renewed));
    rig.advance(61);
    rig.want_for(2, 1);
    assert_eq!(rig.tell(Input::LockTaken), ["Send rt-1 for 1"]);
}

#[test]
fn rf2_one_expiry_of_each_audience_is_one_refresh_each_one_after_the_other() {
    let mut rig = both();
    rig.advance(301);
    let mut orders = Vec::new();
    for ticket in 0..1000 {
        orders.extend(rig.want_for(ticket, usize::try_from(ticket % 2).unwrap()));
    }
    assert_eq!(orders, ["Publish signedIn refreshing", "TakeLock"]);
    assert_eq!(rig.tell(Input::LockTaken), ["Send rt-2"]);
    let renewed = grant(3, 300, rig.now);
    let orders = rig.answer(Ok(renewed));
    assert_eq!(lent(&orders).len(), 500);
    assert!(lent(&orders).iter().all(|order| order.ends_with(" at-3")));
    assert_eq!(orders.last().unwrap(), "TakeLock", "the others' turn");
    assert_eq!(rig.tell(Input::LockTaken), ["Send rt-3 for 1"]);
    let renewed = grant(4, 300, rig.now);
    let orders = rig.answer(Ok(renewed));
    assert_eq!(lent(&orders).len(), 500);
    assert!(lent(&orders).iter().all(|order| order.ends_with(" at-4")));
    assert_eq!(orders.last(), lent(&orders).last().copied(), "and no more");
}

#[test]
fn rf7_each_audiences_token_is_renewed_in_silence_at_its_own_time() {
    let mut rig = Rig::signed_in_for(1, grant(1, 3000, START));
    rig.want_for(1, 1);
    rig.exchange(Ok(grant(2, 300, START)));
    let shown = rig.refresh_at();
    rig.advance(280);
    assert!(rig.session.wake_at().unwrap().is_due(rig.now), "the timer is set for it");
    assert_eq!(rig.woke(), ["TakeLock"]);
    assert_eq!(rig.tell(Input::LockTaken), ["Send rt-2 for 1"]);
    let renewed = grant(3, 300, rig.now);
    assert_eq!(rig.answer(Ok(renewed)), ["ReleaseLock"]);
    assert_eq!(rig.refresh_at(), shown, "the state speaks of the default token");
    assert_eq!(rig.want_for(2, 1), ["Lend 2 at-3"]);
}

#[test]
fn an_audience_that_nobody_called_is_never_asked_for() {
    let mut rig = Rig::signed_in_for(3, grant(1, 300, START));
    rig.advance(280);
    rig.woke();
    assert_eq!(rig.tell(Input::LockTaken), ["Send rt-1"]);
    let renewed = grant(2, 300, rig.now);
    let orders = rig.answer(Ok(renewed));
    assert!(!orders.contains(&"TakeLock".into()), "{orders:?}");
}

#[test]
fn br5_a_refused_lease_renews_its_own_audience_alone() {
    let mut rig = both();
    assert_eq!(rig.refused_for(1, 1, 2), ["TakeLock"]);
    assert_eq!(rig.want(2), ["Lend 2 at-1"]);
    assert_eq!(rig.tell(Input::LockTaken), ["Send rt-2 for 1"]);
    let renewed = grant(3, 300, rig.now);
    assert_eq!(rig.answer(Ok(renewed)), ["ReleaseLock", "Lend 1 at-3"]);
    assert_eq!(rig.refused_for(3, 1, 2), ["Lend 3 at-3"], "an older one");
    assert_eq!(rig.want(4), ["Lend 4 at-1"]);
}

#[test]
fn rf5_the_end_of_the_grant_is_every_audiences() {
    let mut rig = both();
    rig.refused_for(1, 1, 2);
    rig.advance(301);
    rig.want(2);
    let orders = rig.exchange(Err(grant_is_over()));
    assert_eq!(
        orders,
        [
            "Publish signedOut session_ended oauth_error",
            "ReleaseLock",
            "Refuse 1 session_ended",
            "Refuse 2 session_ended"
        ]
    );
    assert_eq!(rig.want_for(3, 1), ["Refuse 3 not_signed_in"]);
}

#[test]
fn an_audience_that_is_denied_concerns_nobody_else() {
    let mut rig = Rig::signed_in_for(2, grant(1, 300, START));
    rig.want_for(1, 1);
    rig.want_for(2, 2);
    assert_eq!(rig.tell(Input::LockTaken), ["Send rt-1 for 1"]);
    let orders = rig.answer(Err(denied()));
    assert_eq!(orders, ["ReleaseLock", "Refuse 1 audience_unavailable", "TakeLock"]);
    let further = grant(2, 300, rig.now);
    assert!(rig.exchange(Ok(further)).contains(&"Lend 2 at-2".into()));
    assert_eq!(rig.want(3), ["Lend 3 at-1"]);
    assert_eq!(rig.status(), "signedIn");
    rig.advance(59);
    assert_eq!(rig.want_for(4, 1), ["Refuse 4 audience_unavailable"], "nothing is sent");
    rig.advance(1);
    assert_eq!(rig.want_for(5, 1), ["TakeLock"], "it may have been put right");
    let further = grant(3, 300, rig.now);
    assert_eq!(rig.exchange(Ok(further)), ["ReleaseLock", "Lend 5 at-3"]);
}

#[test]
fn an_audience_that_is_denied_later_keeps_its_token_to_the_end_and_asks_no_more() {
    let mut rig = both();
    rig.refused_for(1, 1, 2);
    assert!(rig.exchange(Err(denied())).contains(&"Refuse 1 audience_unavailable".into()));
    assert_eq!(rig.want_for(2, 1), ["Lend 2 at-2"], "another resource of it may take that");
    rig.tell(Input::WentOffline);
    for _ in 0..400 {
        rig.advance(60);
        assert!(rig.woke().is_empty(), "nothing by itself");
    }
    assert_eq!(rig.want_for(3, 1), ["Refuse 3 audience_unavailable"]);
}

#[test]
fn the_default_audience_can_be_denied_while_others_go_on() {
    let mut rig = both();
    rig.advance(301);
    rig.want(1);
    let orders = rig.exchange(Err(denied()));
    assert!(orders.contains(&"Publish signedIn degraded audience_unavailable".into()));
    assert!(orders.contains(&"Refuse 1 audience_unavailable".into()), "{orders:?}");
    rig.want_for(2, 1);
    let renewed = grant(3, 300, rig.now);
    assert!(rig.exchange(Ok(renewed)).contains(&"Lend 2 at-3".into()));
}

#[test]
fn without_a_refresh_token_a_further_audience_has_an_error_that_says_so() {
    let mut rig = Rig::signed_in_for(1, without_refresh_token(grant(1, 300, START)));
    assert_eq!(rig.want_for(1, 1), ["Refuse 1 audience_unavailable"]);
    assert_eq!(rig.want(2), ["Lend 2 at-1"]);
}

#[test]
fn rf6_a_provider_that_fails_is_asked_once_for_all_who_wait() {
    let mut rig = both();
    rig.advance(301);
    rig.want(1);
    rig.want_for(2, 1);
    let orders = rig.exchange(Err(failure(Reach::Lost)));
    assert!(orders.contains(&"Refuse 1 refresh_failed".into()), "{orders:?}");
    assert!(orders.contains(&"Refuse 2 refresh_failed".into()), "{orders:?}");
    assert!(!orders.contains(&"TakeLock".into()), "{orders:?}");
}

#[test]
fn rf6_what_the_provider_says_of_one_audience_delays_that_one_alone() {
    let mut rig = both();
    rig.advance(301);
    rig.want(1);
    rig.want_for(2, 1);
    let error = AuthError::new(Code::OauthError, Phase::Refresh, "it refused");
    let refused = TokenFailure { error, ..failure(Reach::Answered) };
    let orders = rig.exchange(Err(refused));
    assert!(orders.contains(&"Refuse 1 refresh_failed".into()), "{orders:?}");
    assert!(orders.contains(&"TakeLock".into()), "{orders:?}");
    assert_eq!(rig.tell(Input::LockTaken), ["Send rt-2 for 1"]);
}

#[test]
fn rf6_retry_after_is_obeyed_for_every_audience() {
    let mut rig = both();
    rig.advance(301);
    rig.want_for(1, 1);
    rig.exchange(Err(told_to_wait(120)));
    rig.advance(119);
    assert!(rig.woke().is_empty());
    assert_eq!(rig.want(2), ["Refuse 2 refresh_failed"]);
    rig.advance(1);
    assert!(rig.want(3).contains(&"TakeLock".into()));
}

#[test]
fn rf6_retry_after_is_obeyed_by_an_audience_that_wanted_nothing_then() {
    let mut rig = Rig::signed_in_for(1, grant(1, 300, START));
    rig.want_for(1, 1);
    rig.exchange(Ok(grant(2, 500, START)));
    rig.advance(301);
    rig.want(2);
    rig.exchange(Err(told_to_wait(250)));
    assert_eq!(rig.refused_for(3, 1, 2), ["Refuse 3 refresh_failed"], "no sooner for a refusal");
    rig.advance(180);
    assert!(rig.woke().is_empty(), "nor for its own time, which has come");
    assert_eq!(rig.want_for(4, 1), ["Lend 4 at-2"]);
    rig.advance(70);
    assert!(rig.woke().contains(&"TakeLock".into()));
}

#[test]
fn rf10_a_rotation_that_was_lost_for_one_audience_ends_as_lost_by_another() {
    let mut rig = both();
    rig.refused_for(1, 1, 2);
    rig.exchange(Err(failure(Reach::Lost)));
    rig.advance(301);
    rig.want(2);
    let end = rig.exchange(Err(grant_is_over()));
    assert!(end.contains(&"Publish signedOut refresh_lost oauth_error".into()), "{end:?}");
}

#[test]
fn rf10_a_refresh_token_that_a_denial_used_up_ends_as_lost() {
    let mut rig = both();
    rig.refused_for(1, 1, 2);
    rig.exchange(Err(denied()));
    rig.refused(2, 1);
    let end = rig.exchange(Err(grant_is_over()));
    assert!(end.contains(&"Publish signedOut refresh_lost oauth_error".into()), "{end:?}");
}

#[test]
fn rf10_an_answer_for_another_audience_makes_good_a_lost_one() {
    let mut rig = both();
    rig.refused_for(1, 1, 2);
    rig.exchange(Err(failure(Reach::Lost)));
    rig.advance(301);
    rig.want(2);
    let renewed = grant(3, 300, rig.now);
    rig.exchange(Ok(renewed));
    rig.advance(301);
    rig.want(3);
    let end = rig.exchange(Err(grant_is_over()));
    assert!(end.contains(&"Publish signedOut session_ended oauth_error".into()), "{end:?}");
}

#[test]
fn a_provider_that_is_busy_is_left_alone_by_every_audience() {
    let mut rig = both();
    rig.advance(301);
    rig.want(3);
    rig.want_for(4, 1);
    let orders = rig.exchange(Err(failure(Reach::Answered)));
    assert!(!orders.iter().any(|order| order.starts_with("Send")), "{orders:?}");
    assert!(!orders.contains(&"TakeLock".into()), "{orders:?}");
}

#[test]
fn rf12_two_answers_in_one_moment_do_not_say_that_the_end_stands_still() {
    let old = Grant {
        refresh_end: Some(Box::new(RefreshEnd {
            at: START.after(Millis::from_secs(600)),
            life: Some(Millis::from_secs(600)),
        })),
        ..grant(1, 3600, START)
    };
    let refresh = TokenRequest::Refresh {
        refresh_token: old.refresh_token.clone(),
        grant: Rc::new(old),
        audience: 1,
    };
    // The last is of a renewal in the middle of the token's life, which moved nothing.
    for (late, told, is_known, audiences) in
        [(0, 600, true, 1), (2, 600, true, 1), (0, 600, false, 0), (300, 300, false, 1)]
    {
        let body =
            format!(r#"{{"access_token":"at","token_type":"Bearer","refresh_expires_in":{told}}}"#);
        let now = tokenward::clock::Now {
            wall: tokenward::clock::UnixMillis(START.wall.0 + late * 1000),
            monotonic: START.monotonic + Millis(u64::try_from(late).unwrap() * 1000),
        };
        let judged = judge(&refresh, Ok(answer(200, &body)), &config_for(audiences), now);
        let end = judged.unwrap().settle(Ok(())).unwrap().refresh_end.unwrap();
        assert_eq!(end.life.is_some(), is_known, "{late} {audiences}");
    }
}

#[test]
fn rf13_a_sign_out_revokes_the_refresh_token_and_a_late_answer_with_it() {
    let mut rig = both();
    rig.refused_for(1, 1, 2);
    rig.tell(Input::LockTaken);
    let orders = rig.tell(Input::SignOutAsked(tokenward::session::inputs::Ask(9)));
    assert!(orders.contains(&"EndSession 9 rt-2".into()), "{orders:?}");
    assert!(orders.contains(&"Refuse 1 session_ended".into()), "{orders:?}");
    let late = grant(3, 300, rig.now);
    assert_eq!(rig.answer(Ok(late)), ["ReleaseLock", "Revoke rt-3"]);
    assert_eq!(rig.want_for(2, 1), ["Refuse 2 not_signed_in"]);
}

#[test]
fn rf14_the_next_user_has_no_token_of_the_one_before() {
    let mut rig = both();
    let next = Grant { claims: Some(claims("bob", START)), ..grant(7, 300, START) };
    rig.exchange_code("next", Ok(next));
    assert_eq!(rig.refused_for(1, 1, 2), ["Refuse 1 session_ended"]);
    assert_eq!(rig.want_for(2, 1), ["TakeLock"]);
    assert_eq!(rig.tell(Input::LockTaken), ["Send rt-7 for 1"]);
}

#[test]
fn the_claims_of_a_further_audiences_answer_are_shown_and_its_scopes_are_not() {
    let mut rig = Rig::signed_in_for(1, grant(1, 300, START));
    rig.want_for(1, 1);
    let mut renewed = claims("alice", START);
    renewed.text = r#"{"sub":"alice","iat":2}"#.into();
    let further =
        Grant { claims: Some(renewed), scopes: vec!["orders".into()], ..grant(2, 60, START) };
    assert_eq!(rig.exchange(Ok(further)), ["Publish signedIn", "ReleaseLock", "Lend 1 at-2"]);
    let shown = rig.session.snapshot().to_json();
    assert!(shown.contains(r#""iat":2"#) && shown.contains(r#""scopes":["openid"]"#), "{shown}");
}

#[test]
fn events_say_whose_token_it_was_by_its_indicator() {
    let mut rig = both();
    rig.advance(1);
    rig.refused_for(1, 1, 2);
    rig.exchange(Err(denied()));
    rig.advance(60);
    rig.refused_for(1, 1, 2);
    rig.exchange(Ok(grant(3, 300, START)));
    rig.refused(2, 1);
    rig.exchange(Ok(grant(4, 300, START)));
    let events: Vec<serde_json::Value> =
        serde_json::from_str(&rig.session.journal().to_json(0)).unwrap();
    let brief = |event: &serde_json::Value| {
        format!("{} {}", event["type"].as_str().unwrap(), event["resource"].as_str().unwrap_or("-"))
    };
    assert_eq!(
        events.iter().map(brief).collect::<Vec<_>>(),
        ["signedIn -", "refreshed urn:1", "degraded urn:1", "recovered urn:1", "refreshed -"]
    );
    assert_eq!(events[2]["error"]["oauthError"], "invalid_target");
    assert_eq!(events[2]["nextAt"], serde_json::Value::Null);
}

#[test]
fn rf5_what_concerns_one_audience_of_several_and_what_ends_the_session() {
    let refresh = |audience| TokenRequest::Refresh {
        grant: Rc::new(grant(1, 60, START)),
        refresh_token: Some(Rc::new(Secret::from("rt-1"))),
        audience,
    };
    for (error, audience, is_final, is_denied) in [
        ("invalid_grant", 1, true, false),
        ("invalid_client", 1, true, false),
        ("unsupported_grant_type", 1, true, false),
        ("invalid_target", 1, false, true),
        ("invalid_scope", 1, false, true),
        ("unauthorized_client", 1, false, true),
        ("invalid_target", DEFAULT_AUDIENCE, false, true),
        ("access_denied", 1, false, false),
    ] {
        let body = format!(r#"{{"error":"{error}"}}"#);
        let judged = |status, config| {
            let failure = judge(&refresh(audience), Ok(answer(status, &body)), &config, START);
            failure.unwrap_err()
        };
        let failure = judged(400, config_for(1));
        let is_about_one = |failure: &TokenFailure| failure.error.code == Code::AudienceUnavailable;
        assert_eq!((failure.is_final, is_about_one(&failure)), (is_final, is_denied), "{error}");
        assert_eq!(failure.error.oauth_error.as_deref(), Some(error));
        assert!(!is_about_one(&judged(503, config_for(1))), "a failing server's words");
        assert!(!is_about_one(&judged(400, config(true))), "there is no other");
    }
}

#[test]
fn st8_rf2_hours_of_calls_to_two_audiences_are_all_good_and_one_refresh_each_expiry() {
    let mut world = World::with_audiences(2, 60, 1, 1);
    world.sign_in(0, 1);
    world.call_steadily(720);
    assert_eq!(world.calls.good(), 720);
    let refreshes = world.provider.refreshes;
    assert!(
        (2 * 7200 / 54..=2 * 7200 / 39).contains(&refreshes),
        "{refreshes} in two hours of 60 s tokens"
    );
    assert_eq!(world.tally().flaws(), 0);
}

#[test]
fn one_audience_that_is_denied_for_an_hour_leaves_the_other_as_it_was() {
    let mut world = World::with_audiences(3, 60, 1, 1);
    world.sign_in(0, 1);
    world.provider.denied = Some((1, Denial::Early));
    world.call_steadily(360);
    assert_eq!(world.calls.good(), 180);
    assert_eq!(world.calls.errors.get("audience_unavailable"), Some(&180));
    assert!(world.is_signed_in(0));
    world.provider.denied = None;
    world.run_for(60_000);
    world.call_steadily(2);
    assert_eq!(world.calls.good(), 182);
}

#[test]
fn rf6_an_outage_is_the_same_for_both() {
    let mut world = World::with_audiences(4, 60, 1, 1);
    world.sign_in(0, 1);
    world.call(0);
    world.run_for(1000);
    world.network.outage = Some(Fault::Status(503));
    world.run_for(600_000);
    assert!(world.is_signed_in(0));
    world.recover();
    for _ in 0..2 {
        world.call(0);
        world.run_for(1000);
    }
    assert_eq!(world.calls.good(), 3);
}
