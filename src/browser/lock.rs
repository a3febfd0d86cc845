//! Web Locks: taken with a limit on the wait, held until dropped.

use futures_channel::oneshot;
use js_sys::{Function, Object, Promise};
use wasm_bindgen::{JsCast, JsValue, closure::Closure, prelude::wasm_bindgen};
use wasm_bindgen_futures::{JsFuture, future_to_promise, spawn_local};
use web_sys::AbortSignal;

use super::{fetch, global, object};
use crate::clock::Millis;

#[wasm_bindgen]
extern "C" {
    /// `navigator.locks`, which web-sys counts among its unstable interfaces.
    type LockManager;

    #[wasm_bindgen(method, catch)]
    fn request(
        this: &LockManager,
        name: &str,
        options: &Object,
        granted: &Function,
    ) -> Result<Promise, JsValue>;
}

/// A lock that this realm holds; dropping it lets go.
pub(crate) struct Held {
    _release: oneshot::Sender<()>,
}

/// Takes the lock `name`, waiting at most `wait` for it, or for ever where `wait` is absent. `None`
/// if the wait ended first.
pub(crate) fn take(name: &str, wait: Option<Millis>) -> impl Future<Output = Option<Held>> {
    take_until(name, wait.map(fetch::timeout))
}

/// Takes the lock `name`, waiting for it until `signal` aborts. `None` if that came first.
pub(crate) async fn take_until(name: &str, signal: Option<AbortSignal>) -> Option<Held> {
    let options = Object::new();
    if let Some(signal) = signal {
        object::set(&options, "signal", &signal);
    }
    let (granted, is_granted) = oneshot::channel();
    let (release, is_released) = oneshot::channel::<()>();
    let granted = Closure::once(move |_lock: JsValue| -> Promise {
        // Nobody listens any more if the wait ended at this very moment; then the sender is gone
        // too, and the lock is let go at once.
        let _ = granted.send(());
        future_to_promise(async move {
            let _ = is_released.await;
            Ok(JsValue::UNDEFINED)
        })
    });
    let function: Function = granted.as_ref().unchecked_ref::<Function>().clone();
    let request = locks()?.request(name, &options, &function).ok()?;
    // The callback lives as long as the request, which ends when the lock is let go or the wait is
    // over; `is_granted` is then cancelled with the callback.
    spawn_local(async move {
        let _ = JsFuture::from(request).await;
        drop(granted);
    });
    is_granted.await.ok().map(|()| Held { _release: release })
}

/// Holds the lock `name` from now on, for as long as this realm lives.
pub(crate) fn hold_for_life(name: String) {
    spawn_local(async move {
        let held = take(&name, None).await;
        // Never resolved: the browser lets go when the realm ends.
        std::future::pending::<()>().await;
        drop(held);
    });
}

fn locks() -> Option<LockManager> {
    let navigator = object::own_or_inherited(&global(), "navigator");
    let locks = object::own_or_inherited(&navigator, "locks");
    locks.is_object().then(|| locks.unchecked_into())
}
