//! The client: what an application holds.

use std::{
    cell::{Cell, RefCell},
    fmt,
    rc::{Rc, Weak},
};

use js_sys::{ArrayBuffer, Object, Uint8Array};
use wasm_bindgen::JsValue;
use web_sys::{Request, Response};

use super::{
    events,
    fetch::{self, FetchError},
    hello::Vault,
    inner::Inner,
    link::message,
    options::Options,
    place::{self, Place},
    state::{self, State},
};
use crate::{
    browser::{
        object,
        url::{self, BrowserUrls},
    },
    config::Config,
    error::{AuthError, Code, Phase},
    session::journal::Event,
    url::ParseUrl,
};

/// A session, as an application sees it. Clones are the same client; the last one dropped closes it.
#[derive(Clone)]
pub struct Client(Rc<Inner>);

/// What a sign-in asks for besides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignIn {
    /// Where the application wants to be afterwards; where it is now, if absent.
    pub return_to: Option<String>,
    /// `login`, `consent`, `select_account`, … (OpenID Connect Core, 3.1.2.1).
    pub prompt: Option<String>,
    /// Who is likely to sign in.
    pub login_hint: Option<String>,
    /// How long ago the person may have proved who they are, in seconds.
    pub max_age: Option<u32>,
    /// Authentication contexts, most wanted first, with spaces between.
    pub acr_values: Option<String>,
    /// Languages, most wanted first, with spaces between.
    pub ui_locales: Option<String>,
    /// Single claims, as JSON text (OpenID Connect Core, 5.5).
    pub claims: Option<String>,
    /// More parameters for this one authorization request.
    pub extra_params: Vec<(String, String)>,
}

/// A listener to a client's state or to events; dropping it stops it.
#[must_use = "a subscription ends when it is dropped"]
pub struct Subscription {
    client: Weak<Inner>,
    id: u64,
}

impl Client {
    /// A client for these options. It starts nothing before it is used.
    ///
    /// `config_invalid` with every problem of the options, by the vault's own rules; `no_browser`
    /// outside a page.
    pub fn open(options: &Options, place: &Place) -> Result<Self, AuthError> {
        let page = BrowserUrls.parse(&url::page_href(), None).ok_or_else(|| {
            AuthError::new(Code::NoBrowser, Phase::Vault, "no page here: call this in the page")
        })?;
        let text = options.to_json(&page.origin, &BrowserUrls);
        let config = Config::check(&text, &page.href, &BrowserUrls)?;
        let redirect_uri = BrowserUrls.parse(&config.redirect_uri, None);
        let script = place.script(&page)?;
        let redirect_uri = redirect_uri.unwrap_or_else(|| page.clone());
        let build = RefCell::new(place::BUILD.to_owned());
        let vault = Vault { config: text, script, page, generation: Cell::new(0), build };
        Ok(Self(Rc::new(Inner::new(vault, redirect_uri))))
    }

    /// Waits until it is known who is signed in, so until a callback was handled, however it ended. An
    /// error says why the vault cannot be reached; call it again to try again.
    pub async fn ready(&self) -> Result<(), AuthError> {
        self.0.ready().await
    }

    /// The session now.
    #[must_use]
    pub fn state(&self) -> State {
        self.0.state.borrow().clone()
    }

    /// Calls `listener` after each change of the state, until the subscription is dropped.
    pub fn subscribe(&self, listener: impl Fn(&State) + 'static) -> Subscription {
        let id = self.0.listen(Rc::new(listener));
        Subscription { client: Rc::downgrade(&self.0), id }
    }

    /// Calls `listener` with what becomes of the session from now on: sign-ins, renewals, failures, ends.
    pub fn on_event(&self, listener: impl Fn(&Event) + 'static) -> Subscription {
        let id = self.0.listen_to_events(Rc::new(listener));
        Subscription { client: Rc::downgrade(&self.0), id }
    }

    /// The last 100 events of the vault, the latest last.
    pub async fn diagnostics(&self) -> Result<Vec<Event>, AuthError> {
        events::read(&self.0.reach().await?).await
    }

    /// Sends the browser to the provider; comes to an end when it is on its way.
    pub async fn sign_in(&self, wanted: SignIn) -> Result<(), AuthError> {
        // First, for it cleans the address.
        let reaching = self.0.reach();
        let question = wanted.to_message();
        let call = reaching.await?.ask(&question, None);
        go(&state::text(&call.answer().await?, "url"));
        Ok(())
    }

    /// Where a finished sign-in wanted to be: there once, until the turn that reads it is over.
    #[must_use]
    pub fn return_to(&self) -> Option<String> {
        self.0.arrival.return_to()
    }

    /// Why the last callback failed; somebody may be signed in all the same, from before.
    #[must_use]
    pub fn callback_error(&self) -> Option<AuthError> {
        self.0.arrival.error()
    }

