//! The token endpoint answers in every way that it was seen to, and in some that it was not.

use proptest::prelude::*;

use super::*;
use crate::oauth::fixtures::{NOW, config, transaction};

const JSON: &str = "application/json; charset=utf-8";
const GOOD: &str = r#"{"access_token":"at","token_type":"Bearer","expires_in":60}"#;

fn answer(status: u16, content_type: &str, body: &str) -> HttpAnswer {
    HttpAnswer {
        status,
        content_type: Some(content_type.to_owned()),
        retry_after: None,
        date: None,
        dpop_nonce: None,
        body: body.as_bytes().to_vec(),
    }
}

fn read_200(body: &str) -> Result<TokenAnswer, Refusal> {
    read(&answer(200, JSON, body), Phase::Refresh, NOW)
}

fn code(body: &str) -> Option<Code> {
    let refusal = read_200(body).err()?;
    assert!(!refusal.is_final, "{body}");
    Some(refusal.error.code)
}

/// A good answer with one more member.
fn with(member: &str) -> String {
    format!(r#"{{"access_token":"at","token_type":"Bearer",{member}}}"#)
}

#[test]
fn forms_name_the_client_and_no_secret_tk1_tk2_ar9() {
    let transaction = transaction();
    let form = code_body(&config(), &Secret::from("a b+c&d"), &transaction);
    assert_eq!(
        form.expose(),
        format!(
            "grant_type=authorization_code&client_id=spa&\
             redirect_uri=https%3A%2F%2Fapp.example.com%2Fcallback&code=a+b%2Bc%26d&code_verifier={}",
            transaction.verifier.expose()
        )
    );
    let form = refresh_body(&config(), Some(&Secret::from("rt/1")), 0);
    assert_eq!(form.expose(), "grant_type=refresh_token&client_id=spa&refresh_token=rt%2F1");
}

#[test]
fn a_further_audience_is_asked_for_alone_st8_ar12() {
    let resource = vec!["urn:a".to_owned()];
    let audiences = ["urn:a", "urn:b"].map(str::to_owned).to_vec();
    let config = Config { resource, audiences, ..config() };
    let form = |number| refresh_body(&config, Some(&Secret::from("rt")), number);
    let start = "grant_type=refresh_token&client_id=spa&refresh_token=rt&resource=urn%3A";
    assert_eq!(form(0).expose(), format!("{start}a"));
    assert_eq!(form(1).expose(), format!("{start}b"));
    let code = code_body(&config, &Secret::from("c"), &transaction());
    assert!(code.expose().ends_with("&resource=urn%3Aa"), "the default one's alone");
}

#[test]
fn token_requests_name_the_resources_ar12() {
    let resource = ["https://api.example.com/v1", "urn:x"].map(str::to_owned).to_vec();
    let config = Config { resource, ..config() };
    let named = "&resource=https%3A%2F%2Fapi.example.com%2Fv1&resource=urn%3Ax";
    assert!(code_body(&config, &Secret::from("c"), &transaction()).expose().ends_with(named));
    assert!(refresh_body(&config, Some(&Secret::from("rt")), 0).expose().ends_with(named));
}

#[test]
fn a_password_is_taken_by_one_word_alone_and_goes_to_the_token_endpoint_ro1() {
    let allowed = Config { allow_password_grant: true, ..config() };
    assert_eq!(admit_password(&allowed), Ok(()));
    let refused = admit_password(&config()).map_err(|error| error.code);
    assert_eq!(refused, Err(Code::PasswordGrantNotAllowed));
    let form = password_body(&allowed, &Secret::from("a b"), &Secret::from("p&w=\u{fc}"));
    assert_eq!(
        form.expose(),
        "grant_type=password&client_id=spa&scope=openid+profile&username=a+b&password=p%26w%3D%C3%BC"
    );
    assert!(!format!("{form:?}").contains("p%26w"), "ro2");
}

#[test]
fn a_form_is_written_without_growing_st7() {
    let worst = "\u{fc}&".repeat(5000);
    for fields in
        [&[("&&", "%&+"), ("%", "&&")][..], &[(worst.as_str(), worst.as_str())], &[("&", "")]]
    {
        // All but the separator that would follow.
        assert_eq!(form(fields).expose().len() + 1, longest(fields));
    }
}

#[test]
fn a_whole_answer_is_read_tk4_tk5() {
    for token_type in ["Bearer", "bearer", "BEARER", "bEaReR"] {
        let body = format!(
            r#"{{"access_token":"a.b-c_d~e+f/g=","token_type":"{token_type}","expires_in":3599,
            "refresh_token":"rt","id_token":"x.y.z","scope":"openid  profile","unknown":{{"a":[1]}}}}"#
        );
        let read = read_200(&body).unwrap();
        assert_eq!(read.access_token, Secret::from("a.b-c_d~e+f/g="));
        assert_eq!(read.refresh_token, Some(Secret::from("rt")));
        assert_eq!(read.id_token, Some(Secret::from("x.y.z")));
        assert_eq!(read.expires_in, Some(Millis::from_secs(3599)));
        assert_eq!(read.scope, Some(vec!["openid".to_owned(), "profile".to_owned()]));
    }
    let long = format!(r#"{{"access_token":"{}","token_type":"Bearer"}}"#, "a".repeat(16 * 1024));
    assert!(read_200(&long).is_ok());
    let huge = format!(r#"{{"access_token":"{}","token_type":"Bearer"}}"#, "a".repeat(1 << 20));
    assert_eq!(code(&huge), Some(Code::TokenAnswerInvalid));
}

#[test]
fn a_token_says_whether_it_is_bound_dp9_tk4() {
    for (token_type, is_bound) in
        [("Bearer", false), ("BEARER", false), ("DPoP", true), ("dpop", true)]
    {
        let body = format!(r#"{{"access_token":"at","token_type":"{token_type}"}}"#);
        assert_eq!(read_200(&body).unwrap().is_bound, is_bound);
    }
}

#[test]
fn other_token_types_and_characters_are_refused_tk4_tk5_tk6() {
    for body in [
        r#"{"access_token":"at"}"#,
        r#"{"access_token":"at","token_type":null}"#,
        r#"{"access_token":"at","token_type":""}"#,
        r#"{"access_token":"at","token_type":"Bearer "}"#,
        r#"{"access_token":"at","token_type":"mac"}"#,
        r#"{"token_type":"Bearer"}"#,
        r#"{"access_token":null,"token_type":"Bearer"}"#,
        r#"{"access_token":1,"token_type":"Bearer"}"#,
        r#"{"access_token":"","token_type":"Bearer"}"#,
        r#"{"access_token":"a\r\nX: y","token_type":"Bearer"}"#,
        r#"{"access_token":"a ","token_type":"Bearer"}"#,
        r#"{"access_token":"ä","token_type":"Bearer"}"#,
        r#"{"access_token":"a","token_type":"Bearer","refresh_token":"\u0000"}"#,
        r#"{"access_token":"a","token_type":"Bearer","refresh_token":1}"#,
        r#"["at","Bearer"]"#,
        "{}",
        "null",
    ] {
        assert_eq!(code(body), Some(Code::TokenAnswerInvalid), "{body}");
    }
}

#[test]
fn bodies_that_are_no_answer_tk9() {
    for body in [
        "",
        r#"{"access_token":"at","token_type":"Bearer""#,
        r#"{"access_token":"at","access_token":"b","token_type":"Bearer"}"#,
        "\u{feff}{\"access_token\":\"at\",\"token_type\":\"Bearer\"}",
        "<!doctype html><title>Sign in</title>",
        r#"{"access_token":"at","token_type":"Bearer","x":{"y":1,"y":2}}"#,
    ] {
        assert_eq!(code(body), Some(Code::TokenAnswerInvalid), "{body}");
    }
    for content_type in ["text/html", "text/plain", "application/jsonp", "", "application/json5"] {
        let refusal = read(&answer(200, content_type, GOOD), Phase::Refresh, NOW).unwrap_err();
        assert_eq!(refusal.error.code, Code::ProviderAnswerInvalid, "{content_type}");
        assert!(refusal.error.retryable && !refusal.is_final, "a captive portal goes away");
    }
    for content_type in ["application/json", "APPLICATION/JSON;charset=UTF-8", "application/x+json"]
    {
        assert!(
            read(&answer(200, content_type, GOOD), Phase::Refresh, NOW).is_ok(),
            "{content_type}"
        );
    }
    let mut bare = answer(200, "", GOOD);
    bare.content_type = None;
    assert!(read(&bare, Phase::Refresh, NOW).is_ok());
    for status in [0, 201, 204, 302, 400, 404] {
        let refusal = read(&answer(status, JSON, GOOD), Phase::Refresh, NOW).unwrap_err();
        assert_eq!(refusal.error.code, Code::ProviderAnswerInvalid, "{status}");
    }
}

#[test]
fn lifetimes_that_say_nothing_tk7() {
    let seconds =
        |text: &str| read_200(&with(&format!("\"expires_in\":{text}"))).unwrap().expires_in;
    for text in [
        "null",
        "0",
        "-1",
        "0.5",
        "-0.0",
        "1e308",
        "1e20",
        "18446744073709551616",
        "315360001",
        "\"\"",
        "\"soon\"",
        "\"-5\"",
        "\"1e3\"",
        "\"NaN\"",
        "\"99999999999999999999999\"",
        "true",
        "[60]",
        "{\"a\":{\"b\":1}}",
    ] {
        assert_eq!(seconds(text), None, "{text}");
    }
    for (text, expected) in [
        ("60", 60),
        ("1", 1),
        ("59.9", 59),
        ("6e1", 60),
        ("\"3600\"", 3600),
        ("315360000", LONGEST),
    ] {
        assert_eq!(seconds(text), Some(Millis::from_secs(expected)), "{text}");
    }
    assert_eq!(code(&with(r#""expires_in":1e999"#)), Some(Code::TokenAnswerInvalid));
    assert_eq!(read_200(&with(r#""x":1"#)).unwrap().expires_in, None, "missing");
}

#[test]
fn rf12_the_end_of_a_refresh_token() {
    let end = |member: &str| read_200(&with(member)).unwrap().refresh_expires_in;
    for (member, expected) in [
        (r#""refresh_expires_in":1800"#, Some(1800)),
        (r#""refresh_token_expires_in":"1800""#, Some(1800)),
        (r#""refresh_expires_in":60,"refresh_token_expires_in":1800"#, Some(60)),
        (r#""refresh_expires_in":0"#, None),
        (r#""refresh_expires_in":-1"#, None),
        (r#""refresh_expires_in":null"#, None),
        (r#""expires_in":60"#, None),
    ] {
        assert_eq!(end(member), expected.map(Millis::from_secs), "{member}");
    }
}

/// Ten years, in seconds.
const LONGEST: u64 = 315_360_000;

#[test]
fn scopes_come_in_two_ways_tk8() {
    let scope = |text: &str| read_200(&with(&format!("\"scope\":{text}"))).unwrap().scope;
    let list =
        |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
    assert_eq!(scope("null"), None);
    assert_eq!(scope("\"\""), list(&[]));
    assert_eq!(scope("\"a b\""), list(&["a", "b"]));
    assert_eq!(scope("[\"a\",\"b\"]"), list(&["a", "b"]));
    assert_eq!(code(&with(r#""scope":1"#)), Some(Code::TokenAnswerInvalid));
}

#[test]
fn tokens_that_are_not_there_rf3() {
    for member in [r#""refresh_token":null,"id_token":null"#, r#""refresh_token":"","id_token":"""#]
    {
        let read = read_200(&with(member)).unwrap();
        assert_eq!((read.refresh_token, read.id_token), (None, None));
    }
}

#[test]
fn errors_that_end_a_grant_and_errors_that_do_not_rf5_tk10() {
    let refused =
        |status, body: &str| read(&answer(status, JSON, body), Phase::Refresh, NOW).unwrap_err();
    for status in [200, 400, 401, 403, 404] {
        for error in [
            "invalid_grant",
            "invalid_client",
            "unauthorized_client",
            "unsupported_grant_type",
            "invalid_scope",
        ] {
            let refusal = refused(status, &format!(r#"{{"error":"{error}"}}"#));
            assert!(refusal.is_final && !refusal.error.retryable, "{status} {error}");
            assert_eq!(refusal.error.oauth_error.as_deref(), Some(error));
        }
        for error in ["invalid_request", "invalid_code", "temporarily_unavailable", "INVALID_GRANT"]
        {
            let refusal = refused(status, &format!(r#"{{"error":"{error}"}}"#));
            assert!(!refusal.is_final, "{status} {error}");
            assert_eq!(refusal.error.code, Code::OauthError);
        }
    }
    for error in ["server_error", "R3fresh-T0ken.xyz", "invalid_grant R3fresh"] {
        let body = format!(r#"{{"error":"{error}","error_description":"R3fresh-T0ken.xyz"}}"#);
        let shown = format!("{:?}", refused(400, &body).error);
        assert!(!shown.contains("R3fresh"), "st9: a provider's echo reaches no page: {shown}");
    }
    for description in ["null", "1", "[\"x\"]", "{\"y\":1}"] {
        let body = format!(r#"{{"error":"invalid_grant","error_description":{description}}}"#);
        assert!(refused(400, &body).is_final, "{description}");
    }
    for body in
        ["", "{}", r#"{"error":null}"#, r#"{"error":{"code":1}}"#, r#"{"error":""}"#, "<html>"]
    {
        let refusal = refused(400, body);
        assert_eq!((refusal.error.code, refusal.is_final), (Code::ProviderAnswerInvalid, false));
    }
}

#[test]
fn a_busy_provider_ends_nothing_rf6() {
    for status in [408, 429, 500, 502, 503, 504, 599] {
        for body in ["", "<html>", r#"{"error":"invalid_grant"}"#, GOOD] {
            let mut busy = answer(status, JSON, body);
            busy.retry_after = Some("7".to_owned());
            let refusal = read(&busy, Phase::Refresh, NOW).unwrap_err();
            assert!(!refusal.is_final && refusal.error.retryable, "{status} {body}");
            assert_eq!(refusal.retry_after, Some(Millis(7000)));
            assert_eq!(refusal.error.retry_after_ms, Some(Millis(7000)));
            let is_named = refusal.error.message.contains(&format!("status {status} "));
            assert!(is_named || refusal.error.oauth_error.is_some(), "{}", refusal.error);
        }
    }
}

#[test]
fn retry_after_in_seconds_and_as_a_date_rf6() {
    let now = http_date::http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
    let day = Some(Millis(86_400_000));
    for (text, wait) in [
        ("0", Some(Millis(0))),
        ("120", Some(Millis(120_000))),
        (" 120 ", Some(Millis(120_000))),
        ("99999999999999999999999999", day),
        ("86401", day),
        ("Sun, 06 Nov 1994 08:50:07 GMT", Some(Millis(30_000))),
        ("Sun, 06 Nov 1994 08:00:00 GMT", Some(Millis(0))),
        ("Fri, 31 Dec 9999 23:59:59 GMT", day),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
    ] {
        assert_eq!(retry_after(text, now), wait, "{text}");
    }
    let mut busy = answer(503, JSON, "");
    busy.retry_after = Some("Sun, 06 Nov 1994 08:50:07 GMT".to_owned());
    busy.date = Some("Sun, 06 Nov 1994 08:50:00 GMT".to_owned());
    let refusal = read(&busy, Phase::Refresh, now).unwrap_err();
    assert_eq!(refusal.retry_after, Some(Millis(7000)), "by the provider's own clock");
}

#[test]
fn nothing_of_a_token_is_shown_st9_t23() {
    let body = r#"{"access_token":"hunter2","token_type":"Bearer","refresh_token":"hunter2"}"#;
    let answer = answer(200, JSON, body);
    let read = read(&answer, Phase::Refresh, NOW);
    assert!(!format!("{answer:?} {read:?}").contains("hunter2"));
    let cut = format!("{:?}", read_200(&body.replace('}', "")));
    assert!(!cut.contains("hunter2"));
}

proptest! {
    #[test]
    fn no_answer_panics_tk9(status: u16, body in ".{0,80}", later in ".{0,30}") {
        let mut answer = answer(status, JSON, &body);
        answer.retry_after = Some(later);
        let _ = read(&answer, Phase::Callback, NOW);
    }
}
