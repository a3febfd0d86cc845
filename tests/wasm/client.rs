//! The page's side in Rust, with the vault in this very page.

use std::{cell::RefCell, rc::Rc};

use tokenward::{
    client::{Client, FetchError, Options, Place, SignIn, State},
    config::Resource,
    error::Code,
    session::snapshot::SignedOutReason,
};
use wasm_bindgen_futures::spawn_local;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::{AbortController, Request, RequestInit, RequestMode};

fn options(client_id: &str) -> Options {
    let mut options = Options::new("https://id.example.com", client_id, "/callback");
    options.resources.push(Resource::at("https://api.example.com"));
    options
}

fn open(client_id: &str) -> Client {
    Client::open(&options(client_id), &Place::Page).expect("the options are right")
}

fn refusal<T>(outcome: Result<T, FetchError>) -> Code {
    match outcome.err() {
        Some(FetchError::Auth(error)) => error.code,
        other => panic!("no decision of tokenward's own: {other:?}"),
    }
}

fn request(url: &str, init: &RequestInit) -> Request {
    Request::new_with_str_and_init(url, init).expect("a request")
}

#[wasm_bindgen_test]
async fn a_new_client_learns_that_nobody_is_signed_in() {
    let client = open("new");
    assert_eq!(client.state(), State::Restoring);
    let states = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&states);
    let subscription = client.subscribe(move |state| seen.borrow_mut().push(state.clone()));
    client.ready().await.expect("the vault is in this page");
    let nobody = State::SignedOut { reason: SignedOutReason::NoSession, error: None };
    assert_eq!(client.state(), nobody);
    assert_eq!(*states.borrow(), [nobody]);
    assert_eq!((client.return_to(), client.callback_error()), (None, None));
    drop(subscription);
}

#[wasm_bindgen_test]
async fn a_dropped_subscription_hears_nothing() {
    let client = open("quiet");
    let heard = Rc::new(RefCell::new(0));
    let count = Rc::clone(&heard);
    drop(client.subscribe(move |_| *count.borrow_mut() += 1));
    client.ready().await.expect("the vault is in this page");
    assert_eq!(*heard.borrow(), 0);
}

#[wasm_bindgen_test]
fn wrong_options_are_refused_at_once_with_every_problem() {
    let options = Options::new("http://id.example.com", "", "https://other.example/");
    let error = Client::open(&options, &Place::Page).expect_err("three problems");
    assert_eq!(error.code, Code::ConfigInvalid);
    for name in ["issuer", "clientId", "redirectUri"] {
        assert!(error.message.contains(name), "{name} is missing from: {}", error.message);
    }
    let elsewhere = Place::shared("https://other.example/vault.js");
    let error = Client::open(&self::options("spa"), &elsewhere).expect_err("another origin");
    assert_eq!(error.code, Code::ConfigInvalid);
}

#[wasm_bindgen_test]
async fn requests_are_refused_before_anything_is_sent_t6() {
    let client = open("refused");
    for (url, code) in [
        ("https://api.example.com/me", Code::NotSignedIn),
        ("https://api.example.com.evil.example/", Code::TargetNotAllowed),
        ("https://id.example.com/token", Code::TargetNotAllowed),
        ("https://", Code::RequestInvalid),
    ] {
        assert_eq!(refusal(client.get(url).await), code, "{url}");
    }
    let init = RequestInit::new();
    init.set_mode(RequestMode::NoCors);
    let opaque = request("https://api.example.com/me", &init);
    assert_eq!(refusal(client.fetch(&opaque).await), Code::RequestInvalid);
    let with_token = Request::new_with_str("https://api.example.com/me").expect("a request");
    with_token.headers().set("authorization", "Bearer mine").expect("a header");
    assert_eq!(refusal(client.fetch(&with_token).await), Code::RequestInvalid);
}

#[wasm_bindgen_test]
async fn a_body_is_read_once() {
    let client = open("body");
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_body(&"text".into());
    let request = request("https://api.example.com/me", &init);
    assert_eq!(refusal(client.fetch(&request).await), Code::NotSignedIn);
    assert_eq!(refusal(client.fetch(&request).await), Code::BodyUsed);
}

#[wasm_bindgen_test]
async fn an_abort_ends_a_request_with_the_callers_reason() {
    for is_under_way in [false, true] {
        let client = open("abort");
        let abort = AbortController::new().expect("a browser has them");
        let init = RequestInit::new();
        init.set_signal(Some(&abort.signal()));
        let request = request("https://api.example.com/me", &init);
        let end = move || abort.abort_with_reason(&"enough".into());
        if is_under_way {
            // After the request began, and before there is a vault that could refuse it.
            spawn_local(async move { end() });
        } else {
            end();
        }
        match client.fetch(&request).await {
            Err(FetchError::Aborted(reason)) => assert_eq!(reason, "enough"),
            other => panic!("not aborted: {other:?}"),
        }
    }
}

#[wasm_bindgen_test]
async fn the_vault_decides_on_sign_ins_and_exports() {
    let client = open("decides");
    let hostile = SignIn { return_to: Some("//evil.example".to_owned()), ..SignIn::default() };
    let error = client.sign_in(hostile).await.expect_err("another origin");
    assert_eq!(error.code, Code::ReturnToInvalid);
    let error = client.export_access_token().await.expect_err("not configured");
    assert_eq!(error.code, Code::ExportNotAllowed);
    client.sign_out_locally().await.expect("nobody was signed in");
}

#[wasm_bindgen_test]
async fn a_closed_client_says_so_and_another_takes_its_place() {
    let client = open("closed");
    let other = client.clone();
    client.ready().await.expect("the vault is in this page");
    client.close();
    assert_eq!(other.ready().await.expect_err("closed").code, Code::Closed);
    assert_eq!(refusal(other.get("https://api.example.com/").await), Code::Closed);
    open("closed").ready().await.expect("the same vault");
}

#[wasm_bindgen_test]
async fn a_missing_worker_script_is_named() {
    let nowhere = Place::shared("/nowhere/vault.js");
    let client = Client::open(&options("nowhere"), &nowhere).expect("the options are right");
    let error = client.ready().await.expect_err("there is no such script");
    assert_eq!(error.code, Code::VaultUnavailable);
    assert!(error.message.contains("/nowhere/vault.js"), "{}", error.message);
}

#[wasm_bindgen_test]
async fn a_vault_in_which_nobody_signed_in_has_no_events() {
    let client = open("events");
    let listening = client.on_event(|event| panic!("nothing happened: {event:?}"));
    client.ready().await.expect("the vault is in this page");
    assert_eq!(client.diagnostics().await.expect("the vault answers"), []);
    drop(listening);
    client.close();
    assert_eq!(client.diagnostics().await.map_err(|error| error.code), Err(Code::Closed));
}
