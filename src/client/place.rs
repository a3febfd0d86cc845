//! Where the vault runs: a name becomes a port. The rest of the client does not know.

use std::{cell::RefCell, rc::Rc};

use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Event, MessageChannel, MessagePort, Response};

use crate::{
    browser::{
        event::{self, Listening},
        fetch, global,
        lock::{self, Wait},
        object, random,
        url::BrowserUrls,
        worker::{self, SharedWorker, Worker},
    },
    error::{AuthError, Code, Phase},
    url::{ParseUrl, ParsedUrl},
    vault::Door,
};

/// The build that pages of this crate ask for. Page and vault must agree on the wire's version alone.
pub(super) const BUILD: &str = concat!("crate-", env!("CARGO_PKG_VERSION"));

/// Where the vault runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the application's own module. It promises no isolation: a script of the page can reach the
    /// module's memory, and the session ends with the page. The page's policy needs `connect-src` for
    /// provider and resources.
    Page,
    /// In a `SharedWorker`, out of the page's reach and one for all tabs.
    Shared {
        /// Where `npx tokenward init` put the vault: `/tokenward/vault.js`.
        vault_url: String,
    },
    /// In a dedicated `Worker`, out of the page's reach, which ends with the page: for browsers without
    /// `SharedWorker`.
    Worker {
        /// Where `npx tokenward init` put the vault: `/tokenward/vault.js`.
        vault_url: String,
    },
}

/// The vault's script, where it runs in a worker.
pub(super) struct Script {
    pub(super) url: String,
    /// Whether all tabs have one worker. It cannot be ended, so one that hangs is left behind; a
    /// worker of this page's own is replaced under its name.
    pub(super) is_shared: bool,
}

/// A port to a vault that may not have started yet.
pub(super) struct Opened {
    pub(super) port: MessagePort,
    vault: Running,
}

/// What runs behind a port, kept as long as somebody waits for it.
enum Running {
    Here,
    Shared { _worker: SharedWorker, _listening: Listening },
    Own(Rc<Own>),
}

/// A worker of this page's own.
struct Own {
    name: String,
    worker: Worker,
    /// Until it is ended.
    listening: RefCell<Option<Listening>>,
    /// Who is to hear that it failed, or was ended.
    fails: RefCell<Vec<Box<dyn FnMut()>>>,
}

