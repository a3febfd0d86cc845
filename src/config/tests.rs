//! Options, right and wrong.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::url::oracle::Oracle;

mod baked;

const PAGE: &str = "https://app.example.com/some/page";

fn options(changes: &Value) -> String {
    let mut options = json!({
        "issuer": "https://id.example.com",
        "clientId": "spa",
        "redirectUri": "/callback",
        "resources": [{ "origin": "https://api.example.com" }],
    });
    for (name, value) in changes.as_object().unwrap() {
        options[name] = value.clone();
    }
    options.to_string()
}

pub(super) fn checked(changes: &Value) -> Result<Config, AuthError> {
    Config::check(&options(changes), PAGE, &Oracle)
}

/// The problems told, without the line before them.
pub(super) fn problems(changes: &Value) -> Vec<String> {
    let error = checked(changes).err();
    let error = error.unwrap_or_else(|| panic!("accepted: {changes}"));
    assert_eq!((error.code, error.phase), (Code::ConfigInvalid, Phase::Config));
    error.message.lines().skip(1).map(|line| line.trim_start_matches("- ").to_owned()).collect()
}

/// That there is one problem, with `name`.
pub(super) fn refused(name: &str, changes: &Value) {
    let problems = problems(changes);
    assert!(
        problems.len() == 1 && problems[0].starts_with(&format!("`{name}`")),
        "{changes}: {problems:?}"
    );
}

#[test]
fn defaults_stand_in_for_what_is_absent() {
    let config = checked(&json!({})).unwrap();
    assert_eq!(config.redirect_uri, "https://app.example.com/callback");
    assert_eq!(config.scope, ["openid"]);
    assert!(config.is_openid() && config.logout.end_session && !config.allow_token_export);
    assert!(!config.logout.id_token_hint && !config.push_authorization_requests);
    assert!(!config.allow_password_grant, "ro1");
    assert_eq!((config.network_timeout, config.restore), (Millis(10_000), Restore::Redirect));
    assert_eq!(config.page_origin, "https://app.example.com");
    let resource = &config.resources[0];
    assert_eq!((resource.paths.as_ref(), resource.methods.as_ref()), (None, None));
    assert_eq!((config.endpoints, config.logout.post_logout_redirect_uri), (None, None));
}

#[test]
fn everything_can_be_set() {
    let config = checked(&json!({
        "issuer": "https://id.example.com/tenant/",
        "redirectUri": "https://app.example.com/callback?from=id",
        "scope": ["profile"],
        "resources": [
            { "origin": "HTTPS://API.example.com:443/", "paths": ["/v1", "/v2/"], "methods": ["GET"],
              "credential": "bearer" },
            { "origin": "http://localhost:8100" },
        ],
        "resource": ["https://api.example.com/v1", "urn:example:api"],
        "endpoints": {
            "authorization": "https://id.example.com/authorize?p=1",
            "token": "https://id.example.com/token", "revocation": "https://id.example.com/revoke",
            "endSession": "https://id.example.com/end", "jwks": "https://id.example.com/jwks",
            "pushedAuthorizationRequest": "https://id.example.com/par",
            "userinfo": "https://id.example.com/me",
        },
        "pushAuthorizationRequests": true,
        "extraParams": { "audience": "https://api.example.com", "prompt": "login" },
        "logout": { "postLogoutRedirectUri": "https://app.example.com", "endSession": false,
            "idTokenHint": "expose" },
        "restore": "none",
        "allowTokenExport": true,
        "allowPasswordGrant": "deprecated",
        "timeouts": { "networkMs": 120_000 },
    }))
    .unwrap();
    assert_eq!(config.issuer, "https://id.example.com/tenant/", "as given");
    assert_eq!(config.redirect_uri, "https://app.example.com/callback?from=id");
    assert!(!config.is_openid());
    assert_eq!(config.resources[0].origin, "https://api.example.com", "canonical");
    assert_eq!(
        config.resources[0].paths.as_deref(),
        Some(&["/v1".to_owned(), "/v2/".to_owned()][..])
    );
    assert_eq!(config.resource, ["https://api.example.com/v1", "urn:example:api"], "as given");
    assert!(config.push_authorization_requests);
    let endpoints = config.endpoints.unwrap();
    assert_eq!(endpoints.authorization, "https://id.example.com/authorize?p=1");
    assert_eq!(endpoints.userinfo.as_deref(), Some("https://id.example.com/me"));
    let par = endpoints.pushed_authorization_request;
    assert_eq!(par.as_deref(), Some("https://id.example.com/par"));
    assert_eq!(config.extra_params.len(), 2);
    assert_eq!(config.logout.post_logout_redirect_uri.as_deref(), Some("https://app.example.com"));
    assert!(config.allow_token_export && !config.logout.end_session);
    assert!(config.logout.id_token_hint && config.allow_password_grant);
    assert_eq!(config.restore, Restore::None);
}

