//! What a token endpoint's answer is worth: the whole way from bytes to a grant or a failure.

use std::rc::Rc;

use tokenward::{
    clock::{Millis, Now, UnixMillis},
    config::{Config, DEFAULT_AUDIENCE, RefreshCookie, TokenType},
    error::{AuthError, Code, Phase},
    oauth::{token::HttpAnswer, transaction::Transaction},
    secret::Secret,
    session::{
        grant::{Grant, RefreshEnd},
        inputs::{Reach, TokenFailure, TokenRequest},
        outcome::{Unanswered, judge},
        proof::Unproven,
    },
};

use crate::fixtures::{CLIENT, ISSUER, START, config, grant, id_token, text_of, transaction};

const DAY: i64 = 86_400_000;
/// `START` as the provider's `Date`.
const DATE: &str = "Tue, 14 Nov 2023 22:13:20 GMT";

fn code() -> TokenRequest {
    TokenRequest::Code {
        code: Secret::from("code"),
        transaction: Box::new(transaction("s", START.wall)),
    }
}

fn refresh(grant: Grant) -> TokenRequest {
    let refresh_token = grant.refresh_token.clone();
    TokenRequest::Refresh { grant: Rc::new(grant), refresh_token, audience: DEFAULT_AUDIENCE }
}

fn answer(status: u16, body: &str) -> HttpAnswer {
    HttpAnswer {
        status,
        content_type: Some("application/json".into()),
        retry_after: None,
        date: Some(DATE.into()),
        dpop_nonce: None,
        body: body.as_bytes().to_vec(),
    }
}

/// An answer with this `Date`, or with none that the browser shows.
fn dated(date: Option<&str>, mut answer: HttpAnswer) -> HttpAnswer {
    answer.date = date.map(str::to_owned);
    answer
}

fn busy(status: u16, retry_after: &str) -> HttpAnswer {
    let mut answer = answer(status, "");
    answer.retry_after = Some(retry_after.into());
    answer
}

fn claims(subject: &str, issued: UnixMillis) -> String {
    let issued = issued.0 / 1000;
    format!(
        r#"{{"iss":"{ISSUER}","aud":"{CLIENT}","sub":"{subject}","nonce":"nonce","iat":{issued},"exp":{}}}"#,
        issued + 600
    )
}