thread_local! {
    /// The vaults in this page, by name: clients that agree in their options meet in one.
    static DOORS: RefCell<Vec<(String, &'static Door)>> = const { RefCell::new(Vec::new()) };
    /// The workers of this page's own that run.
    static OWN: RefCell<Vec<Rc<Own>>> = const { RefCell::new(Vec::new()) };
}

impl Place {
    /// A `SharedWorker` with the vault's script at `vault_url`.
    #[must_use]
    pub fn shared(vault_url: &str) -> Self {
        Self::Shared { vault_url: vault_url.to_owned() }
    }

    /// A worker of the page's own with the vault's script at `vault_url`.
    #[must_use]
    pub fn worker(vault_url: &str) -> Self {
        Self::Worker { vault_url: vault_url.to_owned() }
    }

    /// The vault's script, where the place needs one; `config_invalid` where that is not of this origin.
    pub(super) fn script(&self, page: &ParsedUrl) -> Result<Option<Script>, AuthError> {
        let (vault_url, is_shared) = match self {
            Self::Page => return Ok(None),
            Self::Shared { vault_url } => (vault_url, true),
            Self::Worker { vault_url } => (vault_url, false),
        };
        match BrowserUrls.parse(vault_url, Some(&page.href)) {
            Some(url) if url.origin == page.origin => Ok(Some(Script { url: url.href, is_shared })),
            _ => {
                let message = ["`vault_url` must be a URL of this origin, ", &page.origin].concat();
                Err(AuthError::new(Code::ConfigInvalid, Phase::Config, message))
            }
        }
    }
}

impl Opened {
    /// Ends a vault that is dead, where it can be ended: whoever opens that name again gets another.
    pub(super) fn end(&self) {
        if let Running::Own(own) = &self.vault {
            own.end();
        }
    }
}

impl Own {
    fn end(&self) {
        // Before anybody hears of it. Another of this name may run already.
        OWN.with_borrow_mut(|all| all.retain(|own| !std::ptr::eq(Rc::as_ptr(own), self)));
        self.worker.terminate();
        // This may run inside that very listener.
        event::drop_later(self.listening.take());
        for mut fail in self.fails.take() {
            fail();
        }
    }
}

/// Starts, or finds, the vault of this name: in a worker of `script`, or in this page without one.
/// `fail` is called where the worker cannot be started.
pub(super) fn open(
    script: Option<&Script>,
    name: &str,
    fail: impl FnMut() + 'static,
) -> Result<Opened, AuthError> {
    match script {
        None => open_here(name),
        Some(Script { url, is_shared: true }) => open_shared(url, name, fail),
        Some(Script { url, is_shared: false }) => open_own(url, name, fail),
    }
}

fn open_shared(
    url: &str,
    name: &str,
    mut fail: impl FnMut() + 'static,
) -> Result<Opened, AuthError> {
    if !object::own_or_inherited(&global(), "SharedWorker").is_function() {
        return Err(unavailable("this browser has no SharedWorker: use `Place::worker`"));
    }
    let worker = worker::share(url, name).map_err(|_| blocked(url))?;
    let port = worker.port();
    let listening = event::on(&worker, "error", move |_| fail());
    Ok(Opened { port, vault: Running::Shared { _worker: worker, _listening: listening } })
}

fn open_own(url: &str, name: &str, fail: impl FnMut() + 'static) -> Result<Opened, AuthError> {
    let known = OWN.with_borrow(|all| all.iter().find(|own| own.name == name).cloned());
    let own = match known {
        Some(own) => own,
        None => start_own(url, name)?,
    };
    own.fails.borrow_mut().push(Box::new(fail));
    let channel = MessageChannel::new().map_err(no_vault)?;
    worker::hand(&own.worker, &channel.port2());
    Ok(Opened { port: channel.port1(), vault: Running::Own(own) })
}

fn start_own(url: &str, name: &str) -> Result<Rc<Own>, AuthError> {
    let worker = worker::start(url, name).map_err(|_| blocked(url))?;
    let own = Rc::new_cyclic(|weak: &std::rc::Weak<Own>| {
        let weak = weak.clone();
        let listening = event::on(&worker, "error", move |event: Event| {
            // Told by an error of our own, so it is not the application's to report.
            event.prevent_default();
            if let Some(own) = weak.upgrade() {
                own.end();
            }
        });
        Own {
            name: name.to_owned(),
            listening: RefCell::new(Some(listening)),
            worker,
            fails: RefCell::default(),
        }
    });
    OWN.with_borrow_mut(|all| all.push(Rc::clone(&own)));
    Ok(own)
}

fn open_here(name: &str) -> Result<Opened, AuthError> {
    let channel = MessageChannel::new().map_err(no_vault)?;
    let known = DOORS
        .with_borrow(|doors| doors.iter().find(|(other, _)| other == name).map(|(_, door)| *door));
    let door = if let Some(door) = known {
        door
    } else {
        let random: [u8; 8] = random::bytes().ok_or_else(|| no_vault(JsValue::NULL))?;
        let lock = ["tokenward/vault/", &u64::from_le_bytes(random).to_string()].concat();
        hold(lock.clone());
        let made = Door::new(name.to_owned(), BUILD.to_owned(), lock, None);
        let door = made.ok_or_else(|| no_vault(JsValue::NULL))?;
        DOORS.with_borrow_mut(|doors| doors.push((name.to_owned(), door)));
        door
    };
    door.connect(channel.port2());
    Ok(Opened { port: channel.port1(), vault: Running::Here })
}

/// Holds the lock `name` while the page lives: it is asked for before anybody else knows of it.
fn hold(name: String) {
    spawn_local(async move {
        let held = lock::take(&name, Wait::Forever).await;
        std::future::pending::<()>().await;
        drop(held);
    });
}

/// Why the worker did not start: asks for its script, to tell a missing one from a refused one.
pub(super) async fn diagnose(script: &str) -> AuthError {
    let found = match JsFuture::from(global().fetch_with_str(script)).await {
        Ok(answer) => {
            let answer: Response = answer.unchecked_into();
            let kind = fetch::header(&answer, "content-type").unwrap_or_default();
            if answer.ok() && kind.contains("javascript") {
                return blocked(script);
            }
            ["is ", &answer.status().to_string(), " (", &kind, ")"].concat()
        }
        Err(_) => "did not load, or `worker-src` and `connect-src` forbid it".to_owned(),
    };
    unavailable_for(script, &found)
}

fn no_vault(_: JsValue) -> AuthError {
    unavailable("the browser withholds its random numbers or its channels")
}

fn unavailable_for(script: &str, found: &str) -> AuthError {
    let cure = ": run `npx tokenward init <public folder>` and set `vault_url`";
    let message = ["the vault's script ", script, " ", found, cure].concat();
    AuthError::transient(Code::VaultUnavailable, Phase::Vault, message)
}

fn unavailable(message: &'static str) -> AuthError {
    AuthError::new(Code::VaultUnavailable, Phase::Vault, message)
}

fn blocked(script: &str) -> AuthError {
    let cure = ": the page's policy needs `worker-src 'self'` and `trusted-types tokenward`";
    let message = ["the browser refused ", script, cure].concat();
    AuthError::new(Code::WorkerBlocked, Phase::Vault, message)
}