#[test]
fn every_problem_is_told_at_once() {
    let text = r#"{"issuer":"http://id.example.com","client_id":"spa","redirectURL":"/cb",
        "scope":"openid","resources":[{"origin":"https://api.example.com/v1","path":"/x"}],
        "timeouts":{"networkMs":5}}"#;
    let error = Config::check(text, PAGE, &Oracle).unwrap_err();
    for expected in [
        "`issuer` must be https",
        "`client_id` is unknown: did you mean `clientId`?",
        "`clientId` is missing",
        "`redirectURL` is unknown: did you mean `redirectUri`?",
        "`redirectUri` is missing",
        "`scope` must be an array of strings",
        "`resources[0].path` is unknown: did you mean `paths`?",
        "`resources[0].origin` must be an origin alone",
        "`timeouts.networkMs` must be from 1000",
    ] {
        assert!(error.message.contains(expected), "{expected} is not in {}", error.message);
    }
    assert_eq!(error.message.lines().count(), 10);
}

#[test]
fn unknown_options_are_named_and_meant_ones_suggested() {
    for (wrong, meant) in [
        ("ISSUER", "issuer"),
        ("clientid", "clientId"),
        ("redirect_uri", "redirectUri"),
        ("scopes", "scope"),
        ("resorces", "resources"),
        ("allowTokensExport", "allowTokenExport"),
        ("timeout", "timeouts"),
    ] {
        let problem = problems(&json!({ wrong: 1 })).remove(0);
        assert_eq!(problem, format!("`{wrong}` is unknown: did you mean `{meant}`?"));
    }
    for wrong in ["storage", "x", "", "isolation", "__proto__", "<b>\u{202e}"] {
        let problem = problems(&json!({ wrong: 1 })).remove(0);
        assert!(problem.ends_with("is unknown") && !problem.contains('<'), "{problem}");
    }
}

#[test]
fn a_seal_wants_bound_tokens_or_the_word_for_doing_without_st1() {
    let persistence = |word: &str, is_bound: bool| {
        let options = json!({ "persistence": word, "dpop": is_bound });
        checked(&options).map(|config| (config.persistence, config.is_sealed()))
    };
    assert_eq!(persistence("memory", false), Ok((Persistence::Memory, false)));
    assert_eq!(persistence("sealed", true), Ok((Persistence::Sealed, true)));
    let unbound = Ok((Persistence::SealedUnbound, true));
    assert_eq!(
        (persistence("sealed-unbound", false), persistence("sealed-unbound", true)),
        (unbound.clone(), unbound)
    );
    let refused = persistence("sealed", false).unwrap_err();
    assert_eq!(refused.code, Code::ConfigInvalid);
    for words in ["dpop: true", "sealed-unbound", "anywhere"] {
        assert!(refused.message.contains(words), "{}", refused.message);
    }
    assert!(persistence("forever", true).is_err());
}

#[test]
fn a_browser_has_no_client_secret_tk2() {
    for name in ["clientSecret", "client_secret"] {
        let problem = problems(&json!({ name: "hunter2" })).remove(0);
        assert!(problem.contains("register a public client") && !problem.contains("hunter2"));
    }
}

