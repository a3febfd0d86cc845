//! `BroadcastChannel`: a word to the other realms of this origin, and theirs. It does not know what is
//! said.

use js_sys::Object;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{BroadcastChannel, MessageEvent};

use super::object;

/// An open channel; dropping it closes it.
pub(crate) struct Channel {
    channel: BroadcastChannel,
    /// Lives as long as it may be called.
    _on_message: Closure<dyn FnMut(MessageEvent)>,
}

impl Channel {
    /// Opens the channel `name` and hears what others say on it: a number and a word. What else is
    /// said there is not heard. `None` where the browser has no channels.
    pub(crate) fn open(name: &str, hear: impl Fn(f64, &str) + 'static) -> Option<Self> {
        let channel = BroadcastChannel::new(name).ok()?;
        let on_message = Closure::new(move |event: MessageEvent| {
            let data = event.data();
            let Some(message) = data.dyn_ref::<Object>() else { return };
            let said = (object::own(message, "epoch"), object::own(message, "event"));
            if let (Some(epoch), Some(event)) = (said.0.as_f64(), said.1.as_string()) {
                hear(epoch, &event);
            }
        });
        channel.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        Some(Self { channel, _on_message: on_message })
    }

    /// Says this to all others.
    pub(crate) fn say(&self, epoch: f64, event: &str) {
        let message = Object::new();
        object::set(&message, "epoch", &JsValue::from_f64(epoch));
        object::set(&message, "event", &JsValue::from_str(event));
        // Only a closed channel throws, and this one is open.
        let _ = self.channel.post_message(&message);
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.channel.set_onmessage(None);
        self.channel.close();
    }
}