fn tokens(more: &str) -> String {
    format!(r#"{{"access_token":"at","token_type":"Bearer","expires_in":300{more}}}"#)
}

fn with_id_token(claims: &str, more: &str) -> String {
    // exposed: it is made up.
    tokens(&format!(r#","id_token":"{}"{more}"#, id_token(claims).expose()))
}

fn judged(request: &TokenRequest, answer: HttpAnswer, now: Now) -> Result<Grant, TokenFailure> {
    granted(judge(request, Ok(answer), &config(true), now))
}

/// What it comes to where every signature is good.
fn granted(judged: Result<Unproven, TokenFailure>) -> Result<Grant, TokenFailure> {
    judged.and_then(|unproven| unproven.settle(Ok(())))
}

fn at(wall: i64) -> Now {
    Now { wall: UnixMillis(wall), ..START }
}

#[test]
fn a_code_gives_a_grant() {
    let body = with_id_token(&claims("alice", START.wall), r#","refresh_token":"rt""#);
    let grant = judged(&code(), answer(200, &body), START).unwrap();
    assert_eq!(*grant.access_token, Secret::from("at"));
    assert_eq!(grant.refresh_token.as_deref(), Some(&Secret::from("rt")));
    assert_eq!(grant.scopes, ["openid", "read"], "tk8: absent means as asked for");
    assert_eq!(grant.lifetime, Some(Millis::from_secs(300)));
    assert_eq!(grant.expiry.unwrap().remaining(START), Millis::from_secs(300));
    let claims = grant.claims.unwrap();
    assert!(claims.text.contains("alice"));
}

#[test]
fn t29_a_device_clock_wrong_by_a_day_signs_in() {
    let body = with_id_token(&claims("alice", START.wall), "");
    for shift in [-6 * DAY, -DAY, DAY, 6 * DAY] {
        for date in [Some(DATE), None] {
            let answer = dated(date, answer(200, &body));
            let now = at(START.wall.0 + shift);
            let grant = judged(&code(), answer, now).unwrap();
            assert_eq!(grant.offset.server_time(now), START.wall, "{shift} {date:?}");
            assert_eq!(grant.expiry.unwrap().remaining(now), Millis::from_secs(300));
        }
    }
}

#[test]
fn t29_a_date_that_is_wrong_by_a_day_is_outvoted_by_token_and_device() {
    let body = with_id_token(&claims("alice", START.wall), "");
    for date in ["Mon, 13 Nov 2023 22:13:20 GMT", "Wed, 15 Nov 2023 22:13:20 GMT"] {
        let answer = dated(Some(date), answer(200, &body));
        let grant = judged(&code(), answer, START).unwrap();
        assert_eq!(grant.offset.server_time(START), START.wall, "{date}");
    }
}

#[test]
fn id6_an_absurd_iat_is_refused() {
    let body = with_id_token(&claims("alice", START.wall), "");
    for shift in [-8 * DAY, 8 * DAY] {
        let answer = dated(None, answer(200, &body));
        let failure = judged(&code(), answer, at(START.wall.0 + shift)).unwrap_err();
        assert_eq!(failure.error.code, Code::IdTokenInvalid);
    }
}

#[test]
fn an_id_token_that_tells_no_time_is_refused_for_what_is_wrong_with_it() {
    let good = claims("alice", START.wall);
    for (wrong, says) in [
        (good.replace("\"sub\":\"alice\",", ""), "`sub`"),
        (good.replace(&format!("\"iat\":{},", START.wall.0 / 1000), ""), "`iat`"),
    ] {
        let answer = dated(None, answer(200, &with_id_token(&wrong, "")));
        let failure = judged(&code(), answer, START).unwrap_err();
        assert!(failure.error.message.contains(says), "{}", failure.error);
    }
    let unsigned = tokens(r#","id_token":"eyJhbGciOiJub25lIn0.e30.""#);
    let failure = judged(&code(), dated(None, answer(200, &unsigned)), START).unwrap_err();
    assert!(failure.error.message.contains("signature"), "{}", failure.error);
}

#[test]
fn id5_an_expired_id_token_is_refused_by_the_providers_own_clock() {
    let stale = claims("alice", UnixMillis(START.wall.0 - 700_000));
    let failure = judged(&code(), answer(200, &with_id_token(&stale, "")), START).unwrap_err();
    assert_eq!(failure.error.code, Code::IdTokenInvalid);
}

#[test]
fn openid_without_an_id_token_is_refused() {
    let failure = judged(&code(), answer(200, &tokens("")), START).unwrap_err();
    assert_eq!((failure.error.code, failure.error.phase), (Code::IdTokenInvalid, Phase::Callback));
}

#[test]
fn id1_ar11_an_id_token_is_of_the_issuer_that_this_sign_in_asked() {
    let mut asked = transaction("s", START.wall);
    asked.metadata.issuer = "https://former.example.com".into();
    let request = TokenRequest::Code { code: Secret::from("code"), transaction: Box::new(asked) };
    let body = with_id_token(&claims("alice", START.wall), "");
    let failure = judged(&request, answer(200, &body), START).unwrap_err();
    assert!(failure.error.message.contains("`iss`"), "{}", failure.error);
}

#[test]
fn id7_a_foreign_nonce_is_refused() {
    let foreign = claims("alice", START.wall).replace("\"nonce\":\"nonce\"", "\"nonce\":\"x\"");
    let failure = judged(&code(), answer(200, &with_id_token(&foreign, "")), START).unwrap_err();
    assert_eq!(failure.error.code, Code::IdTokenInvalid);
}

#[test]
fn what_a_sign_in_asked_for_is_in_the_id_token_id9_id10() {
    let asked = |max_age: Option<u32>, acr_values: Option<&str>| TokenRequest::Code {
        code: Secret::from("code"),
        transaction: Box::new(Transaction {
            max_age,
            acr_values: acr_values.map(str::to_owned),
            ..transaction("s", START.wall)
        }),
    };
    let told = |more: &str| {
        let claims = claims("alice", START.wall).replace("\"sub\"", &format!("{more}\"sub\""));
        answer(200, &with_id_token(&claims, ""))
    };
    let start = START.wall.0 / 1000;
    let (recent, old) = (start - 50, start - 1000);
    for (max_age, acr_values, more, is_good) in [
        (None, None, String::new(), true),
        (Some(60), None, format!(r#""auth_time":{recent},"#), true),
        (Some(60), None, format!(r#""auth_time":{old},"#), false),
        (Some(60), None, String::new(), false),
        (None, Some("silver gold"), r#""acr":"gold","#.to_owned(), true),
        (None, Some("silver gold"), r#""acr":"bronze","#.to_owned(), false),
        (None, Some("silver gold"), String::new(), false),
    ] {
        let judged = judged(&asked(max_age, acr_values), told(&more), START);
        let code = judged.map(|_| ()).map_err(|failure| failure.error.code);
        let expected = if is_good { Ok(()) } else { Err(Code::IdTokenInvalid) };
        assert_eq!(code, expected, "{max_age:?} {acr_values:?} {more}");
    }
}

#[test]
fn plain_oauth_needs_no_id_token() {
    let body = tokens(r#","id_token":"not.checked.here""#);
    let judged = judge(&code(), Ok(answer(200, &body)), &config(false), START);
    let grant = granted(judged).unwrap();
    assert!(grant.claims.is_none() && grant.id_token.is_none());
    assert_eq!(grant.scopes, ["read", "write"]);
}

#[test]
fn tk7_no_life_is_an_unknown_life() {
    for expires_in in ["0", "-5", "null", "\"soon\"", "0.5"] {
        let body =
            format!(r#"{{"access_token":"at","token_type":"bearer","expires_in":{expires_in}}}"#);
        let judged = judge(&code(), Ok(answer(200, &body)), &config(false), START);
        let grant = granted(judged).unwrap();
        assert!(grant.expiry.is_none() && grant.lifetime.is_none(), "{expires_in}");
    }
}

#[test]
fn rf3_an_answer_without_refresh_token_keeps_the_old_one() {
    let renewed = judged(&refresh(grant(1, 300, START)), answer(200, &tokens("")), START).unwrap();
    assert_eq!(renewed.refresh_token.as_deref(), Some(&Secret::from("rt-1")));
    assert_eq!(renewed.claims.unwrap().subject, "alice", "and without an ID token, the claims");
    let rotated = tokens(r#","refresh_token":"rt-2""#);
    let renewed = judged(&refresh(grant(1, 300, START)), answer(200, &rotated), START).unwrap();
    assert_eq!(renewed.refresh_token.as_deref(), Some(&Secret::from("rt-2")));
}

#[test]
fn rf12_the_end_of_a_refresh_token_goes_with_it() {
    let end = |known: Grant, more: &str| {
        let renewed = judged(&refresh(known), answer(200, &tokens(more)), START).unwrap();
        renewed.refresh_end.map(|end| (end.at.remaining(START), end.life))
    };
    let minute = Millis::from_secs(60);
    let known = || Grant {
        refresh_end: Some(Box::new(RefreshEnd { at: START.after(minute), life: Some(minute) })),
        ..grant(1, 300, START)
    };
    let hour = Millis::from_secs(3600);
    assert_eq!(end(known(), ""), Some((minute, None)), "the old token, and its end");
    assert_eq!(end(known(), r#","refresh_expires_in":3600"#), Some((hour, Some(hour))));
    assert_eq!(end(known(), r#","refresh_token":"rt-2""#), None, "another token");
    let last = r#","refresh_token":"rt-2","refresh_expires_in":61"#;
    let second = Millis::from_secs(61);
    assert_eq!(end(known(), last), Some((second, None)), "no later than before, but for rounding");
    let both = r#","refresh_token":"rt-2","refresh_expires_in":3600"#;
    assert_eq!(end(grant(1, 300, START), both), Some((hour, Some(hour))));
    let body = with_id_token(&claims("alice", START.wall), both);
    let begun = judged(&code(), answer(200, &body), START).unwrap();
    assert_eq!(begun.refresh_end.unwrap().life, Some(hour));
}

#[test]
fn rf4_scopes_never_grow() {
    let body = tokens(r#","scope":"admin openid""#);
    let renewed = judged(&refresh(grant(1, 300, START)), answer(200, &body), START).unwrap();
    assert_eq!(renewed.scopes, ["openid"]);
    let renewed = judged(&refresh(grant(1, 300, START)), answer(200, &tokens("")), START).unwrap();
    assert_eq!(renewed.scopes, ["openid"]);
}

#[test]
fn rf11_an_id_token_of_a_refresh_is_of_the_same_user_and_client() {
    let good = claims("alice", START.wall);
    let body = with_id_token(&good, "");
    assert!(judged(&refresh(grant(1, 300, START)), answer(200, &body), START).is_ok());
    let bad = [
        claims("mallory", START.wall),
        good.replace(ISSUER, "https://evil.example"),
        good.replace("\"aud\":\"spa\"", "\"aud\":\"other\""),
        good.replace("\"aud\":\"spa\"", "\"aud\":\"spa\",\"azp\":\"other\""),
    ];
    for claims in bad {
        let body = with_id_token(&claims, "");
        let failure =
            judged(&refresh(grant(1, 300, START)), answer(200, &body), START).unwrap_err();
        assert_eq!(failure.error.code, Code::IdTokenInvalid, "{claims}");
        assert_eq!(failure.error.phase, Phase::Refresh);
        assert!(failure.is_final);
    }
}

#[test]
fn rf11_an_id_token_of_a_refresh_is_of_the_issuer_of_the_first() {
    let mut known = grant(1, 300, START);
    known.claims.as_mut().unwrap().issuer = "https://former.example.com".into();
    let body = with_id_token(&claims("alice", START.wall), "");
    let failure = judged(&refresh(known), answer(200, &body), START).unwrap_err();
    assert!(failure.error.message.contains("`iss`"), "{}", failure.error);
}

#[test]
fn rf11_the_same_login() {
    let mut known = grant(1, 300, START);
    known.claims.as_mut().unwrap().authenticated = Some(UnixMillis(1_600_000_000_000));
    let login = |time: i64| {
        claims("alice", START.wall).replace("\"iat\"", &format!("\"auth_time\":{time},\"iat\""))
    };
    for (time, is_same) in [(1_600_000_000, true), (1_600_000_001, false)] {
        let body = with_id_token(&login(time), "");
        let judged = judged(&refresh(known.clone()), answer(200, &body), START);
        assert_eq!(judged.is_ok(), is_same, "{time}");
    }
}

#[test]
fn t29_a_clock_that_was_set_between_refreshes_ends_nothing() {
    let body = with_id_token(&claims("alice", START.wall), "");
    for shift in [-400 * DAY, -DAY, DAY, 400 * DAY] {
        for date in [Some(DATE), None] {
            let answer = dated(date, answer(200, &body));
            let now = at(START.wall.0 + shift);
            assert!(judged(&refresh(grant(1, 300, START)), answer, now).is_ok(), "{shift}");
        }
    }
    // Some providers send the first ID token again.
    let old = with_id_token(&claims("alice", UnixMillis(START.wall.0 - 30 * DAY)), "");
    assert!(judged(&refresh(grant(1, 300, START)), answer(200, &old), START).is_ok());
}

#[test]
fn rf5_rf6_what_is_final_and_what_may_have_been_done() {
    let error = |code: &str| format!(r#"{{"error":"{code}"}}"#);
    for (status, body, is_final, reach) in [
        (400, error("invalid_grant"), true, Reach::Answered),
        (401, error("invalid_client"), true, Reach::Answered),
        (400, error("temporarily_unavailable"), false, Reach::Answered),
        (429, String::new(), false, Reach::Answered),
        (500, error("invalid_grant"), false, Reach::Lost),
        (502, "<html>".into(), false, Reach::Lost),
        (503, String::new(), false, Reach::Lost),
        (200, "<html>".into(), false, Reach::Lost),
        (200, tokens("").replace('}', ""), false, Reach::Lost),
        (200, tokens(r#","access_token":"twice""#), false, Reach::Lost),
        (404, "not here".into(), false, Reach::Answered),
    ] {
        let judged = judged(&refresh(grant(1, 300, START)), answer(status, &body), START);
        let failure = judged.unwrap_err();
        assert_eq!((failure.is_final, failure.reach), (is_final, reach), "{status} {body}");
        assert_eq!(failure.error.phase, Phase::Refresh);
    }
}

#[test]
fn rf6_retry_after_reaches_the_session() {
    let failure = judged(&refresh(grant(1, 300, START)), busy(429, "120"), START).unwrap_err();
    assert_eq!(failure.retry_after, Some(Millis::from_secs(120)));
    let until = busy(503, "Tue, 14 Nov 2023 22:14:20 GMT");
    let failure =
        judged(&refresh(grant(1, 300, START)), until, at(START.wall.0 + DAY)).unwrap_err();
    assert_eq!(failure.retry_after, Some(Millis::from_secs(60)), "by the provider's clock");
}

#[test]
fn unanswered_says_how_far_it_came() {
    let error = AuthError::transient(Code::Timeout, Phase::Refresh, "no answer");
    let lost = Err(Unanswered::Lost(error.clone()));
    let failure = judge(&refresh(grant(1, 300, START)), lost, &config(true), START).unwrap_err();
    assert_eq!((failure.reach, failure.error.retryable), (Reach::Lost, true));
    let not_sent = Err(Unanswered::NotSent(error));
    let failure = judge(&code(), not_sent, &config(true), START).unwrap_err();
    assert_eq!((failure.reach, failure.is_final), (Reach::NotSent, false));
    assert_eq!(failure.error.phase, Phase::Callback);
    assert!(!failure.error.retryable, "cb8: a code is not sent again");
}

#[test]
fn dp9_tk6_a_token_of_another_type_is_refused_and_revoked() {
    for (wanted, token_type, is_taken) in [
        (TokenType::Bearer, "Bearer", true),
        (TokenType::Dpop, "DPoP", true),
        (TokenType::Dpop, "Bearer", false),
        (TokenType::Bearer, "DPoP", false),
    ] {
        let config = Config { token_type: wanted, ..config(false) };
        let body = format!(
            r#"{{"access_token":"at","refresh_token":"rt","token_type":"{token_type}","expires_in":60}}"#
        );
        for request in [code(), refresh(grant(1, 300, START))] {
            let judged = judge(&request, Ok(answer(200, &body)), &config, START);
            assert_eq!(judged.is_ok(), is_taken, "{wanted:?} {token_type}");
            let Err(failure) = judged else { continue };
            assert_eq!((failure.error.code, failure.is_final), (Code::TokenTypeRefused, true));
            assert_eq!(text_of(failure.issued.unwrap().token()), "rt");
        }
    }
}

#[test]
fn rf9_dp13_a_nonce_that_is_wanted_is_no_use_of_the_refresh_token() {
    let wanted = |nonce: Option<&str>| {
        let mut answer = answer(400, r#"{"error":"use_dpop_nonce"}"#);
        answer.dpop_nonce = nonce.map(str::to_owned);
        judged(&refresh(grant(1, 300, START)), answer, START).unwrap_err()
    };
    for (nonce, code) in [
        (Some("n"), Code::OauthError),
        (None, Code::DpopNonceUnreadable),
        (Some("one, two"), Code::DpopNonceUnreadable),
    ] {
        let failure = wanted(nonce);
        assert_eq!((failure.error.code, failure.error.phase), (code, Phase::Refresh));
        assert_eq!((failure.reach, failure.is_final), (Reach::Answered, false));
    }
}

/// Of whomever the cookie stands for.
fn of_cookie() -> TokenRequest {
    refresh(Grant { has_cookie: true, ..Grant::default() })
}

fn config_with_cookie() -> Config {
    let [token, revocation, header] =
        ["https://b.example/t", "https://b.example/r", "X-CSRF"].map(str::to_owned);
    let refresh_cookie = Some(RefreshCookie { token, revocation, header });
    Config { refresh_cookie, ..config(true) }
}

#[test]
fn whoever_a_cookie_stands_for_is_believed_by_an_id_token_alone() {
    let config = config_with_cookie();
    let judged = |body: &str| granted(judge(&of_cookie(), Ok(answer(200, body)), &config, START));
    let of = |claims: String| with_id_token(&claims, r#","refresh_token":"rt""#);
    let grant = judged(&of(claims("alice", START.wall))).unwrap();
    assert_eq!(grant.claims.unwrap().subject, "alice");
    assert!(grant.has_cookie && grant.refresh_token.is_none(), "the backend's is no use here");
    let failure = judged(&tokens("")).unwrap_err();
    assert_eq!((failure.error.code, failure.is_final), (Code::TokenAnswerInvalid, false));
    for wrong in [
        of(claims("alice", UnixMillis(START.wall.0 - DAY))),
        of(claims("alice", START.wall).replace(ISSUER, "https://other.example.com")),
        of(claims("alice", START.wall).replace(CLIENT, "other")),
    ] {
        let failure = judged(&wrong).unwrap_err();
        assert_eq!((failure.error.code, failure.is_final), (Code::IdTokenInvalid, true), "{wrong}");
    }
}

#[test]
fn a_backend_keeps_its_refresh_token_at_every_renewal() {
    let old = Grant { refresh_token: None, has_cookie: true, ..grant(1, 300, START) };
    let judged = |body: &str| {
        granted(judge(&refresh(old.clone()), Ok(answer(200, body)), &config_with_cookie(), START))
    };
    let more = r#","refresh_token":"rt""#;
    let renewed = judged(&with_id_token(&claims("alice", START.wall), more)).unwrap();
    assert!(renewed.has_cookie && renewed.refresh_token.is_none());
    // By now its cookie may stand for somebody else: nothing is taken that does not say so, and no session ends for it.
    let failure = judged(&tokens(more)).unwrap_err();
    assert_eq!((failure.error.code, failure.is_final), (Code::TokenAnswerInvalid, false));
    assert!(failure.error.message.contains("may be anybody's"), "{}", failure.error.message);
    let bobs = judged(&with_id_token(&claims("bob", START.wall), more)).unwrap_err();
    assert_eq!((bobs.error.code, bobs.is_final), (Code::IdTokenInvalid, true));
    // A newer login of the same person, in another tab, is theirs.
    let login = |time: u32| {
        let told = format!(r#""auth_time":{time},"sub""#);
        with_id_token(&claims("alice", START.wall).replace(r#""sub""#, &told), more)
    };
    let known = judged(&login(1_700_000_000)).unwrap();
    for (has_cookie, is_taken) in [(true, true), (false, false)] {
        let request = refresh(Grant { has_cookie, ..known.clone() });
        let answer = answer(200, &login(1_700_000_001));
        assert_eq!(judge(&request, Ok(answer), &config_with_cookie(), START).is_ok(), is_taken);
    }
}

#[test]
fn a_backend_that_has_more_granted_than_was_asked_for_is_refused_ck5() {
    let known = || Grant { has_cookie: true, ..grant(1, 300, START) };
    let id_token = claims("alice", START.wall);
    for request in [code(), of_cookie(), refresh(known())] {
        for (scope, is_taken) in
            [("read", true), ("openid read", true), ("openid read admin", false), ("admin", false)]
        {
            let body = with_id_token(&id_token, &format!(r#","scope":"{scope}""#));
            let judged = judge(&request, Ok(answer(200, &body)), &config_with_cookie(), START);
            assert_eq!(judged.is_ok(), is_taken, "{scope}");
            let Err(failure) = judged else { continue };
            assert_eq!((failure.error.code, failure.is_final), (Code::TokenAnswerInvalid, false));
            assert!(failure.error.message.contains("wider scope"), "{}", failure.error.message);
        }
    }
}