#[test]
fn issuers_ds1_ar10() {
    for bad in [
        "http://id.example.com",
        "https://id.example.com?x=1",
        "https://id.example.com?",
        "https://id.example.com#x",
        "https://id.example.com#",
        "https://user@id.example.com",
        "id.example.com",
        "//id.example.com",
        "/id",
        "",
        " https://id.example.com",
        "https:id.example.com",
        "https:///id.example.com",
        r"https:\\id.example.com",
        "https://id.example.com\n",
        "ftp://id.example.com",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
    ] {
        refused("issuer", &json!({ "issuer": bad }));
    }
    for good in ["http://127.0.0.1:8100", "http://localhost/", "http://[::1]:1", "https://x/y/z"] {
        assert_eq!(checked(&json!({ "issuer": good })).unwrap().issuer, good);
    }
}

#[test]
fn redirect_uris_ar9_ar10() {
    for bad in [
        "callback",
        "https://evil.example/callback",
        "http://app.example.com/callback",
        "https://app.example.com:8443/callback",
        "//evil.example/callback",
        r"/\evil.example",
        "/callback#x",
        "/callback#",
        "https://user@app.example.com/callback",
        "https://app.example.com.evil.example/",
        "javascript:alert(1)",
        "",
        "/call back",
    ] {
        refused("redirectUri", &json!({ "redirectUri": bad }));
    }
    let given = "https://APP.example.com:443/a/../cb";
    assert_eq!(checked(&json!({ "redirectUri": given })).unwrap().redirect_uri, given, "as given");
    let insecure = Config::check(&options(&json!({})), "http://app.example.com/", &Oracle);
    assert!(insecure.unwrap_err().message.contains("serve the page so"));
    let local = Config::check(&options(&json!({})), "http://localhost:5173/", &Oracle).unwrap();
    assert_eq!(local.redirect_uri, "http://localhost:5173/callback");
    assert!(Config::check(&options(&json!({})), "no page", &Oracle).is_err());
}

#[test]
fn resource_origins_t6_t8_br3() {
    for bad in [
        "http://api.example.com",
        "https://api.example.com/v1",
        "https://api.example.com?",
        "https://api.example.com/?x",
        "https://api.example.com#",
        "https://user:word@api.example.com",
        "https://*.example.com",
        "*",
        "/",
        "null",
        "api.example.com",
        "blob:https://api.example.com/x",
        "data:,x",
        "wss://api.example.com",
    ] {
        refused("resources[0].origin", &json!({ "resources": [{ "origin": bad }] }));
    }
    assert!(checked(&json!({ "resources": [] })).unwrap().resources.is_empty());
}

#[test]
fn resource_paths_and_methods_st8() {
    let with = |member: &str, value: Value| json!({ "resources": [{ "origin": "https://api.example.com", member: value }] });
    for bad in [
        json!([]),
        json!(["v1"]),
        json!([""]),
        json!(["/v1/../v2"]),
        json!(["/v1/%2e%2e/v2"]),
        json!(["/v1%2Fv2"]),
        json!(["/a b"]),
        json!(["//v1"]),
        json!(["/v1?x"]),
        json!(["/v1#x"]),
        json!([r"/v1\v2"]),
        json!(["/\u{e9}"]),
        json!("/v1"),
        json!([1]),
    ] {
        refused("resources[0].paths", &with("paths", bad));
    }
    for bad in [
        json!([]),
        json!(["get"]),
        json!(["*"]),
        json!([""]),
        json!(["TRACE"]),
        json!(["CONNECT"]),
        json!("GET"),
        json!(["GET POST"]),
    ] {
        refused("resources[0].methods", &with("methods", bad));
    }
    refused("resources[0].credential", &with("credential", json!("dpop")));
    refused("resources[0]", &json!({ "resources": ["https://api.example.com"] }));
    refused("resources", &json!({ "resources": { "origin": "https://api.example.com" } }));
}

