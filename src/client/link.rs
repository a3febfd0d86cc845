//! The page's end of the port: questions and their answers, and whether the vault lives.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use futures_channel::oneshot;
use js_sys::{Array, ArrayBuffer, Object};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::spawn_local;
use web_sys::{AbortController, AbortSignal, MessageEvent, MessagePort};

use super::{place::Opened, state};
use crate::{
    browser::{
        event,
        lock::{self, Held, Wait},
        object, time,
    },
    clock::Millis,
    error::{AuthError, Code, Phase},
    table::Table,
    vault::wire::Id,
};

/// How long a vault may be silent after a ping before it counts as dead.
const SILENCE: Millis = Millis::from_secs(3);
/// How soon a living vault whose lock was taken from it is asked again.
const AGAIN: Millis = Millis::from_secs(10);

type Listener = Closure<dyn FnMut(MessageEvent)>;

/// What a link reports without being asked.
pub(super) struct Reports {
    /// The session's state changed; as JSON text.
    pub(super) state: Box<dyn Fn(String)>,
    /// The vault died; the link is over.
    pub(super) death: Box<dyn Fn()>,
    /// The vault of this newer build has its place: what is asked from now on is asked there.
    pub(super) moved: Box<dyn Fn(String)>,
}

/// A port whose hello was accepted.
pub(super) struct Link {
    port: MessagePort,
    vault: Opened,
    /// The session's state at the welcome, as JSON text.
    pub(super) state: String,
    /// What waits for an answer; it gets none when the link is over.
    open: RefCell<Table<Id, oneshot::Sender<Object>>>,
    last: Cell<Id>,
    heard: Cell<u64>,
    /// Whether somebody asks it for events.
    pub(super) is_heard: Cell<bool>,
    /// Aborts when the link ends, for bodies on their way.
    ended: Option<AbortController>,
    reason: RefCell<Option<AuthError>>,
    lock: RefCell<Option<Held>>,
    listener: RefCell<Option<Listener>>,
    /// Itself, once the client went on to another vault: what is open here is answered here, until the vault ends.
    lingering: RefCell<Option<Rc<Self>>>,
    reports: Reports,
}

/// A question on its way. Dropping it says that the answer is no longer wanted.
pub(super) struct Call {
    link: Rc<Link>,
    id: Id,
    answer: oneshot::Receiver<Object>,
}

/// The vault died, or this page cannot hear it any more.
pub(super) fn gone() -> AuthError {
    AuthError::transient(Code::VaultCrashed, Phase::Vault, "the vault is gone: call again")
}

/// A message of that type, to be completed.
pub(super) fn message(kind: &str) -> Object {
    let message = Object::new();
    object::set(&message, "type", &JsValue::from_str(kind));
    message
}

impl Link {
    /// Listens to a port that was welcomed.
    pub(super) fn open(
        vault: Opened,
        welcome: &Object,
        lock: Option<Held>,
        reports: Reports,
    ) -> Rc<Self> {
        let link = Rc::new_cyclic(|link| {
            let link: &std::rc::Weak<Self> = link;
            let weak = link.clone();
            let listener = Closure::new(move |event: MessageEvent| {
                if let (Some(link), Ok(message)) = (weak.upgrade(), event.data().dyn_into()) {
                    link.hear(message);
                }
            });
            let port = vault.port.clone();
            port.set_onmessage(Some(listener.as_ref().unchecked_ref()));
            Self {
                port,
                vault,
                state: state::text(welcome, "state"),
                open: RefCell::default(),
                last: Cell::new(0),
                heard: Cell::new(0),
                is_heard: Cell::new(false),
                ended: AbortController::new().ok(),
                reason: RefCell::default(),
                lock: RefCell::new(lock),
                listener: RefCell::new(Some(listener)),
                lingering: RefCell::default(),
                reports,
            }
        });
        watch(&link, state::text(welcome, "lock"));
        link
    }

    /// Says what is not answered.
    pub(super) fn tell(&self, kind: &str) {
        self.post(&message(kind), None);
    }

