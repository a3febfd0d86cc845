//! What became of the session, as the vault noted it: asked for once, or heard as it happens.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::{Rc, Weak},
};

use js_sys::{Array, JSON, Object};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;

use super::{
    inner::Inner,
    link::{Link, message},
    state,
};
use crate::{
    browser::{object, time},
    clock::{Millis, UnixMillis},
    error::AuthError,
    session::{
        journal::{Event, EventType, KEPT},
        snapshot::SignedOutReason,
    },
    table::Table,
};

type Listener = Rc<dyn Fn(&Event)>;

/// Who listens, since when, and what they were told of late: a new link may be to the same vault, which
/// has it still.
#[derive(Default)]
pub(super) struct Events {
    pub(super) listeners: RefCell<Table<u64, (UnixMillis, Listener)>>,
    known: RefCell<VecDeque<(u64, UnixMillis)>>,
    /// Whether an answer came to those who listen: the first has what was before, later ones news, whatever
    /// the clock says.
    is_begun: Cell<bool>,
}

/// Asks for all that the vault keeps.
pub(super) async fn read(link: &Rc<Link>) -> Result<Vec<Event>, AuthError> {
    ask(link, None).await
}

/// Calls `listener` with every event from now on.
pub(super) fn listen(client: &Rc<Inner>, id: u64, listener: Listener) {
    let since = time::now().wall;
    client.events.listeners.borrow_mut().insert(id, (since, listener));
    let (reaching, weak) = (client.reach(), Rc::downgrade(client));
    spawn_local(async move {
        // A vault that cannot be reached has no events; the next link is followed.
        if let (Ok(link), Some(client)) = (reaching.await, weak.upgrade()) {
            follow(&client, &link);
        }
    });
}

/// Hears this link from now on, if anybody listens.
pub(super) fn follow(client: &Rc<Inner>, link: &Rc<Link>) {
    if client.events.listeners.borrow().is_empty() || link.is_heard.replace(true) {
        return;
    }
    let (weak, link) = (Rc::downgrade(client), Rc::clone(link));
    spawn_local(async move {
        hear(&weak, &link).await;
        link.is_heard.set(false);
    });
}

async fn hear(client: &Weak<Inner>, link: &Rc<Link>) {
    let mut after = None;
    while client.upgrade().is_some_and(|it| !it.events.listeners.borrow().is_empty()) {
        let Ok(events) = ask(link, after).await else { return };
        let Some(client) = client.upgrade() else { return };
        // Before the first event there is none to wait behind.
        after = events.last().map(|event| event.serial).or(after).or(Some(0));
        for event in events {
            client.events.tell(&event);
        }
        client.events.is_begun.set(true);
    }
    // Nobody listens any more: what happens until somebody does is nobody's.
    if let Some(client) = client.upgrade() {
        client.events.is_begun.set(false);
    }
}

impl Events {
    fn tell(&self, event: &Event) {
        let key = (event.serial, event.at);
        let is_known = self.known.borrow().contains(&key);
        if is_known {
            return;
        }
        self.known.borrow_mut().push_back(key);
        if self.known.borrow().len() > KEPT {
            self.known.borrow_mut().pop_front();
        }
        let all: Vec<_> = self
            .listeners
            .borrow()
            .iter()
            .map(|(id, (since, it))| (id, *since, Rc::clone(it)))
            .collect();
        for (id, since, listener) in all {
            // One that left during this round is not called any more.
            let is_there = self.listeners.borrow().get(id).is_some();
            if is_there && (self.is_begun.get() || event.at >= since) {
                listener(event);
            }
        }
    }
}

async fn ask(link: &Rc<Link>, after: Option<u64>) -> Result<Vec<Event>, AuthError> {
    let question = message("events");
    if let Some(after) = after {
        #[allow(clippy::cast_precision_loss, reason = "a count of what happened")]
        object::set(&question, "after", &JsValue::from_f64(after as f64));
    }
    let answer = link.ask(&question, None).answer().await?;
    let list = JSON::parse(&state::text(&answer, "events")).unwrap_or(JsValue::NULL);
    let list: Array = list.dyn_into().unwrap_or_default();
    Ok(list.iter().filter_map(|event| event.dyn_into().ok()).filter_map(|it| event(&it)).collect())
}

/// An event in the vault's words; `None` where it is none.
fn event(from: &Object) -> Option<Event> {
    let length = |name| state::number(from, name).and_then(|it| u64::try_from(it).ok());
    Some(Event {
        serial: length("serial")?,
        kind: EventType::read(&state::text(from, "type"))?,
        resource: object::own(from, "resource").as_string(),
        at: UnixMillis(state::number(from, "at")?),
        took_ms: length("tookMs").map(Millis),
        life_ms: length("lifeMs").map(Millis),
        attempt: length("attempt").and_then(|attempt| u32::try_from(attempt).ok()),
        next_at: state::number(from, "nextAt").map(UnixMillis),
        reason: SignedOutReason::read(&state::text(from, "reason")),
        error: object::own(from, "error").dyn_ref().map(state::error),
    })
}