#[test]
fn scopes_and_client_ids() {
    for bad in
        [json!(["openid profile"]), json!([""]), json!(["a\"b"]), json!(["a", "a"]), json!([1])]
    {
        refused("scope", &json!({ "scope": bad }));
    }
    assert!(checked(&json!({ "scope": [] })).unwrap().scope.is_empty());
    for bad in [json!(""), json!("a\nb"), json!("\u{e9}"), json!(1), json!(null)] {
        refused("clientId", &json!({ "clientId": bad }));
    }
}

#[test]
fn extra_params_are_not_the_protocols_ar13() {
    for name in ["state", "client_secret", "redirect_uri", "id_token_hint", "request", "scope"] {
        refused(&format!("extraParams.{name}"), &json!({ "extraParams": { name: "x" } }));
    }
    refused("extraParams", &json!({ "extraParams": { "a": 1 } }));
    refused("extraParams", &json!({ "extraParams": ["a"] }));
    assert!(extra_param_problem("audience").is_none());
}

#[test]
fn endpoints_are_secure_and_both_needed_ds5_ar10() {
    let endpoints = json!({
        "authorization": "https://id.example.com/a", "token": "https://id.example.com/t",
        "jwks": "https://id.example.com/k",
    });
    for name in ["authorization", "token", "revocation", "endSession", "jwks"] {
        for bad in ["http://id.example.com/x", "/x", "https://u@id.example.com", "https://h/#x"] {
            let mut endpoints = endpoints.clone();
            endpoints[name] = json!(bad);
            refused(&format!("endpoints.{name}"), &json!({ "endpoints": endpoints }));
        }
    }
    let half = json!({ "authorization": "https://h/a", "jwks": "https://h/k" });
    refused("endpoints.token", &json!({ "endpoints": half }));
    let logout = json!({ "logout": { "postLogoutRedirectUri": "http://app.example.com" } });
    refused("logout.postLogoutRedirectUri", &logout);
}

#[test]
fn with_openid_the_keys_are_needed_jw1_jw2() {
    let mut endpoints = json!({
        "authorization": "https://id.example.com/a", "token": "https://id.example.com/t",
    });
    refused("endpoints.jwks", &json!({ "endpoints": endpoints }));
    let plain = json!({ "endpoints": endpoints, "scope": ["read"] });
    assert!(checked(&plain).is_ok(), "without ID tokens there is nothing to verify");
    endpoints["jwks"] = json!("https://keys.example.net/jwks");
    let algorithms = |names: Value| {
        let mut endpoints = endpoints.clone();
        endpoints["idTokenSigningAlgValuesSupported"] = names;
        json!({ "endpoints": endpoints })
    };
    let config = checked(&algorithms(json!(["ES256"]))).unwrap();
    let names = config.endpoints.unwrap().id_token_signing_alg_values_supported;
    assert_eq!(names, Some(vec!["ES256".to_owned()]));
    for wrong in [json!([]), json!("ES256"), json!([1])] {
        refused("endpoints.idTokenSigningAlgValuesSupported", &algorithms(wrong));
    }
}

#[test]
fn texts_that_are_no_options_t31() {
    let twice = r#"{"issuer":"https://a","issuer":"https://b"}"#;
    let huge = format!("{{\"x\":\"{}\"}}", "x".repeat(LIMIT));
    for text in ["", "null", "[]", "{", twice, &huge] {
        let error = Config::check(text, PAGE, &Oracle).unwrap_err();
        assert_eq!(error.code, Code::ConfigInvalid);
    }
    let many: Vec<String> = (0..500).map(|n| format!("\"zz{n}\":0")).collect();
    let error = Config::check(&format!("{{{}}}", many.join(",")), PAGE, &Oracle).unwrap_err();
    assert!(error.message.lines().count() < 40, "a message has an end");
    for wrong in [json!("yes"), json!(1), json!(null)] {
        refused("allowTokenExport", &json!({ "allowTokenExport": wrong }));
        refused("restore", &json!({ "restore": wrong }));
    }
    for wrong in [json!(999), json!(120_001), json!(1000.5), json!(-1), json!("5000"), json!(1e308)]
    {
        refused("timeouts.networkMs", &json!({ "timeouts": { "networkMs": wrong } }));
    }
}

