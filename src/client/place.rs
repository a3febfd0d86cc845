//! Where the vault runs: a name becomes a port. The rest of the client does not know.

use std::cell::RefCell;

use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{MessageChannel, MessagePort, Response};

use crate::{
    browser::{
        event::{self, Listening},
        fetch, global,
        lock::{self, Wait},
        object, random,
        url::BrowserUrls,
        worker::{self, SharedWorker},
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
}

/// A port to a vault that may not have started yet.
pub(super) struct Opened {
    pub(super) port: MessagePort,
    /// As long as somebody waits for it.
    _worker: Option<(SharedWorker, Listening)>,
}

thread_local! {
    /// The vaults in this page, by name: clients that agree in their options meet in one.
    static DOORS: RefCell<Vec<(String, &'static Door)>> = const { RefCell::new(Vec::new()) };
}

impl Place {
    /// A `SharedWorker` with the vault's script at `vault_url`.
    #[must_use]
    pub fn shared(vault_url: &str) -> Self {
        Self::Shared { vault_url: vault_url.to_owned() }
    }

    /// The vault's script, where the place needs one; `config_invalid` where that is not of this origin.
    pub(super) fn script(&self, page: &ParsedUrl) -> Result<Option<String>, AuthError> {
        let Self::Shared { vault_url } = self else { return Ok(None) };
        match BrowserUrls.parse(vault_url, Some(&page.href)) {
            Some(url) if url.origin == page.origin => Ok(Some(url.href)),
            _ => {
                let message = ["`vault_url` must be a URL of this origin, ", &page.origin].concat();
                Err(AuthError::new(Code::ConfigInvalid, Phase::Config, message))
            }
        }
    }
}

/// Starts, or finds, the vault of this name: in the worker of `script`, or in this page without one.
/// `fail` is called where the worker cannot be started.
pub(super) fn open(
    script: Option<&str>,
    name: &str,
    mut fail: impl FnMut() + 'static,
) -> Result<Opened, AuthError> {
    let Some(script) = script else { return open_here(name) };
    if !object::own_or_inherited(&global(), "SharedWorker").is_function() {
        return Err(unavailable("this browser has no SharedWorker"));
    }
    let worker = worker::start(script, name).map_err(|_| blocked(script))?;
    let port = worker.port();
    let listening = event::on(&worker, "error", move |_| fail());
    Ok(Opened { port, _worker: Some((worker, listening)) })
}

fn open_here(name: &str) -> Result<Opened, AuthError> {
    let no_vault = |_| unavailable("the browser withholds its random numbers or its channels");
    let channel = MessageChannel::new().map_err(no_vault)?;
    let known = DOORS
        .with_borrow(|doors| doors.iter().find(|(other, _)| other == name).map(|(_, door)| *door));
    let door = if let Some(door) = known {
        door
    } else {
        let random: [u8; 8] = random::bytes().ok_or_else(|| no_vault(JsValue::NULL))?;
        let lock = ["tokenward/vault/", &u64::from_le_bytes(random).to_string()].concat();
        hold(lock.clone());
        let made = Door::new(name.to_owned(), BUILD.to_owned(), lock);
        let door = made.ok_or_else(|| no_vault(JsValue::NULL))?;
        DOORS.with_borrow_mut(|doors| doors.push((name.to_owned(), door)));
        door
    };
    door.connect(channel.port2());
    Ok(Opened { port: channel.port1(), _worker: None })
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
