//! Reaching a vault: the hello, said to the next generation too where one is silent.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use js_sys::Object;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{MessageEvent, MessagePort};

use super::{
    link::{self, Link, Reports, message},
    place::{self, Opened, Script},
    state,
    told::{Told, first},
};
use crate::{
    browser::{global, lock, object, random, time, worker},
    clock::Millis,
    config,
    error::{AuthError, Code, Phase},
    url::ParsedUrl,
    vault::wire::WIRE,
};

/// How long a hello may go unanswered before the next generation of the vault is asked.
const HELLO: Millis = Millis::from_secs(5);
const GENERATIONS: u32 = 3;
/// A worker of the same name that is asked for sooner shares the failure and is silent (Firefox).
const RETRY: Millis = Millis(200);

/// Which vault this page reaches.
pub(super) struct Vault {
    /// The options, as the vault reads them.
    pub(super) config: String,
    /// Its script; `None` where the vault runs in this page.
    pub(super) script: Option<Script>,
    /// The page, as it was when the client was opened.
    pub(super) page: ParsedUrl,
    /// A vault that did not answer cannot be ended, so this page stays away from its generation.
    pub(super) generation: Cell<u32>,
    /// The build that its name says: this crate's, until a vault says that a newer one's has its place.
    pub(super) build: RefCell<String>,
}

/// What came of a hello; no reason is the worker's own `error`.
type Greeting = Result<Welcomed, Option<AuthError>>;

#[derive(Clone)]
struct Welcomed {
    port: MessagePort,
    message: Object,
    generation: u32,
}

/// A hello that was said.
struct Attempt {
    opened: Opened,
    _listener: Closure<dyn FnMut(MessageEvent)>,
}

impl Vault {
    /// Connects, each time anew.
    pub(super) async fn connect(&self, reports: Reports) -> Result<Rc<Link>, AuthError> {
        let insecure = || {
            let message = "locks and WebCrypto are withheld here: serve the page over https, or from localhost";
            AuthError::new(Code::InsecureContext, Phase::Vault, message)
        };
        if !object::own_or_inherited(&global(), "isSecureContext").is_truthy() {
            return Err(insecure());
        }
        let number = u64::from_le_bytes(random::bytes().ok_or_else(insecure)?);
        let lock = ["tokenward/page/", &number.to_string()].concat();
        // Without locks the vault pings instead, so a refusal is no obstacle.
        let held = lock::take(&lock, lock::Wait::Forever).await;
        if let Some(script) = &self.script {
            let url = &script.url;
            let folder = url.rfind('/').and_then(|at| url.get(..=at)).unwrap_or_default();
            worker::raise_shield(&[folder, "shield.js"].concat()).await;
        }
        let (welcomed, opened) = self.reach(&self.hello(&lock)).await?;
        self.generation.set(welcomed.generation);
        Ok(Link::open(opened, &welcomed.message, held, reports))
    }

    fn hello(&self, lock: &str) -> Object {
        let hello = message("hello");
        let page = [&*self.page.origin, &self.page.pathname].concat();
        object::set(&hello, "wire", &JsValue::from(WIRE));
        object::set(&hello, "config", &JsValue::from_str(&self.config));
        object::set(&hello, "page", &JsValue::from_str(&page));
        object::set(&hello, "lock", &JsValue::from_str(lock));
        hello
    }

    /// Says hello; the first to answer is taken.
    async fn reach(&self, hello: &Object) -> Result<(Welcomed, Opened), AuthError> {
        let start = self.generation.get();
        let mut generation = start;
        let mut greeting = Rc::new(Told::default());
        let (mut said, mut is_forgiven) = (Vec::<Attempt>::new(), false);
        let outcome = loop {
            if generation == start + GENERATIONS {
                let message = "the vault does not answer: try again";
                break Err(AuthError::transient(Code::VaultUnavailable, Phase::Vault, message));
            }
            match self.greet(hello, generation, &greeting) {
                Ok(attempt) => said.push(attempt),
                Err(error) => break Err(error),
            }
            let silence = async {
                time::sleep(HELLO).await;
                None
            };
            match first(async { Some(greeting.wait().await) }, silence).await {
                Some(Ok(welcomed)) => break Ok(welcomed),
                Some(Err(Some(error))) => break Err(error),
                Some(Err(None)) => {
                    let error = self.diagnose().await;
                    // One is forgiven: the worker may have been about to end.
                    if is_forgiven || error.code != Code::WorkerBlocked {
                        break Err(error);
                    }
                    is_forgiven = true;
                    greeting = Rc::default();
                    time::sleep(RETRY).await;
                }
                None => {
                    if !self.is_shared() {
                        // Its end is no answer to the next one's hello.
                        greeting = Rc::default();
                        for attempt in &said {
                            attempt.opened.end();
                        }
                    }
                    generation += 1;
                }
            }
        };
        let mut taken = None;
        for Attempt { opened, .. } in said {
            if outcome.as_ref().is_ok_and(|welcomed| welcomed.port == opened.port) {
                taken = Some(opened);
            } else {
                opened.port.set_onmessage(None);
                opened.port.close();
            }
        }
        Ok((outcome?, taken.ok_or_else(link::gone)?))
    }

    fn is_shared(&self) -> bool {
        self.script.as_ref().is_none_or(|script| script.is_shared)
    }

    async fn diagnose(&self) -> AuthError {
        match &self.script {
            Some(script) => place::diagnose(&script.url).await,
            None => link::gone(),
        }
    }

    fn greet(
        &self,
        hello: &Object,
        generation: u32,
        greeting: &Rc<Told<Greeting>>,
    ) -> Result<Attempt, AuthError> {
        // What can be ended is replaced under its own name, where other clients find it too.
        let number = if self.is_shared() { generation } else { 0 };
        let (wire, number) = (WIRE.to_string(), number.to_string());
        let hash = config::fingerprint(&self.config);
        let name = ["tokenward", &wire, &self.build.borrow(), &number, &hash].join("/");
        let told = Rc::clone(greeting);
        let opened = place::open(self.script.as_ref(), &name, move || told.tell(Err(None)))?;
        let (told, port) = (Rc::clone(greeting), opened.port.clone());
        let listener = Closure::new(move |event: MessageEvent| {
            let Ok(message) = event.data().dyn_into::<Object>() else { return };
            match state::text(&message, "type").as_str() {
                "welcome" => told.tell(Ok(Welcomed { port: port.clone(), message, generation })),
                "refused" => {
                    let reason = object::own(&message, "error").dyn_into();
                    told.tell(Err(reason.ok().map(|reason| state::error(&reason))));
                }
                _ => {}
            }
        });
        opened.port.set_onmessage(Some(listener.as_ref().unchecked_ref()));
        // A plain object can always be posted.
        let _ = opened.port.post_message(hello);
        Ok(Attempt { opened, _listener: listener })
    }
}
