//! The client: what an application holds.

use std::{
    cell::{Cell, RefCell},
    fmt,
    future::Future,
    rc::{Rc, Weak},
};

use futures_channel::oneshot;
use js_sys::Object;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Request, Response, Window};

use super::{
    arrival::Arrival,
    fetch::{self, FetchError},
    hello::Vault,
    life::{self, News},
    link::{Link, Reports, gone, message},
    options::Options,
    place::Place,
    state::{self, State},
    told::Told,
};
use crate::{
    browser::{event::Listening, global, object, url::BrowserUrls},
    config::Config,
    error::{AuthError, Code, Phase},
    table::Table,
    url::{ParseUrl, ParsedUrl},
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
    /// More parameters for this one authorization request.
    pub extra_params: Vec<(String, String)>,
}

/// A listener to a client's state; dropping it stops it.
#[must_use = "a subscription ends when it is dropped"]
pub struct Subscription {
    client: Weak<Inner>,
    id: u64,
}

type Listener = Rc<dyn Fn(&State)>;
type Linking = Told<Result<Rc<Link>, AuthError>>;

struct Inner {
    vault: Vault,
    redirect_uri: ParsedUrl,
    arrival: Rc<Arrival>,
    state: RefCell<State>,
    /// The state as it came, to see whether it changed.
    text: RefCell<String>,
    listeners: RefCell<Table<u64, Listener>>,
    last: Cell<u64>,
    /// Who waits for the next change.
    waiting: RefCell<Vec<oneshot::Sender<()>>>,
    link: RefCell<Option<Rc<Link>>>,
    linking: RefCell<Option<Rc<Linking>>>,
    life: RefCell<Vec<Listening>>,
    is_closed: Cell<bool>,
}

impl Client {
    /// A client for these options. It starts nothing before it is used.
    ///
    /// `config_invalid` with every problem of the options, by the vault's own rules; `no_browser`
    /// outside a page.
    pub fn open(options: &Options, place: &Place) -> Result<Self, AuthError> {
        let href = page().and_then(|page| page.location().href().ok()).unwrap_or_default();
        let page = BrowserUrls.parse(&href, None).ok_or_else(|| {
            AuthError::new(Code::NoBrowser, Phase::Vault, "no page here: call this in the page")
        })?;
        let text = options.to_json(&page.origin, &BrowserUrls);
        let config = Config::check(&text, &page.href, &BrowserUrls)?;
        let redirect_uri = BrowserUrls.parse(&config.redirect_uri, None);
        let script = place.script(&page)?;
        Ok(Self(Rc::new(Inner {
            arrival: Arrival::of(&text),
            redirect_uri: redirect_uri.unwrap_or_else(|| page.clone()),
            vault: Vault { config: text, script, page, generation: Cell::new(0) },
            state: RefCell::new(State::Restoring),
            text: RefCell::default(),
            listeners: RefCell::default(),
            last: Cell::new(0),
            waiting: RefCell::default(),
            link: RefCell::default(),
            linking: RefCell::default(),
            life: RefCell::default(),
            is_closed: Cell::new(false),
        })))
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
        let id = self.0.last.get();
        self.0.last.set(id + 1);
        self.0.listeners.borrow_mut().insert(id, Rc::new(listener));
        self.0.begin();
        Subscription { client: Rc::downgrade(&self.0), id }
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

    /// Hands out the access token, only where `allow_token_export` is configured.
    pub async fn export_access_token(&self) -> Result<String, AuthError> {
        let call = self.0.reach().await?.ask(&message("exportAccessToken"), None);
        Ok(state::text(&call.answer().await?, "token"))
    }

    /// Lets go of the vault. The session stays, for other tabs and for a new client.
    pub fn close(&self) {
        self.0.close();
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
            client.listeners.borrow_mut().remove(self.id);
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
        let return_to = self.return_to.clone().unwrap_or_else(|| {
            let here = page().and_then(|page| page.location().href().ok());
            let here = here.and_then(|here| BrowserUrls.parse(&here, None));
            here.map(|here| here.pathname + &here.search + &here.hash).unwrap_or_default()
        });
        object::set(&question, "returnTo", &JsValue::from_str(&return_to));
        question
    }
}

impl Inner {
    /// Everything begins here, once: the address is cleaned before anything else happens.
    fn reach(self: &Rc<Self>) -> impl Future<Output = Result<Rc<Link>, AuthError>> + use<> {
        let linking = (!self.is_closed.get()).then(|| self.linking());
        async move {
            match linking {
                Some(linking) => linking.wait().await,
                None => Err(closed()),
            }
        }
    }

    fn linking(self: &Rc<Self>) -> Rc<Linking> {
        self.arrival.take(&self.redirect_uri);
        if self.life.borrow().is_empty() {
            let weak = Rc::downgrade(self);
            *self.life.borrow_mut() = life::follow(move |news| {
                if let Some(client) = weak.upgrade() {
                    client.learn(news);
                }
            });
        }
        let known = self.linking.borrow().clone();
        known.unwrap_or_else(|| {
            let linking: Rc<Linking> = Rc::default();
            *self.linking.borrow_mut() = Some(Rc::clone(&linking));
            let (client, mine) = (Rc::clone(self), Rc::clone(&linking));
            spawn_local(async move {
                let made = client.vault.connect(client.reports()).await;
                mine.tell(client.accept(made, &mine));
            });
            linking
        })
    }

