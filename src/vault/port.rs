//! The ports of the pages: who is there, and how a message reaches them. It knows nothing of what
//! the messages mean.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use js_sys::Array;
use serde::Serialize;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{MessageEvent, MessagePort};

use super::wire::{FromVault, Id};
use crate::{browser::object, table::Table};

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
        let (is_welcome, signs) = (Cell::new(false), Cell::new(0));
        self.all.borrow_mut().insert(id, Rc::new(Port { channel, on_message, is_welcome, signs }));
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

    fn welcome(&self) -> impl Iterator<Item = Rc<Port>> {
        let all: Vec<_> = self.all.borrow().iter().map(|(_, port)| Rc::clone(port)).collect();
        all.into_iter().filter(|port| port.is_welcome.get())
    }
}

impl Port {
    /// Sends a message, and with it where a response's body is asked for.
    pub(super) fn send(&self, message: &FromVault, body: Option<&MessagePort>) {
        let serializer = serde_wasm_bindgen::Serializer::new();
        let Ok(message) = message.serialize(&serializer) else { return };
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
