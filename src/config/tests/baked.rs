//! The one configuration of a vault, against what pages ask for.

use super::*;

fn admitted(changes: &Value, baked: Option<&Value>) -> Result<Config, AuthError> {
    let baked = baked.map(options);
    Config::admit(&options(changes), baked.as_deref(), PAGE, &Oracle)
}

#[test]
fn the_same_configuration_is_served_however_it_is_written_t4() {
    let baked = json!({ "scope": ["openid"], "redirectUri": "https://app.example.com/callback" });
    for same in [
        json!({}),
        json!({ "scope": ["openid"], "restore": "redirect" }),
        json!({ "resources": [{ "origin": "HTTPS://api.example.com:443/" }], "dpop": false }),
        json!({ "timeouts": {}, "logout": { "endSession": true } }),
    ] {
        let config = admitted(&same, Some(&baked)).unwrap();
        assert_eq!(config, checked(&same).unwrap());
    }
}

#[test]
fn every_other_configuration_is_refused_st4_t4() {
    let baked = json!({ "logout": { "endSession": false } });
    for other in [
        json!({}),
        json!({ "issuer": "https://id.example.com/" }),
        json!({ "issuer": "https://evil.example" }),
        json!({ "clientId": "spa2" }),
        json!({ "redirectUri": "/other" }),
        json!({ "silentRedirectUri": "/silent" }),
        json!({ "scope": ["openid", "admin"] }),
        json!({ "resources": [{ "origin": "https://api.example.com" }, { "origin": "https://evil.example" }] }),
        json!({ "resources": [{ "origin": "https://evil.example" }] }),
        json!({ "resources": [{ "origin": "https://api.example.com", "paths": ["/me"] }] }),
        json!({ "resource": ["https://evil.example"] }),
        json!({ "endpoints": { "authorization": "https://id.example.com/a", "token": "https://evil.example/t",
            "jwks": "https://id.example.com/k" } }),
        json!({ "extraParams": { "audience": "x" } }),
        json!({ "pushAuthorizationRequests": true }),
        json!({ "dpop": true }),
        json!({ "restore": "none" }),
        json!({ "allowTokenExport": true }),
        json!({ "allowPasswordGrant": "deprecated" }),
        json!({ "timeouts": { "networkMs": 5000 } }),
        json!({ "apiKeys": { "k": {} } }),
        json!({ "appOrigins": ["https://other.example.com"] }),
    ] {
        let mut other = other;
        // The first one lacks this alone; of each other it is the one thing that agrees.
        if other != json!({}) {
            other["logout"] = baked["logout"].clone();
        }
        let error = admitted(&other, Some(&baked)).unwrap_err();
        assert_eq!((error.code, error.phase), (Code::ConfigInvalid, Phase::Config), "{other}");
        assert!(error.message.contains("npx tokenward init --config"), "{}", error.message);
    }
    assert!(admitted(&baked, Some(&baked)).is_ok());
}

#[test]
fn what_is_wrong_is_refused_whoever_wrote_it_st4() {
    let wrong = json!({ "issuer": "http://id.example.com" });
    let error = admitted(&json!({}), Some(&wrong)).unwrap_err();
    assert!(error.message.contains("those in this vault are wrong"), "{}", error.message);
    let error = admitted(&wrong, Some(&wrong)).unwrap_err();
    assert!(error.message.contains("`issuer` must be https"), "{}", error.message);
    let text = options(&json!({}));
    let error = Config::admit(&text, Some("{"), PAGE, &Oracle).unwrap_err();
    assert_eq!(error.code, Code::ConfigInvalid);
}

#[test]
fn origins_of_an_application_stand_in_a_vault_alone_t14() {
    let framed = json!({ "appOrigins": ["https://other.example.com", "http://localhost:8100"] });
    let error = admitted(&framed, None).unwrap_err();
    assert!(error.message.contains("`appOrigins` is for"), "{}", error.message);
    let config = admitted(&framed, Some(&framed)).unwrap();
    assert_eq!(config.app_origins, ["https://other.example.com", "http://localhost:8100"]);
    for wrong in [
        json!([]),
        json!(["https://app.example.com"]),
        json!(["https://other.example.com/"]),
        json!(["https://OTHER.example.com"]),
        json!(["https://other.example.com:443"]),
        json!(["https://other.example.com/path"]),
        json!(["https://*.example.com"]),
        json!(["http://other.example.com"]),
        json!(["*"]),
        json!(["null"]),
        json!([""]),
    ] {
        refused("appOrigins", &json!({ "appOrigins": wrong }));
    }
}

#[test]
fn cookies_are_for_a_vault_with_a_configuration_alone_ck4_st4() {
    let cookie = |changes: serde_json::Value| {
        let mut cookie = json!({
            "token": "https://app.example.com/token",
            "revocation": "https://app.example.com/revoke",
        });
        for (name, value) in changes.as_object().unwrap() {
            cookie[name] = value.clone();
        }
        json!({ "refreshCookie": cookie })
    };
    let wanted = cookie(json!({}));
    let error = admitted(&wanted, None).unwrap_err();
    assert!(
        error.message.contains("`refreshCookie` is for `npx tokenward init"),
        "{}",
        error.message
    );
    let config = admitted(&wanted, Some(&wanted)).unwrap().refresh_cookie.unwrap();
    assert_eq!(config.token, "https://app.example.com/token");
    assert_eq!(config.revocation, "https://app.example.com/revoke");
    assert_eq!(config.header, "X-Tokenward");
    for (member, wrong) in [
        ("token", json!("http://app.example.com/token")),
        ("token", json!("/token")),
        ("revocation", json!(null)),
        ("revocation", json!("https://a@app.example.com/")),
        ("header", json!("Cookie")),
        ("header", json!("content-type")),
        ("header", json!("Accept-Language")),
        ("header", json!("authorization")),
        ("header", json!("")),
        ("headers", json!({})),
    ] {
        refused(&["refreshCookie.", member].concat(), &cookie(json!({ member: wrong })));
    }
    let mut nobodys = cookie(json!({}));
    nobodys["scope"] = json!(["read"]);
    refused("refreshCookie", &nobodys);
    let mut both = cookie(json!({ "header": "X-CSRF" }));
    both["persistence"] = json!("sealed-unbound");
    refused("persistence", &both);
}

#[test]
fn sessions_are_restored_in_a_frame_by_a_vault_with_a_configuration_alone_st4() {
    let framed = json!({ "restore": "frame", "silentRedirectUri": "/tokenward/callback.html" });
    let error = admitted(&framed, None).unwrap_err();
    assert_eq!((error.code, error.phase), (Code::ConfigInvalid, Phase::Config));
    let told = "`restore` is \"frame\" for `npx tokenward init --config` alone";
    assert!(error.message.contains(told), "{}", error.message);
    assert!(error.message.contains("or take \"redirect\""), "{}", error.message);
    assert_eq!(admitted(&framed, Some(&framed)).unwrap().restore, Restore::Frame);
    // Where the vault has another way, a page cannot choose.
    let redirect = json!({ "silentRedirectUri": "/tokenward/callback.html" });
    assert!(admitted(&framed, Some(&redirect)).is_err());
    assert!(admitted(&redirect, Some(&framed)).is_err());
    refused("restore", &json!({ "restore": "frame" }));
    let mut elsewhere = framed;
    elsewhere["appOrigins"] = json!(["https://other.example.com"]);
    refused("restore", &elsewhere);
}
