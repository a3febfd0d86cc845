//! Workers of this origin, as a page starts them: under Trusted Types, and behind a shield.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use futures_channel::oneshot;
use js_sys::{Array, Object, Promise, Reflect, Symbol};
use wasm_bindgen::{JsCast, JsValue, closure::Closure, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;
use web_sys::{EventTarget, MessagePort};

use super::{event, global, object, time};
use crate::clock::Millis;

/// How long a vault waits for its shield, the first time.
const SHIELD: Millis = Millis::from_secs(2);

#[wasm_bindgen]
extern "C" {
    /// Not web-sys' own, whose constructor takes no Trusted Types.
    #[wasm_bindgen(extends = EventTarget)]
    pub(crate) type SharedWorker;

    #[wasm_bindgen(constructor, catch)]
    fn new(url: &JsValue, options: &Object) -> Result<SharedWorker, JsValue>;

    #[wasm_bindgen(method, getter)]
    pub(crate) fn port(this: &SharedWorker) -> MessagePort;

    /// Not web-sys' own either.
    #[wasm_bindgen(extends = EventTarget)]
    pub(crate) type Worker;

    #[wasm_bindgen(constructor, catch)]
    fn new(url: &JsValue, options: &Object) -> Result<Worker, JsValue>;

    #[wasm_bindgen(method, js_name = postMessage)]
    fn post_message(this: &Worker, message: &JsValue, transfer: &Array);

    #[wasm_bindgen(method)]
    pub(crate) fn terminate(this: &Worker);

    type ServiceWorkerContainer;

    #[wasm_bindgen(method, catch)]
    fn register(this: &ServiceWorkerContainer, url: &JsValue) -> Result<Promise, JsValue>;

    type TrustedTypes;

    #[wasm_bindgen(method, catch, js_name = createPolicy)]
    fn create_policy(this: &TrustedTypes, name: &str, rules: &Object) -> Result<JsValue, JsValue>;

    type TrustedTypePolicy;

    #[wasm_bindgen(method, catch, js_name = createScriptURL)]
    fn create_script_url(this: &TrustedTypePolicy, url: &str) -> Result<JsValue, JsValue>;
}

/// Starts, or finds, the worker of this name; it outlives its last page for a while, where the browser
/// lets it. An error is the browser's refusal.
pub(crate) fn share(url: &str, name: &str) -> Result<SharedWorker, JsValue> {
    let options = options(name);
    object::set(&options, "extendedLifetime", &JsValue::TRUE);
    SharedWorker::new(&trusted(url), &options)
}

/// Starts a worker of this page's own. An error is the browser's refusal.
pub(crate) fn start(url: &str, name: &str) -> Result<Worker, JsValue> {
    Worker::new(&trusted(url), &options(name))
}

/// Gives a port to a worker of this page's own.
pub(crate) fn hand(worker: &Worker, port: &MessagePort) {
    worker.post_message(&JsValue::NULL, &Array::of1(port));
}

fn options(name: &str) -> Object {
    let options = Object::new();
    object::set(&options, "type", &JsValue::from_str("module"));
    object::set(&options, "name", &JsValue::from_str(name));
    options
}

/// Registers the empty service worker at `url`, so that no other sees what is in its folder. The vault
/// works without: it is only open to a service worker that covers its folder.
pub(crate) async fn raise_shield(url: &str) {
    let navigator = object::own_or_inherited(&global(), "navigator");
    let container = object::own_or_inherited(&navigator, "serviceWorker");
    if !container.is_object() {
        return;
    }
    let container: ServiceWorkerContainer = container.unchecked_into();
    let Ok(registering) = container.register(&trusted(url)) else { return };
    let Ok(registration) = JsFuture::from(registering).await else { return };
    let installing = object::own_or_inherited(&registration, "installing");
    let is_active = object::own_or_inherited(&registration, "active").is_object();
    if is_active || !installing.is_object() {
        return;
    }
    let (sender, has_ended) = oneshot::channel();
    let sender = Rc::new(Cell::new(Some(sender)));
    let on_time = Rc::clone(&sender);
    let worker = installing.clone();
    let _listening = event::on(installing.unchecked_ref(), "statechange", move |_| {
        let state = object::own_or_inherited(&worker, "state").as_string();
        if state.as_deref() == Some("activated") {
            sender.take().map(|sender| sender.send(()));
        }
    });
    let _timer = time::wake_in(SHIELD, move || {
        on_time.take().map(|sender| sender.send(()));
    });
    let _ = has_ended.await;
}

/// The URL as a worker's constructor wants it under Trusted Types. Without the policy the browser
/// decides; it refuses only where the page's own policy demands one.
fn trusted(url: &str) -> JsValue {
    ALLOWED.with_borrow_mut(|allowed| allowed.push(url.to_owned()));
    let made = policy().and_then(|policy| policy.create_script_url(url).ok());
    // A policy under our symbol may be a stranger's: only what names this URL is used.
    let names_it =
        |made: &JsValue| made.dyn_ref::<Object>().is_some_and(|made| made.to_string() == url);
    made.filter(names_it).unwrap_or_else(|| JsValue::from_str(url))
}

thread_local! {
    /// What the policy lets through.
    static ALLOWED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    /// The rule of the policy, which lives as long as the page.
    static RULE: Closure<dyn FnMut(String) -> Option<String>> = Closure::new(|url: String| {
        ALLOWED.with_borrow(|allowed| allowed.contains(&url)).then_some(url)
    });
}

/// The policy `tokenward`, one for every copy of this crate and of the package in this page.
fn policy() -> Option<TrustedTypePolicy> {
    let key: JsValue = Symbol::for_("tokenward.policy").into();
    let known = Reflect::get(&global(), &key).ok()?;
    if known.is_object() {
        return Some(known.unchecked_into());
    }
    let types = object::own_or_inherited(&global(), "trustedTypes");
    if !types.is_object() {
        return None;
    }
    let rules = Object::new();
    RULE.with(|rule| object::set(&rules, "createScriptURL", rule.as_ref()));
    let types: TrustedTypes = types.unchecked_into();
    let made = types.create_policy("tokenward", &rules).ok()?;
    Reflect::set(&global(), &key, &made).ok()?;
    Some(made.unchecked_into())
}
