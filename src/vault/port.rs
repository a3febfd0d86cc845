//! The ports of the pages: who is there, and how a message reaches them. It knows nothing of what
//! the messages mean.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use js_sys::Array;
use serde::ser::{Serialize, SerializeMap, Serializer};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{MessageEvent, MessagePort};

use super::wire::{FromVault, Id};
use crate::{browser::object, json::Members, table::Table};

/// Which port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PortId(u64);

/// Where an answer goes: a port, and the number that the page gave its question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Asker {
    pub(super) port: PortId,
    pub(super) id: Id,
}

/// The ports whose hello was accepted, and those that have not said it yet.
#[derive(Default)]
pub(crate) struct Ports {
    all: RefCell<Table<PortId, Rc<Port>>>,
    next: Cell<u64>,
}

type Listener = Closure<dyn FnMut(MessageEvent)>;

/// One page's port.
pub(crate) struct Port {
    channel: MessagePort,
    on_message: RefCell<Option<Listener>>,
    /// Whether its hello was accepted.
    pub(super) is_welcome: Cell<bool>,
    /// What waits here for the next event: the question, and the number of the latest that is known.
    pub(super) reader: Cell<Option<(Id, u64)>>,
    /// How many signs of life it has given.
    pub(super) signs: Cell<u64>,
}

impl Ports {
    /// Takes a port in and listens to it.
    pub(super) fn open(&self, channel: MessagePort, listen: impl Fn(PortId, JsValue) + 'static) {
        let id = PortId(self.next.get());
        self.next.set(id.0 + 1);
        let on_message = Closure::new(move |event: MessageEvent| listen(id, event.data()));
        channel.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        let on_message = RefCell::new(Some(on_message));
        let (is_welcome, reader, signs) = (Cell::new(false), Cell::new(None), Cell::new(0));
        let port = Port { channel, on_message, is_welcome, reader, signs };
        self.all.borrow_mut().insert(id, Rc::new(port));
    }

    /// Lets a port go; `true` if it was the last that was welcome.
    pub(super) fn close(&self, id: PortId) -> bool {
        let Some(port) = self.all.borrow_mut().remove(id) else { return false };
        port.channel.set_onmessage(None);
        port.channel.close();
        // This may run inside that very closure: it is dropped after the present turn.
        let listener = port.on_message.take();
        wasm_bindgen_futures::spawn_local(async move { drop(listener) });
        port.is_welcome.get() && self.welcome().next().is_none()
    }

    /// The port, while it is open.
    pub(super) fn get(&self, id: PortId) -> Option<Rc<Port>> {
        self.all.borrow().get(id).cloned()
    }

    /// Sends to one port; a port that is gone is no fault.
    pub(super) fn send(&self, to: PortId, message: &FromVault) {
        if let Some(port) = self.get(to) {
            port.send(message, None);
        }
    }

    /// Sends to every port whose hello was accepted.
    pub(super) fn broadcast(&self, message: &FromVault) {
        for port in self.welcome() {
            port.send(message, None);
        }
    }

    /// The ports whose hello was accepted.
    pub(super) fn welcome(&self) -> impl Iterator<Item = Rc<Port>> {
        let all: Vec<_> = self.all.borrow().iter().map(|(_, port)| Rc::clone(port)).collect();
        all.into_iter().filter(|port| port.is_welcome.get())
    }
}

impl Port {
    /// Sends a message, and with it where a response's body is asked for.
    pub(super) fn send(&self, message: &FromVault, body: Option<&MessagePort>) {
        let Some(message) = object(message) else { return };
        // A port whose page is gone swallows what it is sent.
        let _ = match body {
            Some(body) => {
                object::set(message.unchecked_ref(), "body", body);
                self.channel.post_message_with_transferable(&message, &Array::of1(body))
            }
            None => self.channel.post_message(&message),
        };
    }
}

/// A message as it is posted.
pub(super) fn object(message: &FromVault) -> Option<JsValue> {
    let to_object = serde_wasm_bindgen::Serializer::new().serialize_maps_as_objects(true);
    Told(&|to| message.tell(to)).serialize(&to_object).ok()
}

/// An object that tells its members, for serde. As a map and not as a derived struct, which would cost
/// the module a function for each kind of message and a hash table of names.
struct Told<'a>(&'a dyn Fn(&mut dyn Members));

impl Serialize for Told<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut entries = Entries { map: to.serialize_map(None)?, failure: None };
        (self.0)(&mut entries);
        match entries.failure {
            Some(failure) => Err(failure),
            None => entries.map.end(),
        }
    }
}

/// A map that is being told its members.
struct Entries<M: SerializeMap> {
    map: M,
    failure: Option<M::Error>,
}

impl<M: SerializeMap> Entries<M> {
    fn add<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) {
        if self.failure.is_none() {
            self.failure = self.map.serialize_entry(name, value).err();
        }
    }
}

impl<M: SerializeMap> Members for Entries<M> {
    fn text(&mut self, name: &str, value: &str) {
        self.add(name, value);
    }

    fn number(&mut self, name: &str, value: Option<i64>) {
        // What a message counts is far below 2⁵³.
        #[allow(clippy::cast_precision_loss, reason = "as JavaScript would have it")]
        self.add(name, &value.map(|value| value as f64));
    }

    fn flag(&mut self, name: &str, value: bool) {
        self.add(name, &value);
    }

    fn pairs(&mut self, name: &str, pairs: &[(String, String)]) {
        self.add(name, pairs);
    }

    fn object(&mut self, name: &str, tell: &dyn Fn(&mut dyn Members)) {
        self.add(name, &Told(tell));
    }
}
