//! The token endpoint's answers: whatever comes, a refresh keeps the user and never widens its scopes,
//! and no text of the answer reaches an error.
#![no_main]

use std::rc::Rc;

use libfuzzer_sys::fuzz_target;
use tokenward::{
    clock::{Millis, Now, ServerOffset, UnixMillis},
    config::{Config, Logout, Restore},
    oauth::token::HttpAnswer,
    secret::Secret,
    session::{grant::Grant, inputs::TokenRequest, outcome::judge},
};

const NOW: Now = Now { wall: UnixMillis(1_700_000_000_000), monotonic: Millis(5_000) };
const TEN_YEARS: Millis = Millis::from_secs(10 * 365 * 24 * 60 * 60);

fuzz_target!(|input: (u16, Option<&str>, Option<&str>, &[u8])| {
    let (status, retry_after, date, body) = input;
    // Most answers are good ones or refusals.
    let status = [200, 400, 401, 429, 500, status][usize::from(status % 6)];
    let answer = HttpAnswer {
        status,
        content_type: Some("application/json".to_owned()),
        retry_after: retry_after.map(str::to_owned),
        date: date.map(str::to_owned),
        body: body.to_vec(),
    };
    let grant = known();
    let refresh_token = Rc::new(Secret::from("rt"));
    let request = TokenRequest::Refresh { grant: Rc::new(grant.clone()), refresh_token };
    match judge(&request, Ok(answer), &config(), NOW) {
        Ok(renewed) => {
            assert_eq!(status, 200);
            assert!(renewed.refresh_token.is_some());
            assert!(renewed.scopes.iter().all(|scope| grant.scopes.contains(scope)));
            assert_eq!(renewed.expiry.is_some(), renewed.lifetime.is_some());
            let lives = [renewed.lifetime, renewed.refresh_end.and_then(|end| end.life)];
            assert!(lives.iter().flatten().all(|life| *life <= TEN_YEARS));
        }
        Err(failure) => {
            assert!(!failure.is_final || status < 500, "a failing server ends no session");
            assert!(failure.retry_after.is_none_or(|wait| wait <= Millis::from_secs(86_400)));
        }
    }
});

fn known() -> Grant {
    Grant {
        access_token: Rc::new(Secret::from("at")),
        refresh_token: Some(Rc::new(Secret::from("rt"))),
        id_token: None,
        claims: None,
        scopes: vec!["openid".to_owned(), "read".to_owned()],
        expiry: None,
        lifetime: None,
        refresh_end: None,
        offset: ServerOffset::default(),
    }
}

fn config() -> Config {
    Config {
        issuer: "https://id.example.com".to_owned(),
        client_id: "spa".to_owned(),
        redirect_uri: "https://app.example.com/callback".to_owned(),
        scope: vec!["openid".to_owned()],
        resources: Vec::new(),
        endpoints: None,
        extra_params: Vec::new(),
        logout: Logout { post_logout_redirect_uri: None, end_session: true },
        restore: Restore::Redirect,
        allow_token_export: false,
        network_timeout: Millis::from_secs(10),
        page_origin: "https://app.example.com".to_owned(),
    }
}
