//! A page's end of a port, and the messages that arrive there.

use std::{cell::RefCell, rc::Rc};

use js_sys::{JSON, Object, Promise, Reflect};
use tokenward::wasm::{Vault, start};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{MessageChannel, MessageEvent, MessagePort};

/// A page that is connected to a vault of its own.
pub(crate) struct Page {
    port: MessagePort,
    arrived: Rc<RefCell<Vec<JsValue>>>,
    _listener: Closure<dyn FnMut(MessageEvent)>,
    _vault: Vault,
}

/// A message or an object within one.
pub(crate) struct Message(JsValue);

impl Page {
    /// Starts the vault `name` and connects to it.
    pub(crate) fn open(name: &str) -> Self {
        let vault = start(name.to_owned(), "test".to_owned(), "tokenward/vault/1".to_owned(), None)
            .expect("a browser has random numbers");
        let channel = MessageChannel::new().expect("a browser has ports");
        let arrived = Rc::new(RefCell::new(Vec::new()));
        let inbox = Rc::clone(&arrived);
        let listener =
            Closure::new(move |event: MessageEvent| inbox.borrow_mut().push(event.data()));
        channel.port1().set_onmessage(Some(listener.as_ref().unchecked_ref()));
        vault.connect(channel.port2());
        Self { port: channel.port1(), arrived, _listener: listener, _vault: vault }
    }

    /// Posts an object that is written as JSON.
    pub(crate) fn post(&self, json: &str) {
        let message = JSON::parse(json).expect("the test's JSON");
        self.port.post_message(&message).expect("a plain object can be posted");
    }

    /// Says hello from this very page.
    pub(crate) fn hello(&self, config: &str) {
        let location = web_sys::window().expect("a page").location();
        let page = format!("{}/", location.origin().expect("an origin"));
        let hello = Object::new();
        for (name, value) in [
            ("type", JsValue::from_str("hello")),
            ("wire", JsValue::from_f64(1.0)),
            ("config", JsValue::from_str(config)),
            ("page", JsValue::from_str(&page)),
            ("lock", JsValue::from_str("tokenward/page/test")),
        ] {
            Reflect::set(&hello, &JsValue::from_str(name), &value).expect("an ordinary object");
        }
        self.port.post_message(&hello).expect("a plain object can be posted");
    }

    /// The next message that is neither a state nor a ping.
    pub(crate) async fn next(&self) -> Message {
        self.next_where(|kind| kind != "state").await
    }

    /// The next state.
    pub(crate) async fn state(&self) -> Message {
        self.next_where(|kind| kind == "state").await
    }

    /// The next message of a wanted kind, a ping aside; others are passed over.
    async fn next_where(&self, is_wanted: impl Fn(&str) -> bool) -> Message {
        loop {
            let first = {
                let mut arrived = self.arrived.borrow_mut();
                (!arrived.is_empty()).then(|| arrived.remove(0))
            };
            match first.map(Message) {
                // This page holds no lock, so the vault asks whether it lives.
                Some(message) if message.text("type") == "ping" => self.post(r#"{"type":"pong"}"#),
                Some(message) if is_wanted(&message.text("type")) => return message,
                Some(_) => {}
                None => turn().await,
            }
        }
    }
}

impl Message {
    /// A member that is text; empty where there is none.
    pub(crate) fn text(&self, name: &str) -> String {
        self.inner(name).0.as_string().unwrap_or_default()
    }

    /// A member that is a number; not a number where there is none.
    pub(crate) fn number(&self, name: &str) -> f64 {
        self.inner(name).0.as_f64().unwrap_or(f64::NAN)
    }

    /// A member.
    pub(crate) fn inner(&self, name: &str) -> Self {
        Self(Reflect::get(&self.0, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED))
    }
}

/// Lets the browser deliver what is under way.
async fn turn() {
    let promise = Promise::new(&mut |resolve, _| {
        let window = web_sys::window().expect("a page");
        let _ = window.set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, 1);
    });
    let _ = JsFuture::from(promise).await;
}
