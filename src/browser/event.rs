//! Events, listened to until the handle is dropped.

use wasm_bindgen::{JsCast, closure::Closure};
use wasm_bindgen_futures::spawn_local;
use web_sys::{Event, EventTarget};

/// A listener; dropping it stops it.
pub(crate) struct Listening {
    target: EventTarget,
    name: &'static str,
    then: Closure<dyn FnMut(Event)>,
}

/// Calls `then` with each event of that name, before the target's own listeners.
pub(crate) fn on(
    target: &EventTarget,
    name: &'static str,
    then: impl FnMut(Event) + 'static,
) -> Listening {
    let (target, then) = (target.clone(), Closure::new(then));
    // It fails for no target and no name.
    let _ =
        target.add_event_listener_with_callback_and_bool(name, then.as_ref().unchecked_ref(), true);
    Listening { target, name, then }
}

/// Drops what may be a closure that is running right now, after the present turn.
pub(crate) fn drop_later(closures: impl Sized + 'static) {
    spawn_local(async move { drop(closures) });
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self.target.remove_event_listener_with_callback_and_bool(
            self.name,
            self.then.as_ref().unchecked_ref(),
            true,
        );
    }
}