#[test]
fn a_fingerprint_is_the_sha_256_of_the_text() {
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!((fingerprint("").as_str(), fingerprint("abc").as_str()), (empty, abc));
}

#[test]
fn the_table_of_options_has_no_name_twice() {
    let mut names: Vec<_> = OPTIONS.iter().map(|option| option.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), OPTIONS.len());
    assert!(OPTIONS.iter().all(|option| option.pinned || !option.required));
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,60}", page in "\\PC{0,20}") {
        prop_assert!(Config::check(&text, &page, &Oracle).is_err());
    }

    #[test]
    fn no_values_panic(issuer in "\\PC{0,20}", uri in "[/:.@?#a-c\\\\]{0,12}", path in "\\PC{0,10}") {
        let _ = checked(&json!({
            "issuer": issuer, "redirectUri": uri,
            "resources": [{ "origin": uri, "paths": [path] }],
        }));
    }
}

#[test]
fn resources_are_indicated_by_whole_uris_ar12() {
    for bad in ["", "api", "/v1", "https://api.example.com/#v1", "https://api.example.com/ v1", "#"]
    {
        refused("resource", &json!({ "resource": [bad] }));
    }
    refused("extraParams.resource", &json!({ "extraParams": { "resource": "https://a.example" } }));
}

#[test]
fn an_id_token_passes_through_the_page_by_one_word_alone_lo1() {
    for wrong in [json!(true), json!("yes"), json!("")] {
        refused("logout.idTokenHint", &json!({ "logout": { "idTokenHint": wrong } }));
    }
}

#[test]
fn a_password_grant_is_allowed_by_the_word_that_says_what_it_is_ro1() {
    for wrong in [json!(true), json!("yes"), json!("")] {
        refused("allowPasswordGrant", &json!({ "allowPasswordGrant": wrong }));
    }
}

#[test]
fn audiences_of_resources_st8_ar12() {
    let with = |default: &[&str], audiences: &[Option<&str>]| {
        let resource = |(at, audience): (usize, Option<&str>)| {
            let origin = format!("https://api{at}.example.com");
            audience.map_or_else(
                || json!({ "origin": origin }),
                |audience| json!({ "origin": origin, "resource": audience }),
            )
        };
        let resources: Vec<_> = audiences.iter().copied().enumerate().map(resource).collect();
        json!({ "resources": resources, "resource": default })
    };
    let (a, b) = (Some("urn:a"), Some("urn:b"));
    for (default, audiences, numbers, names) in [
        (&[][..], &[None, None][..], &[0, 0][..], &[""][..]),
        (&[], &[a, b, b, a], &[0, 1, 1, 0], &["urn:a", "urn:b"]),
        (&["urn:a"], &[None, b, a], &[0, 1, 0], &["urn:a", "urn:b"]),
        (&["urn:a", "urn:b"], &[None, b], &[0, 1], &["", "urn:b"]),
    ] {
        let config = checked(&with(default, audiences)).unwrap();
        let number = |resource: &Resource| config.audience(resource.resource.as_deref()).unwrap();
        assert_eq!(config.resources.iter().map(number).collect::<Vec<_>>(), numbers);
        assert_eq!(config.audiences, names);
        assert_eq!(config.audience(Some("urn:c")), None);
        let asked =
            if default.is_empty() { &names[..audiences[0].iter().count()] } else { default };
        assert_eq!(config.resource, asked, "the first is the default one");
    }
    refused("resource", &with(&[], &[None, b]));
    for bad in ["", "api", "https://api.example.com/#x", "https://a b.example"] {
        refused("resources[0].resource", &with(&["urn:a"], &[Some(bad)]));
    }
}