    /// Asks what is answered.
    pub(super) fn ask(self: &Rc<Self>, question: &Object, body: Option<&ArrayBuffer>) -> Call {
        let id = self.last.get() + 1;
        self.last.set(id);
        let (sender, answer) = oneshot::channel();
        // Without a vault the sender is dropped here, which is the answer.
        if self.reason.borrow().is_none() {
            self.open.borrow_mut().insert(id, sender);
            object::set(question, "id", &JsValue::from(id));
            self.post(question, body);
        }
        Call { link: Rc::clone(self), id, answer }
    }

    /// What was asked under this number, or its answer's body, is no longer wanted.
    pub(super) fn abort(&self, id: Id) {
        let abort = message("abort");
        object::set(&abort, "id", &JsValue::from(id));
        self.post(&abort, None);
    }

    /// Aborts when the link ends.
    pub(super) fn over(&self) -> Option<AbortSignal> {
        self.ended.as_ref().map(AbortController::signal)
    }

    /// Ends it: everything open on it gets this reason.
    pub(super) fn end(&self, reason: AuthError) {
        if self.reason.borrow().is_some() {
            return;
        }
        self.tell("close");
        self.port.set_onmessage(None);
        self.port.close();
        let message = JsValue::from(js_sys::Error::new(&reason.to_string()));
        *self.reason.borrow_mut() = Some(reason);
        if let Some(ended) = &self.ended {
            ended.abort_with_reason(&message);
        }
        drop(self.open.take());
        drop(self.lock.take());
        // Whoever ends it holds it.
        drop(self.lingering.take());
        // This may run inside that very closure.
        event::drop_later(self.listener.take());
    }

    fn is_over(&self) -> bool {
        self.reason.borrow().is_some()
    }

    fn post(&self, message: &Object, body: Option<&ArrayBuffer>) {
        // Plain objects and buffers of this page's own can always be posted.
        let _ = match body {
            Some(body) => {
                object::set(message, "body", body);
                self.port.post_message_with_transferable(message, &Array::of1(body))
            }
            None => self.port.post_message(message),
        };
    }

    fn hear(self: &Rc<Self>, message: Object) {
        self.heard.set(self.heard.get() + 1);
        match state::text(&message, "type").as_str() {
            "ping" => self.tell("pong"),
            "state" => (self.reports.state)(state::text(&message, "state")),
            "moved" => {
                self.lingering.replace(Some(Rc::clone(self)));
                (self.reports.moved)(state::text(&message, "build"));
            }
            _ => self.settle(message),
        }
    }

    fn settle(&self, message: Object) {
        let id = state::number(&message, "id").and_then(|id| Id::try_from(id).ok());
        let waiting = id.and_then(|id| self.open.borrow_mut().remove(id));
        if let Some(waiting) = waiting {
            // Whoever no longer waits has told the vault so.
            let _ = waiting.send(message);
        }
    }
}

impl Call {
    /// Its number, by which the answer's body is given up.
    pub(super) fn id(&self) -> Id {
        self.id
    }

    /// The answer: a message of the type that belongs to the question, or `networkFailed`.
    pub(super) async fn answer(mut self) -> Result<Object, AuthError> {
        let Ok(answer) = (&mut self.answer).await else {
            return Err(self.link.reason.borrow().clone().unwrap_or_else(gone));
        };
        match object::own(&answer, "error").dyn_ref() {
            Some(error) if state::text(&answer, "type") == "failed" => Err(state::error(error)),
            _ => Ok(answer),
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let is_open = self.link.open.borrow_mut().remove(self.id).is_some();
        if is_open {
            self.link.abort(self.id);
        }
    }
}

/// Waits for the vault's lock, which is a hint alone: a page's script can take it away.
fn watch(link: &Rc<Link>, name: String) {
    let (weak, over) = (Rc::downgrade(link), link.over());
    spawn_local(async move {
        loop {
            let wait = over.clone().map_or(Wait::Forever, Wait::Until);
            let Some(held) = lock::take(&name, wait).await else { return };
            drop(held);
            let Some(before) = weak.upgrade().map(|link| link.heard.get()) else { return };
            if let Some(link) = weak.upgrade() {
                link.tell("ping");
            }
            time::sleep(SILENCE).await;
            let Some(link) = weak.upgrade().filter(|link| !link.is_over()) else { return };
            if link.heard.get() == before {
                link.end(gone());
                link.vault.end();
                (link.reports.death)();
                return;
            }
            drop(link);
            time::sleep(AGAIN).await;
        }
    });
}
