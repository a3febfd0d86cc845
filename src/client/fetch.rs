//! A request in the vault's words, and the vault's answer as a `Response`.

use std::{cell::Cell, fmt, future::Future, rc::Rc};

use futures_channel::oneshot;
use js_sys::{Array, ArrayBuffer, Object};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Headers, MessagePort, Request, RequestMode, Response};

use super::{
    body,
    link::{Link, message},
    state,
    told::first,
};
use crate::{
    browser::{
        event, object,
        url::{self, BrowserUrls},
    },
    error::{AuthError, Code, Phase},
    url::ParseUrl,
};

/// What is passed on where it differs from what a request has by itself.
const MEMBERS: [&str; 6] =
    ["credentials", "cache", "redirect", "referrerPolicy", "integrity", "keepalive"];

/// Why there is no answer. An HTTP status is none of these.
#[derive(Clone, Debug)]
pub enum FetchError {
    /// A decision of tokenward's own: nobody is signed in, or the target is outside the resources.
    Auth(AuthError),
    /// As the browser's own `fetch` fails: no connection, no CORS. The browser's words.
    Network(String),
    /// The request's signal aborted; its reason.
    Aborted(JsValue),
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auth(error) => error.fmt(f),
            Self::Network(message) => f.write_str(message),
            Self::Aborted(_) => f.write_str("the request was aborted"),
        }
    }
}

impl std::error::Error for FetchError {}

impl From<AuthError> for FetchError {
    fn from(error: AuthError) -> Self {
        Self::Auth(error)
    }
}

/// Sends a request through the vault that `reach` finds; like `fetch` in everything but its errors.
pub(super) async fn send(
    reach: impl Future<Output = Result<Rc<Link>, AuthError>>,
    request: &Request,
) -> Result<Response, FetchError> {
    check(request)?;
    let signal = request.signal();
    if signal.aborted() {
        return Err(FetchError::Aborted(signal.reason()));
    }
    let (sender, is_aborted) = oneshot::channel();
    let sender = Cell::new(Some(sender));
    // Until there is an answer; then the body's own stream ends with the signal.
    let _listening = event::on(&signal, "abort", move |_| {
        sender.take().map(|sender| sender.send(()));
    });
    let aborted = async {
        let _ = is_aborted.await;
        Err(FetchError::Aborted(signal.reason()))
    };
    // What is dropped on the way takes its question back.
    first(aborted, answered(reach, request, &signal)).await
}

async fn answered(
    reach: impl Future<Output = Result<Rc<Link>, AuthError>>,
    request: &Request,
    signal: &AbortSignal,
) -> Result<Response, FetchError> {
    let (question, body) = parts(request).await.map_err(|error| network(&error))?;
    let link = reach.await?;
    let call = link.ask(&question, body.as_ref());
    let id = call.id();
    let answer = call.answer().await?;
    if state::text(&answer, "type") == "networkFailed" {
        return Err(FetchError::Network(state::text(&answer, "message")));
    }
    let ends = match link.over() {
        Some(over) => AbortSignal::any(&Array::of2(signal, &over)),
        None => signal.clone(),
    };
    let drop = move || link.abort(id);
    respond(&answer, &ends, drop).map_err(|error| network(&error))
}

fn check(request: &Request) -> Result<(), AuthError> {
    if request.body_used() {
        let message = "the body was used before: pass a clone";
        return Err(AuthError::new(Code::BodyUsed, Phase::Fetch, message));
    }
    if request.mode() != RequestMode::Cors {
        return Err(invalid("a mode other than `cors` carries no credential: leave it out"));
    }
    if request.headers().has("authorization").unwrap_or_default() {
        return Err(invalid("the vault writes `Authorization`: leave it out"));
    }
    Ok(())
}

pub(super) fn invalid(message: &'static str) -> AuthError {
    AuthError::new(Code::RequestInvalid, Phase::Fetch, message)
}

async fn parts(request: &Request) -> Result<(Object, Option<ArrayBuffer>), JsValue> {
    let (url, method) = (request.url(), request.method());
    let question = message("fetch");
    object::set(&question, "url", &JsValue::from_str(&url));
    object::set(&question, "method", &JsValue::from_str(&method));
    let headers: JsValue = pairs(&request.headers())?.into();
    object::set(&question, "headers", &headers);
    let (usual, options) = (Request::new_with_str(&url)?, Array::new());
    let pass_on = |name, value: &str| {
        options.push(&Array::of2(&JsValue::from_str(name), &JsValue::from_str(value)));
    };
    for name in MEMBERS {
        let value = object::own_or_inherited(request, name);
        if value != object::own_or_inherited(&usual, name) {
            // One of them is no text, and differs only where it is set.
            pass_on(name, &value.as_string().unwrap_or_else(|| "true".to_owned()));
        }
    }
    // An empty referrer says that there is none; a worker's own would be another page than the caller's.
    if request.referrer().is_empty() {
        pass_on("referrerPolicy", "no-referrer");
    }
    object::set(&question, "options", &options);
    // Not asked of `request.body`, which Firefox does not have.
    if method == "GET" || method == "HEAD" {
        return Ok((question, None));
    }
    let body: ArrayBuffer = JsFuture::from(request.array_buffer()?).await?.unchecked_into();
    Ok((question, Some(body).filter(|body| body.byte_length() > 0)))
}

fn pairs(headers: &Headers) -> Result<Array, JsValue> {
    let pairs = Array::new();
    for pair in js_sys::try_iter(headers)?.into_iter().flatten() {
        pairs.push(&pair?);
    }
    Ok(pairs)
}

fn respond(
    answer: &Object,
    ends: &AbortSignal,
    drop: impl Fn() + 'static,
) -> Result<Response, JsValue> {
    let status = state::number(answer, "status").unwrap_or_default();
    let body = object::own(answer, "body").dyn_into::<MessagePort>().ok();
    let body = body.map(|port| body::gathered(port, ends, drop)).transpose()?;
    let init = Object::new();
    // The network has statuses beyond 599, the constructor has not.
    let plain = if status < 600 { status } else { 500 };
    object::set(&init, "status", &JsValue::from(i32::try_from(plain).unwrap_or(500)));
    object::set(&init, "statusText", &object::own(answer, "statusText"));
    object::set(&init, "headers", &object::own(answer, "headers"));
    let response =
        Response::new_with_opt_readable_stream_and_init(body.as_ref(), init.unchecked_ref())?;
    for name in ["status", "url", "redirected", "unrepeated"] {
        define(&response, name, &object::own(answer, name));
    }
    let address = BrowserUrls.parse(&state::text(answer, "url"), None);
    let is_own = address.is_some_and(|address| address.origin == url::own_origin());
    define(&response, "type", &JsValue::from_str(if is_own { "basic" } else { "cors" }));
    Ok(response)
}

/// Gives a response what only the network can give.
fn define(response: &Response, name: &str, value: &JsValue) {
    let property = Object::new();
    object::set(&property, "value", value);
    Object::define_property(response, &JsValue::from_str(name), &property);
}

fn network(error: &JsValue) -> FetchError {
    FetchError::Network(object::error_message(error))
}
