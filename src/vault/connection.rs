//! One page's connection: its hello, its messages, its end. Reads the wire and hands on what was
//! said; a message that is not of the protocol gets an error reply and changes nothing.

use std::cell::OnceCell;

use js_sys::{JSON, Object};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::MessagePort;

use super::{
    asks, credentials, frames, journal,
    port::{Asker, Port, PortId, Ports},
    pump::{Event, State, Vault},
    requests, tabs, user_info,
    wire::{self, FromVault, Hello, Id, ToVault, WIRE},
};
use crate::{
    browser::{
        lock, object, random, time,
        url::{self, BrowserUrls},
    },
    clock::Millis,
    config::Config,
    error::{AuthError, Code, Phase},
    session::{
        builds::Build,
        inputs::{Input, Wake},
    },
};

/// How long a page may be silent after its lock was let go before it counts as gone: so short that a
/// page that died without a word frees its connections within two seconds.
const SILENCE: Millis = Millis(1500);

/// The vault's door: it knows its name before the first hello, and the vault behind it afterwards.
pub(crate) struct Door {
    /// The worker's name: its last part is the fingerprint of the one configuration served here.
    name: String,
    /// The build, as pages see it.
    build: String,
    /// The Web Lock that this realm holds while it lives.
    lock: String,
    /// The text of the only configuration that is served, where one is written into the vault's script.
    baked: Option<String>,
    seed: u64,
    ports: &'static Ports,
    vault: OnceCell<Vault>,
}

impl Door {
    /// A door that nobody has come through yet, in a realm that holds the Web Lock `lock` while it
    /// lives. With `baked`, the text of a configuration, no other is served. `None` where the browser has no
    /// random numbers.
    pub(crate) fn new(
        name: String,
        build: String,
        lock: String,
        baked: Option<String>,
    ) -> Option<&'static Self> {
        let seed = u64::from_le_bytes(random::bytes()?);
        let (ports, vault) = (Box::leak(Box::default()), OnceCell::new());
        // As long as its realm.
        Some(Box::leak(Box::new(Self { name, build, lock, baked, seed, ports, vault })))
    }

    /// Takes a page's port in.
    pub(crate) fn connect(&'static self, port: MessagePort) {
        self.ports.open(port, move |port, message| {
            self.hear(port, &message);
        });
    }

    fn hear(&self, port: PortId, message: &JsValue) {
        let Some(from) = self.ports.get(port) else { return };
        from.signs.set(from.signs.get() + 1);
        let Some(object) = message.dyn_ref::<Object>() else { return };
        let body = object::take(object, "body");
        // What was posted is a copy, made of data alone: no code of the page runs in here.
        let text = JSON::stringify(object).map(String::from).unwrap_or_default();
        match (ToVault::read(&text), self.vault.get().filter(|_| from.is_welcome.get())) {
            (Ok(ToVault::Hello(hello)), None) => self.greet(port, &from, hello),
            (Ok(message), Some(vault)) => obey(vault, port, message, body),
            (Ok(_), None) => {
                reply_error(self.ports, port, None, invalid("the first message must be `hello`"));
            }
            (Err(unreadable), _) => reply_error(self.ports, port, unreadable.id, unreadable.error),
        }
    }

    fn greet(&self, port: PortId, from: &Port, hello: Hello) {
        let vault = match self.admit(&hello) {
            Ok(vault) => vault,
            Err(error) => return self.ports.send(port, &FromVault::Refused { error }),
        };
        // It is about to end. A page that hears nothing asks the next generation, and loses no callback here.
        if vault.is_over.get() {
            return;
        }
        from.is_welcome.set(true);
        vault.post(Event::Session(Input::PageArrived));
        let (build, lock, state) = (self.build.clone(), self.lock.clone(), vault.snapshot());
        self.ports.send(port, &FromVault::Welcome { wire: WIRE, build, lock, state });
        watch(vault, port, hello.lock);
    }

    /// The vault, for a hello that may speak to it.
    fn admit(&self, hello: &Hello) -> Result<Vault, AuthError> {
        hello.check(&self.name, &url::own_origin(), &BrowserUrls)?;
        if let Some(vault) = self.vault.get() {
            return Ok(vault);
        }
        let baked = self.baked.as_deref();
        let config = Config::admit(&hello.config, baked, &hello.page, &BrowserUrls)?;
        let build = Build::of_vault(&self.name, &self.build, WIRE, time::now().wall);
        Ok(self.vault.get_or_init(|| State::new(config, build, self.ports, self.seed)))
    }
}