    fn reports(self: &Rc<Self>) -> Reports {
        let (of_state, of_death) = (Rc::downgrade(self), Rc::downgrade(self));
        Reports {
            on_state: Box::new(move |text| {
                if let Some(client) = of_state.upgrade() {
                    client.hear(text);
                }
            }),
            on_death: Box::new(move || {
                if let Some(client) = of_death.upgrade() {
                    client.forget();
                    client.begin();
                }
            }),
        }
    }

    /// Takes a new link in, unless it became useless on its way.
    fn accept(
        self: &Rc<Self>,
        made: Result<Rc<Link>, AuthError>,
        mine: &Rc<Linking>,
    ) -> Result<Rc<Link>, AuthError> {
        let is_current = self.linking.borrow().as_ref().is_some_and(|it| Rc::ptr_eq(it, mine));
        let made = made.and_then(|link| {
            if is_current {
                return Ok(link);
            }
            let reason = if self.is_closed.get() { closed() } else { gone() };
            link.end(reason.clone());
            Err(reason)
        });
        match &made {
            Ok(link) => {
                *self.link.borrow_mut() = Some(Rc::clone(link));
                let navigator = object::own_or_inherited(&global(), "navigator");
                if object::own_or_inherited(&navigator, "onLine").is_falsy() {
                    link.tell("offline");
                }
                // Before anything else is asked, so that a request waits for this sign-in.
                drop(self.arrival.settle(link));
                self.hear(link.state.clone());
            }
            Err(_) if is_current => *self.linking.borrow_mut() = None,
            Err(_) => {}
        }
        made
    }

    fn hear(self: &Rc<Self>, text: String) {
        if *self.text.borrow() == text {
            return;
        }
        let Some(told) = state::read(&text) else { return };
        self.text.replace(text.clone());
        let link = self.link.borrow().clone();
        let was_restoring = matches!(*self.state.borrow(), State::Restoring);
        match link {
            // An application that asks for a sign-in when it sees that nobody is signed in must not do
            // so on the way back from one.
            Some(link) if was_restoring && matches!(told, State::SignedOut { .. }) => {
                let (settled, client) = (self.arrival.settle(&link), Rc::clone(self));
                spawn_local(async move {
                    settled.await;
                    let is_latest = *client.text.borrow() == text;
                    if is_latest {
                        client.show(&told);
                    }
                });
            }
            _ => self.show(&told),
        }
    }

    fn show(&self, state: &State) {
        self.state.replace(state.clone());
        let listeners: Vec<_> =
            self.listeners.borrow().iter().map(|(id, it)| (id, Rc::clone(it))).collect();
        for (id, listener) in listeners {
            // One that left during this round is not called any more.
            let is_there = self.listeners.borrow().get(id).is_some();
            if is_there {
                listener(state);
            }
        }
        self.ring();
    }

    fn ring(&self) {
        for waiting in self.waiting.take() {
            // Whoever no longer waits need not be told.
            let _ = waiting.send(());
        }
    }

    fn learn(self: &Rc<Self>, news: News) {
        let link = self.link.borrow().clone();
        match (news, link) {
            (News::Told(word), Some(link)) => link.tell(word),
            (News::Hidden, link) => {
                if let Some(link) = link {
                    link.end(gone());
                }
                self.forget();
            }
            // Without a vault, news is a reason to look for one again.
            (News::Told(_), None) | (News::Shown, _) => self.begin(),
        }
    }

    async fn ready(self: &Rc<Self>) -> Result<(), AuthError> {
        loop {
            let link = self.reach().await?;
            self.arrival.settle(&link).await;
            if self.state.borrow().is_known() {
                return Ok(());
            }
            let (sender, has_changed) = oneshot::channel();
            self.waiting.borrow_mut().push(sender);
            let _ = has_changed.await;
        }
    }

    fn begin(self: &Rc<Self>) {
        // At once, because the address is cleaned on the way.
        drop(self.reach());
        let client = Rc::clone(self);
        spawn_local(async move {
            // Who calls `ready` is told what went wrong.
            let _ = client.ready().await;
        });
    }

    fn let_go(&self) -> Option<Rc<Link>> {
        self.linking.take();
        self.link.take()
    }

    /// The vault is out of reach: what is known of the session may be old.
    fn forget(&self) {
        self.let_go();
        self.text.take();
        self.show(&State::Restoring);
    }

    fn close(&self) {
        self.is_closed.set(true);
        self.listeners.take();
        // This may run inside one of their closures: they are dropped after the present turn.
        let life = self.life.take();
        spawn_local(async move { drop(life) });
        // A callback on its way is waited for: its code works once, and another client may want it.
        if let Some(link) = self.let_go() {
            let settled = self.arrival.settle(&link);
            spawn_local(async move {
                settled.await;
                link.end(closed());
            });
        }
        self.ring();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

fn page() -> Option<Window> {
    web_sys::window()
}

fn go(address: &str) {
    if let Some(page) = page() {
        // What the vault made is an address; a page that may not leave (a sandboxed frame) stays.
        let _ = page.location().assign(address);
    }
}

fn closed() -> AuthError {
    AuthError::new(Code::Closed, Phase::Vault, "this client was closed: open another")
}
