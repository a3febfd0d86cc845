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

/// How a lock is waited for.
pub(crate) enum Wait {
    /// For ever.
    Forever,
    /// The same, beside others who take it so.
    Shared,
    /// At most so long.
    AtMost(Millis),
    /// Until this aborts.
    Until(AbortSignal),
    /// Not at all: it is taken from whoever holds it.
    Steal,
}

/// Takes the lock `name`; `None` if the wait ended first, or the browser has no locks.
pub(crate) async fn take(name: &str, wait: Wait) -> Option<Held> {
    let options = Object::new();
    match wait {
        Wait::Forever => {}
        Wait::Shared => object::set(&options, "mode", &JsValue::from_str("shared")),
        Wait::AtMost(wait) => object::set(&options, "signal", &fetch::timeout(wait)),
        Wait::Until(signal) => object::set(&options, "signal", &signal),
        Wait::Steal => object::set(&options, "steal", &JsValue::TRUE),
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

fn locks() -> Option<LockManager> {
    let navigator = object::own_or_inherited(&global(), "navigator");
    let locks = object::own_or_inherited(&navigator, "locks");
    locks.is_object().then(|| locks.unchecked_into())
}