/// Lets the port go once its page is gone: the page's lock is the hint, silence is the proof.
fn watch(vault: Vault, port: PortId, name: String) {
    spawn_local(async move {
        loop {
            let held = lock::take(&name, lock::Wait::Forever).await;
            let Some(page) = vault.ports.get(port) else { return };
            let before = page.signs.get();
            vault.ports.send(port, &FromVault::Ping);
            time::sleep(SILENCE).await;
            if page.signs.get() == before {
                return part(vault, port);
            }
            // The lock was stolen from a living page, which cannot take it again before it is free.
            drop(held);
        }
    });
}

/// The page is gone: what it waited for is no longer wanted.
fn part(vault: Vault, port: PortId) {
    let was_last = vault.ports.close(port);
    requests::abort_all(vault, port);
    frames::end(vault, port);
    if was_last {
        tabs::leave(vault);
        vault.post(Event::Session(Input::LastPageLeft));
    }
}

fn obey(vault: Vault, port: PortId, message: ToVault, body: JsValue) {
    let asker = |id| Asker { port, id };
    let tell = |input| vault.post(Event::Session(input));
    match message {
        ToVault::Hello(_) => {
            reply_error(vault.ports, port, None, invalid("a port says `hello` once"));
        }
        ToVault::SignIn(message) => {
            let wire::SignIn { id, return_to, asked, mode } = message;
            let (mode, wishes) = (mode.unwrap_or_default(), asked.unwrap_or_default());
            asks::sign_in(vault, asker(id), mode, wishes, return_to);
        }
        ToVault::SignInInitiated(message) => {
            asks::initiated(vault, asker(message.id), &message.url);
        }
        ToVault::FrontChannelLogout(message) => {
            asks::logout_told(vault, asker(message.id), &message.url);
        }
        ToVault::AfterSignOut(message) => {
            asks::after_sign_out(vault, asker(message.id), &message.url);
        }
        ToVault::UserInfo(message) => user_info::ask(vault, asker(message.id)),
        ToVault::Callback(message) => asks::callback(vault, asker(message.id), &message.url),
        ToVault::WayBack(message) => asks::way_back(vault, asker(message.id), &message.url),
        ToVault::Password(message) => {
            asks::password(vault, asker(message.id), message.username, &body);
        }
        ToVault::SetKey(message) => {
            credentials::set(vault, asker(message.id), &message.name, body);
        }
        ToVault::Restore(message) => asks::restore(vault, asker(message.id), message),
        ToVault::SignOut(message) => asks::sign_out(vault, asker(message.id), message),
        ToVault::Fetch(message) => requests::fetch(vault, asker(message.id), message, body),
        ToVault::Abort(message) => requests::abort(vault, asker(message.id)),
        ToVault::ExportAccessToken(message) => {
            requests::export(vault, asker(message.id), message.resource.as_deref());
        }
        ToVault::Events(message) => journal::asked(vault, asker(message.id), message.after),
        ToVault::Woke(_) => tell(Input::Woke(Wake::Page)),
        ToVault::Online(_) => tell(Input::WentOnline),
        ToVault::Offline(_) => tell(Input::WentOffline),
        ToVault::Ping(_) => vault.ports.send(port, &FromVault::Pong),
        ToVault::Pong(_) => {}
        ToVault::Close(_) => part(vault, port),
    }
}

fn invalid(message: &'static str) -> AuthError {
    AuthError::new(Code::MessageInvalid, Phase::Vault, message)
}

/// Answers what cannot be obeyed: a question by its number, anything else by the port.
fn reply_error(ports: &Ports, port: PortId, id: Option<Id>, error: AuthError) {
    let reply = match id {
        Some(id) => FromVault::Failed { id, error },
        None => FromVault::Refused { error },
    };
    ports.send(port, &reply);
}