    /// Like the browser's own `fetch`, with the credential that the options have for the target. The
    /// body is read from `request`, as `fetch` does; its signal aborts, and so does dropping this.
    ///
    /// What `Response::clone` makes of the answer has its status, headers and body, not its `url`, `type` and
    /// `redirected`, which no script can give a response: read those from the answer itself.
    pub async fn fetch(&self, request: &Request) -> Result<Response, FetchError> {
        fetch::send(self.0.reach(), request).await
    }

    /// The same for a `GET` of `url`.
    pub async fn get(&self, url: &str) -> Result<Response, FetchError> {
        let request = Request::new_with_str(url)
            .map_err(|_| fetch::invalid("the request's URL is no URL that can be fetched"))?;
        self.fetch(&request).await
    }

    /// Ends the session for every tab. Where the provider is to end its own, the browser is sent there.
    pub async fn sign_out(&self) -> Result<(), AuthError> {
        self.end_session(false).await
    }

    /// Ends the session for every tab, and leaves the provider's own as it is.
    pub async fn sign_out_locally(&self) -> Result<(), AuthError> {
        self.end_session(true).await
    }

    /// Hands the vault a key, in place of the one it has: `apiKey:…` or `signature:…`, as resources name it.
    /// It is kept in memory alone, and until the next sign-out; the caller wipes its own copy.
    pub async fn set_key(&self, name: &str, key: &[u8]) -> Result<(), AuthError> {
        let body = Uint8Array::from(key).buffer();
        self.ask_key(name, Some(&body)).await
    }

    /// Has the vault forget a key.
    pub async fn forget_key(&self, name: &str) -> Result<(), AuthError> {
        self.ask_key(name, None).await
    }

    /// The provider's `UserInfo`, as JSON text, fetched by the vault; only where it is about whom the ID
    /// token was for.
    pub async fn user_info(&self) -> Result<String, AuthError> {
        let call = self.0.reach().await?.ask(&message("userInfo"), None);
        Ok(state::text(&call.answer().await?, "claims"))
    }

    /// Hands out the access token, only where `allow_token_export` is configured.
    pub async fn export_access_token(&self) -> Result<String, AuthError> {
        self.export(None).await
    }

    /// The same with the access token of the resources of this indicator (RFC 8707).
    pub async fn export_access_token_for(&self, resource: &str) -> Result<String, AuthError> {
        self.export(Some(resource)).await
    }

    /// Lets go of the vault. The session stays, for other tabs and for a new client.
    pub fn close(&self) {
        self.0.close();
    }

    async fn export(&self, resource: Option<&str>) -> Result<String, AuthError> {
        let question = message("exportAccessToken");
        if let Some(resource) = resource {
            object::set(&question, "resource", &resource.into());
        }
        let call = self.0.reach().await?.ask(&question, None);
        Ok(state::text(&call.answer().await?, "token"))
    }

    async fn ask_key(&self, name: &str, body: Option<&ArrayBuffer>) -> Result<(), AuthError> {
        let question = message("setKey");
        object::set(&question, "name", &JsValue::from_str(name));
        self.0.reach().await?.ask(&question, body).answer().await?;
        Ok(())
    }

    async fn end_session(&self, local: bool) -> Result<(), AuthError> {
        let question = message("signOut");
        object::set(&question, "local", &JsValue::from_bool(local));
        let call = self.0.reach().await?.ask(&question, None);
        let address = state::text(&call.answer().await?, "url");
        if !address.is_empty() {
            go(&address);
        }
        Ok(())
    }
}

impl PartialEq for Client {
    /// Whether both are one client.
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Client {
    /// Without the session: it is about a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(client) = self.client.upgrade() {
            client.unlisten(self.id);
        }
    }
}

impl SignIn {
    fn to_message(&self) -> Object {
        let asked = Object::new();
        let max_age = self.max_age.map(|seconds| seconds.to_string());
        for (name, value) in [
            ("prompt", &self.prompt),
            ("loginHint", &self.login_hint),
            ("maxAge", &max_age),
            ("acrValues", &self.acr_values),
            ("uiLocales", &self.ui_locales),
            ("claims", &self.claims),
        ] {
            if let Some(value) = value {
                object::set(&asked, name, &JsValue::from_str(value));
            }
        }
        let extra_params = Object::new();
        for (name, value) in &self.extra_params {
            object::set(&extra_params, name, &JsValue::from_str(value));
        }
        object::set(&asked, "extraParams", &extra_params);
        let question = message("signIn");
        object::set(&question, "asked", &asked);
        let return_to = self.return_to.clone().unwrap_or_else(url::page_href);
        object::set(&question, "returnTo", &JsValue::from_str(&return_to));
        question
    }
}

fn go(address: &str) {
    if let Some(page) = web_sys::window() {
        // What the vault made is an address; a page that may not leave (a sandboxed frame) stays.
        let _ = page.location().assign(address);
    }
}
