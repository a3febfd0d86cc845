//! What a client is behind its handles: the state it knows, the link it has, and who listens.

use std::{
    cell::{Cell, RefCell},
    future::Future,
    rc::Rc,
};

use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;

use super::{
    arrival::Arrival,
    events::{self, Events},
    hello::Vault,
    life::{self, News},
    link::{Link, Reports, gone, message},
    state::{self, State},
    told::Told,
};
use crate::{
    browser::{
        event::{self, Listening},
        global, object, url,
    },
    crowd::Crowd,
    error::{AuthError, Code, Phase},
    session::journal::Event,
    table::Table,
    url::ParsedUrl,
};

pub(super) type Listener = Rc<dyn Fn(&State)>;
type Linking = Told<Result<Rc<Link>, AuthError>>;

/// What all clones of a client are.
pub(super) struct Inner {
    vault: Vault,
    redirect_uri: ParsedUrl,
    pub(super) arrival: Rc<Arrival>,
    pub(super) state: RefCell<State>,
    /// The state as it came, to see whether it changed.
    text: RefCell<String>,
    pub(super) listeners: RefCell<Table<u64, Listener>>,
    pub(super) events: Events,
    last: Cell<u64>,
    /// Who waits for the next change.
    waiting: Crowd<()>,
    link: RefCell<Option<Rc<Link>>>,
    linking: RefCell<Option<Rc<Linking>>>,
    life: RefCell<Vec<Listening>>,
    is_closed: Cell<bool>,
}

impl Inner {
    /// A client of that vault, which it has not asked for yet.
    pub(super) fn new(vault: Vault, redirect_uri: ParsedUrl) -> Self {
        Self {
            arrival: Arrival::of(&vault.config),
            vault,
            redirect_uri,
            state: RefCell::new(State::Restoring),
            text: RefCell::new(restoring()),
            listeners: RefCell::default(),
            events: Events::default(),
            last: Cell::new(0),
            waiting: Crowd::default(),
            link: RefCell::default(),
            linking: RefCell::default(),
            life: RefCell::default(),
            is_closed: Cell::new(false),
        }
    }

    /// Calls `listener` after each change of the state; returns the number by which it is removed.
    pub(super) fn listen(self: &Rc<Self>, listener: Listener) -> u64 {
        let id = self.next();
        self.listeners.borrow_mut().insert(id, listener);
        self.begin();
        id
    }

    /// Calls `listener` with every event from now on; returns the number by which it is removed.
    pub(super) fn listen_to_events(self: &Rc<Self>, listener: Rc<dyn Fn(&Event)>) -> u64 {
        let id = self.next();
        events::listen(self, id, listener);
        id
    }

    /// No listener of that number is called any more.
    pub(super) fn unlisten(&self, id: u64) {
        self.listeners.borrow_mut().remove(id);
        self.events.listeners.borrow_mut().remove(id);
    }

    fn next(&self) -> u64 {
        let id = self.last.get();
        self.last.set(id + 1);
        id
    }

    /// Everything begins here, once: the address is cleaned before anything else happens.
    pub(super) fn reach(
        self: &Rc<Self>,
    ) -> impl Future<Output = Result<Rc<Link>, AuthError>> + use<> {
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
                let made = client.vault.connect(client.reports(&mine)).await;
                mine.tell(client.accept(made, &mine));
            });
            linking
        })
    }

    fn reports(self: &Rc<Self>, mine: &Rc<Linking>) -> Reports {
        let (client, mine) = (Rc::downgrade(self), Rc::downgrade(mine));
        // Of a vault that was left, nothing counts any more but its answers.
        let current = move || {
            let (client, mine) = (client.upgrade()?, mine.upgrade()?);
            client.is_current(&mine).then_some(client)
        };
        let (of_state, of_death) = (current.clone(), current.clone());
        Reports {
            state: Box::new(move |text| {
                if let Some(client) = of_state() {
                    client.hear(text);
                }
            }),
            death: Box::new(move || {
                if let Some(client) = of_death() {
                    client.forget();
                    client.begin();
                }
            }),
            moved: Box::new(move |build| {
                if let Some(client) = current() {
                    client.vault.build.replace(build);
                    client.let_go();
                    client.begin();
                }
            }),
        }
    }

    fn is_current(&self, linking: &Rc<Linking>) -> bool {
        self.linking.borrow().as_ref().is_some_and(|it| Rc::ptr_eq(it, linking))
    }

    /// Takes a new link in, unless it became useless on its way.
    fn accept(
        self: &Rc<Self>,
        made: Result<Rc<Link>, AuthError>,
        mine: &Rc<Linking>,
    ) -> Result<Rc<Link>, AuthError> {
        let is_current = self.is_current(mine);
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
                events::follow(self, link);
                let navigator = object::own_or_inherited(&global(), "navigator");
                let is_offline = object::own_or_inherited(&navigator, "onLine").is_falsy();
                // Also the good news: the page that told the other may be gone.
                link.tell(if is_offline { "offline" } else { "online" });
                // Before anything else is asked, so that a request waits for this sign-in.
                let settled = self.arrival.settle(link);
                self.hear(link.state.clone());
                let (client, link) = (Rc::downgrade(self), Rc::clone(link));
                spawn_local(async move {
                    settled.await;
                    if client.upgrade().is_some_and(|client| !client.state.borrow().is_known()) {
                        restore(&link).await;
                    }
                });
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
        self.waiting.tell(&());
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

    pub(super) async fn ready(self: &Rc<Self>) -> Result<(), AuthError> {
        loop {
            let link = self.reach().await?;
            self.arrival.settle(&link).await;
            if self.state.borrow().is_known() {
                return Ok(());
            }
            self.waiting.join().await;
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
        self.text.replace(restoring());
        self.show(&State::Restoring);
    }

    pub(super) fn close(&self) {
        self.is_closed.set(true);
        self.listeners.take();
        self.events.listeners.take();
        // This may run inside one of their closures.
        event::drop_later(self.life.take());
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

/// The state of before a vault has spoken, as one would tell it: nobody hears of it twice.
fn restoring() -> String {
    State::Restoring.to_json()
}

/// Where it is not known who is signed in, the vault may have this page ask the provider.
async fn restore(link: &Rc<Link>) {
    let Some(window) = web_sys::window() else { return };
    let question = message("restore");
    object::set(&question, "returnTo", &JsValue::from_str(&url::page_href()));
    let Ok(answer) = link.ask(&question, None).answer().await else { return };
    if state::text(&answer, "type") == "navigate" {
        // In place of this page: nobody wants to go back to before a reload. The browser takes any URL.
        let _ = window.location().replace(&state::text(&answer, "url"));
    }
}

fn closed() -> AuthError {
    AuthError::new(Code::Closed, Phase::Vault, "this client was closed: open another")
}
