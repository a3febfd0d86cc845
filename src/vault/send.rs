//! The provider's endpoints, and the application's own for keys and cookies: what is sent to them and what came
//! back, as bytes. Caches and redirects play no part, and cookies none at the provider.

use js_sys::Uint8Array;
use wasm_bindgen::JsValue;
use web_sys::{AbortSignal, Response};

use crate::{
    browser::fetch::{self, Failure, Outgoing},
    clock::Millis,
    config::RefreshCookie,
    error::{AuthError, Code, Phase},
    json,
    oauth::{dpop, token::HttpAnswer},
    secret::Secret,
    session::outcome::Unanswered,
};

/// The largest answer that is read, in bytes: a discovery document or a token answer.
const LIMIT: usize = 256 * 1024;

/// The headers and options that every request to the provider has.
const OPTIONS: &[(&str, &str)] = &[
    ("cache", "no-store"),
    ("credentials", "omit"),
    ("redirect", "error"),
    ("referrerPolicy", "no-referrer"),
];

/// Those of a request to the application's own origin, which knows its people by their cookies.
const OWN_OPTIONS: &[(&str, &str)] =
    &[("cache", "no-store"), ("credentials", "same-origin"), ("redirect", "error")];

/// Those of a request to the backend that has the refresh token: it knows whose by a cookie.
const COOKIE_OPTIONS: &[(&str, &str)] = &[
    ("cache", "no-store"),
    ("credentials", "include"),
    ("redirect", "error"),
    ("referrerPolicy", "no-referrer"),
];

/// What an address of the application's own origin answers.
pub(super) async fn get_own(url: &str, timeout: Millis) -> Result<HttpAnswer, Unanswered> {
    send("GET", url, None, &[], &[], OWN_OPTIONS, &fetch::timeout(timeout)).await
}

/// A document of the provider's.
pub(super) async fn get(url: &str, timeout: Millis) -> Result<Vec<u8>, AuthError> {
    let answer = send("GET", url, None, &[], &[], OPTIONS, &fetch::timeout(timeout))
        .await
        .map_err(|unanswered| unanswered.into_error(Phase::Discovery))?;
    if answer.status == 200 {
        return Ok(answer.body.clone());
    }
    Err(AuthError::new(
        Code::ProviderAnswerInvalid,
        Phase::Discovery,
        [
            "the provider answered with status ",
            &json::decimal(answer.status.into()),
            ": check `issuer`",
        ]
        .concat(),
    ))
}

/// Sends a form and wipes it, with the value of `DPoP` where there is one. A cookie goes along to the `backend` that
/// is named, and then a header by which it knows that no other site had the browser send this (RFC 10017, 6.1.3.3.2).
pub(super) async fn post(
    url: &str,
    form: &Secret,
    backend: Option<&RefreshCookie>,
    proof: Option<Secret>,
    signal: &AbortSignal,
) -> Result<HttpAnswer, Unanswered> {
    // exposed: the form is what the provider is to receive.
    let body = fetch::bytes_body(form.expose().as_bytes());
    let proof: Vec<_> = proof.map(|proof| (dpop::FIELD, proof)).into_iter().collect();
    let marks: Vec<_> = backend.map(|it| (it.header.clone(), "1".to_owned())).into_iter().collect();
    let options = if backend.is_some() { COOKIE_OPTIONS } else { OPTIONS };
    let answer = send("POST", url, Some(&body), &marks, &proof, options, signal).await;
    body.fill(0, 0, body.length());
    answer
}

async fn send(
    method: &str,
    url: &str,
    body: Option<&Uint8Array>,
    marks: &[(String, String)],
    credentials: &[(&str, Secret)],
    options: &[(&'static str, &str)],
    signal: &AbortSignal,
) -> Result<HttpAnswer, Unanswered> {
    let form = ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned());
    let accept = ("accept".to_owned(), "application/json".to_owned());
    let mut headers = marks.to_vec();
    headers.push(accept);
    headers.extend(body.map(|_| form));
    let outgoing = Outgoing {
        url,
        method,
        headers: &headers,
        credentials,
        body: body.map(AsRef::<JsValue>::as_ref),
        options,
        signal,
    };
    let response = outgoing.send().await.map_err(|failure| unanswered(&failure))?;
    read(&response).await.map_err(|failure| unanswered(&failure))
}

async fn read(response: &Response) -> Result<HttpAnswer, Failure> {
    // An answer past the limit is read as an empty one, which is no answer of any kind.
    let body = fetch::read_body(response, LIMIT).await?.unwrap_or_default();
    Ok(HttpAnswer {
        status: response.status(),
        content_type: fetch::header(response, "content-type"),
        retry_after: fetch::header(response, "retry-after"),
        date: fetch::header(response, "date"),
        dpop_nonce: fetch::header(response, "dpop-nonce"),
        body,
    })
}

fn unanswered(failure: &Failure) -> Unanswered {
    let transient = |code, message| AuthError::transient(code, Phase::Refresh, message);
    match failure {
        Failure::NotSent => Unanswered::NotSent(transient(
            Code::ProviderUnreachable,
            "the browser refused to send to the provider: check its address",
        )),
        Failure::TimedOut | Failure::Aborted => Unanswered::Lost(transient(
            Code::Timeout,
            "the provider did not answer in time (`timeouts.networkMs`)",
        )),
        Failure::Network(_) => Unanswered::Lost(transient(
            Code::ProviderUnreachable,
            "the provider could not be reached: check the network, that the provider allows this \
             origin (CORS), and that the vault's `connect-src` lists it",
        )),
    }
}
