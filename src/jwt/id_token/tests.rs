//! ID tokens, right and wrong in every way that OpenID Connect Core names.

use base64ct::{Base64UrlUnpadded, Encoding};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// The provider's time, in seconds.
const NOW: i64 = 1_700_000_000;

fn expected() -> Expected<'static> {
    Expected {
        issuer: "https://id.example.com",
        client_id: "spa",
        nonce: Some("n-1"),
        server_now: UnixMillis(NOW * 1000),
        leeway_secs: 60,
        max_age: None,
        acr_values: None,
    }
}

fn b64(text: &str) -> String {
    Base64UrlUnpadded::encode_string(text.as_bytes())
}

fn compact(header: &str, payload: &str) -> String {
    format!("{}.{}.c2ln", b64(header), b64(payload))
}

fn payload(changes: &Value) -> String {
    let mut claims = json!({
        "iss": "https://id.example.com", "sub": "user-1", "aud": "spa", "nonce": "n-1",
        "iat": NOW, "exp": NOW + 600, "name": "J\u{fc}rg", "groups": [{ "id": 9_007_199_254_740_993_u64 }],
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
        if value == "absent" {
            claims.as_object_mut().unwrap().remove(name);
        }
    }
    claims.to_string()
}

fn token(changes: &Value) -> String {
    compact(r#"{"alg":"RS256","typ":"JWT","kid":"1"}"#, &payload(changes))
}

fn checked(token: &str) -> Result<Claims, String> {
    check(&Secret::from(token), &expected()).map_err(|error| {
        assert_eq!(error.code, Code::IdTokenInvalid);
        error.message.clone().into_owned()
    })
}

/// That the token is refused, with words about `what`.
fn refused(what: &str, token: &str) {
    let message = checked(token).err();
    let message = message.unwrap_or_else(|| panic!("accepted: {token}"));
    assert!(message.contains(what), "{message}");
}

#[test]
fn a_right_token_is_accepted_whole() {
    let claims = checked(&token(&json!({ "auth_time": NOW - 5, "azp": "spa" }))).unwrap();
    assert_eq!(
        (claims.issuer.as_str(), claims.subject.as_str()),
        ("https://id.example.com", "user-1")
    );
    assert_eq!(claims.audience, ["spa"]);
    assert_eq!(claims.authenticated, Some(UnixMillis((NOW - 5) * 1000)));
    let text = &*claims.text;
    assert!(
        text.contains("J\u{fc}rg") && text.contains("9007199254740993"),
        "all claims, untouched"
    );
    assert!(!format!("{claims:?}").contains("user-1"));
    assert_eq!(issued_at(&Secret::from(token(&json!({})).as_str())), Some(UnixMillis(NOW * 1000)));
}

#[test]
fn the_issuer_is_exact_id1_t32() {
    for other in [
        "https://id.example.com/",
        "https://ID.example.com",
        "http://id.example.com",
        "https://id.example.com:443",
        "https://evil.example",
        "",
        "absent",
    ] {
        refused("`iss`", &token(&json!({ "iss": other })));
    }
    refused("wrong kind", &token(&json!({ "iss": ["https://id.example.com"] })));
}

#[test]
fn the_audience_is_this_client_alone_id2_id3() {
    for other in
        [json!("other"), json!("SPA"), json!([]), json!(["other"]), json!(["spa", "other"])]
    {
        refused("`aud`", &token(&json!({ "aud": other })));
    }
    for wrong in
        [json!("absent"), json!(null), json!(1), json!({}), json!(["spa", 1]), json!([["spa"]])]
    {
        refused("`aud`", &token(&json!({ "aud": wrong })));
    }
    assert!(checked(&token(&json!({ "aud": ["spa"] }))).is_ok());
    refused("`azp`", &token(&json!({ "azp": "other" })));
    refused("wrong kind", &token(&json!({ "azp": 1 })));
}

#[test]
fn the_subject_is_named_id8() {
    for bad in ["", "absent", "\u{fc}", &"x".repeat(256)] {
        refused("`sub`", &token(&json!({ "sub": bad })));
    }
    refused("wrong kind", &token(&json!({ "sub": 1 })));
    assert!(checked(&token(&json!({ "sub": "x".repeat(255) }))).is_ok());
}

#[test]
fn the_nonce_is_the_one_sent_id7_t13() {
    for bad in ["n-2", "N-1", "", "absent", "n-1 "] {
        refused("`nonce`", &token(&json!({ "nonce": bad })));
    }
    let without = Expected { nonce: None, ..expected() };
    let refreshed = Secret::new(token(&json!({ "nonce": "absent" })));
    assert!(check(&refreshed, &without).is_ok(), "a refresh repeats none (Core, 12.2)");
}

#[test]
fn expiry_at_its_boundaries_id5() {
    for (exp, is_valid) in [(1, true), (0, true), (-59, true), (-60, false), (-61, false)] {
        let token = token(&json!({ "exp": NOW + exp, "iat": NOW - 100 }));
        assert_eq!(checked(&token).is_ok(), is_valid, "{exp}");
    }
    let generous = Expected { leeway_secs: u32::MAX, ..expected() };
    let at = |exp| Secret::new(token(&json!({ "exp": NOW + exp, "iat": NOW - 1000 })));
    assert!(check(&at(-299), &generous).is_ok());
    assert!(check(&at(-300), &generous).is_err(), "five minutes at most");
    refused("before it was issued", &token(&json!({ "exp": NOW + 10, "iat": NOW + 10 })));
}

#[test]
fn issued_at_a_sensible_time_id6() {
    const DAY: i64 = 86_400;
    for (iat, is_valid) in [(-DAY, true), (-DAY - 1, false), (-7 * DAY, false)] {
        assert_eq!(checked(&token(&json!({ "iat": NOW + iat }))).is_ok(), is_valid, "{iat}");
    }
    for (iat, is_valid) in [(DAY, true), (DAY + 1, false), (7 * DAY, false)] {
        let token = token(&json!({ "iat": NOW + iat, "exp": NOW + 30 * DAY }));
        assert_eq!(checked(&token).is_ok(), is_valid, "{iat}");
    }
    refused("`iat`", &token(&json!({ "iat": "absent" })));
    refused("`exp`", &token(&json!({ "exp": "absent" })));
}

#[test]
fn not_before_is_honoured_id11() {
    assert!(checked(&token(&json!({ "nbf": NOW + 60 }))).is_ok());
    refused("`nbf`", &token(&json!({ "nbf": NOW + 61 })));
    assert!(checked(&token(&json!({ "nbf": -NOW }))).is_ok());
    refused("wrong kind", &token(&json!({ "nbf": -8_000_000_000_000_i64 })));
}

#[test]
fn times_are_numbers_id11() {
    for name in ["exp", "iat", "nbf"] {
        for bad in
            [json!("1700000000"), json!(null), json!(true), json!([NOW]), json!({}), json!(1e308)]
        {
            refused("wrong kind", &token(&json!({ name: bad })));
        }
    }
    let exact = |exp: &str| {
        let payload = payload(&json!({})).replace(&(NOW + 600).to_string(), exp);
        checked(&compact(r#"{"alg":"ES256"}"#, &payload)).map(|claims| claims.expires.0)
    };
    assert_eq!(exact("1700000600.9"), Ok(1_700_000_600_000));
    assert_eq!(exact("1.7000006e9"), Ok(1_700_000_600_000));
    for bad in ["1e999", "18446744073709551616", "9223372036854775807", "-1e999", "01700000600"] {
        assert!(exact(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_login_as_recent_as_asked_for_id10() {
    let at = |max_age, auth_time: Value| {
        let expected = Expected { max_age: Some(Millis::from_secs(max_age)), ..expected() };
        let token = Secret::new(token(&json!({ "auth_time": auth_time })));
        check(&token, &expected).map_err(|error| error.message.clone().into_owned())
    };
    for (age, is_valid) in [(0, true), (300, true), (360, true), (361, false), (-3600, true)] {
        assert_eq!(at(300, json!(NOW - age)).is_ok(), is_valid, "{age}");
    }
    assert!(at(0, json!(NOW - 60)).is_ok() && at(0, json!(NOW - 61)).is_err());
    for missing in [json!("absent"), json!(null), json!("1700000000")] {
        assert!(at(300, missing).unwrap_err().contains("does not say when"));
    }
    assert!(at(u64::MAX, json!(-NOW)).is_ok());
}

#[test]
fn a_login_of_the_kind_asked_for_id9() {
    let by = |acr_values, acr: Value| {
        let expected = Expected { acr_values: Some(acr_values), ..expected() };
        check(&Secret::new(token(&json!({ "acr": acr }))), &expected).is_ok()
    };
    assert!(by("gold", json!("gold")) && by("gold silver", json!("silver")));
    for other in
        [json!("bronze"), json!("gold silver"), json!("GOLD"), json!(""), json!("absent"), json!(1)]
    {
        assert!(!by("gold silver", other.clone()), "{other}");
    }
    assert!(checked(&token(&json!({ "acr": 1 }))).is_ok(), "of no weight unless asked for");
}

#[test]
fn unsigned_and_symmetric_tokens_jw3_jw5_ds10_t24() {
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        refused("unsigned", &compact(&json!({ "alg": alg }).to_string(), &payload(&json!({}))));
    }
    for alg in ["HS256", "HS384", "HS512", "hs256"] {
        refused(
            "shared secret",
            &compact(&json!({ "alg": alg }).to_string(), &payload(&json!({}))),
        );
    }
    let right = token(&json!({}));
    let unsigned = right.trim_end_matches("c2ln");
    refused("no signature", unsigned);
    refused("three parts", unsigned.trim_end_matches('.'));
    for alg in ["RS256", "PS512", "ES256", "EdDSA", "Ed25519"] {
        assert!(
            checked(&compact(&json!({ "alg": alg }).to_string(), &payload(&json!({})))).is_ok()
        );
    }
}

#[test]
fn headers_that_are_not_understood_jw13_jb4_jb6() {
    for (header, what) in [
        (r#"{"alg":"RS256","crit":["exp"]}"#, "extension"),
        (r#"{"alg":"RS256","crit":[]}"#, "extension"),
        (r#"{"alg":"RS256","crit":null}"#, "extension"),
        (r#"{"alg":"RS256","b64":false}"#, "extension"),
        (r#"{"alg":"RS256","b64":true}"#, "extension"),
        (r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#, "extension"),
        (r#"{"alg":"RS256","alg":"none"}"#, "strict JSON"),
        (r#"{"alg":"RS256","a\u006cg":"none"}"#, "strict JSON"),
        (r#"{"typ":"JWT"}"#, "lacks `alg`"),
        (r#"{"alg":["RS256"]}"#, "lacks `alg`"),
        (r#"["RS256"]"#, "strict JSON"),
        ("", "strict JSON"),
        (r#"{"alg":"RS256","cty":"JWT"}"#, "another token"),
        (r#"{"alg":"RS256","typ":"at+jwt"}"#, "another kind"),
        (r#"{"alg":"RS256","typ":"application/logout+jwt"}"#, "another kind"),
        (r#"{"alg":"RS256","typ":"dpop+jwt"}"#, "another kind"),
        (r#"{"alg":"RS256","typ":""}"#, "another kind"),
    ] {
        refused(what, &compact(header, &payload(&json!({}))));
    }
    for typ in ["JWT", "jwt", "application/jwt", "application/JWT"] {
        let header =
            json!({ "alg": "RS256", "typ": typ, "jku": "https://evil.example/", "jwk": {} });
        assert!(checked(&compact(&header.to_string(), &payload(&json!({})))).is_ok(), "jw1: {typ}");
    }
}

#[test]
fn forms_that_are_not_compact_jw11_jw12_jb2_jb5_t26() {
    let right = token(&json!({}));
    let [header, claims, signature] = right.split('.').collect::<Vec<_>>()[..] else { panic!() };
    for (what, text) in [
        ("three parts", String::new()),
        ("three parts", "..".replace("..", ".")),
        ("no signature", "..".to_owned()),
        ("more than three", format!("{right}.x.y")),
        ("more than three", format!("{right}.")),
        ("base64url", format!("{header}=.{claims}.{signature}")),
        ("base64url", format!(" {right}")),
        ("base64url", format!("{header}.{claims}=.{signature}")),
        ("base64url", format!("{header}.{claims}\n.{signature}")),
        ("base64url", format!("{header}.+{claims}.{signature}")),
        ("base64url", format!("{header}.{claims}.c2lo=")),
        ("base64url", format!("{header}.{claims}.c2l")),
        ("base64url", format!("{header}.{claims}.+/+/")),
        ("base64url", format!("{right} ")),
        ("three parts", r#"{"payload":"x","signatures":[]}"#.to_owned()),
        ("64 KiB", format!("{right}{}", "A".repeat(64 * 1024))),
        (
            "strict JSON",
            compact(r#"{"alg":"RS256"}"#, r#"{"iss":"a","iss":"https://id.example.com"}"#),
        ),
        ("strict JSON", compact(r#"{"alg":"RS256"}"#, "[]")),
        ("strict JSON", compact(r#"{"alg":"RS256"}"#, "\u{feff}{}")),
        ("strict JSON", compact(r#"{"alg":"RS256"}"#, r#"{"sub":"\ud800"}"#)),
        ("strict JSON", compact(r#"{"alg":"RS256"}"#, "")),
    ] {
        refused(what, &text);
    }
    let latin = Base64UrlUnpadded::encode_string(b"{\"sub\":\"\xFC\"}");
    refused("UTF-8", &format!("{header}.{latin}.{signature}"));
}

#[test]
fn the_longest_token_that_is_read_has_64_kib() {
    // Base64url has no text of four characters and one more.
    let right = (0..4).map(|n| token(&json!({ "more": "x".repeat(n) }))).find_map(|token| {
        let start = token.rsplit_once('.').unwrap().0.to_owned() + ".";
        let rest = 64 * 1024 - start.len();
        (rest % 4 != 1).then(|| start + &"A".repeat(rest))
    });
    assert!(checked(&right.unwrap()).is_ok());
}

#[test]
fn an_error_says_nothing_of_the_token_st9_t23() {
    let message = checked(&token(&json!({ "iss": "hunter2", "sub": "hunter2" }))).unwrap_err();
    assert!(!message.contains("hunter2"), "{message}");
}

proptest! {
    #[test]
    fn no_token_panics_jb1(text in ".{0,60}", header in "\\PC{0,30}", payload in "\\PC{0,40}") {
        prop_assert!(checked(&text).is_err());
        prop_assert!(checked(&compact(&header, &payload)).is_err());
    }

    #[test]
    fn no_times_panic_id11(exp: i64, iat: i64, nbf: i64, now: i64, auth_time: f64) {
        let changes = json!({ "exp": exp, "iat": iat, "nbf": nbf, "auth_time": auth_time });
        let expected = Expected { server_now: UnixMillis(now), ..expected() };
        let _ = check(&Secret::new(token(&changes)), &expected);
    }
}
