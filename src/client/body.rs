//! An answer's body: the vault gives a piece whenever it is asked, and a page reads a stream.

use std::{cell::RefCell, rc::Rc};

use js_sys::{Function, Object, Promise, TypeError, Uint8Array};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{
    AbortSignal, MessageEvent, MessagePort, ReadableStream, ReadableStreamDefaultController,
};

use crate::browser::{
    event::{self, Listening},
    object,
};

/// A stream under way.
struct Gathering {
    port: MessagePort,
    controller: RefCell<Option<ReadableStreamDefaultController>>,
    /// Resolves the promise of the piece that was asked for.
    pulled: RefCell<Option<Function>>,
    /// The caller's signal, or the link's end, listened to until the stream is over.
    listening: RefCell<Option<Listening>>,
    drop: Box<dyn Fn()>,
}

/// The body behind `port`. It ends with `ends`; `drop` tells the vault that nobody reads on.
pub(super) fn gathered(
    port: MessagePort,
    ends: &AbortSignal,
    drop: impl Fn() + 'static,
) -> Result<ReadableStream, JsValue> {
    let gathering = Rc::new(Gathering {
        port,
        controller: RefCell::default(),
        pulled: RefCell::default(),
        listening: RefCell::default(),
        drop: Box::new(drop),
    });

    let source = Object::new();
    let on_pull = Rc::clone(&gathering);
    let pull =
        Closure::new(move |controller: ReadableStreamDefaultController| on_pull.pull(controller));
    let on_cancel = Rc::clone(&gathering);
    let cancel = Closure::once(move || on_cancel.stop());
    // The browser drops them with the stream.
    let pull: Closure<dyn FnMut(ReadableStreamDefaultController) -> Promise> = pull;
    object::set(&source, "pull", &pull.into_js_value());
    object::set(&source, "cancel", &cancel.into_js_value());

    let on_message = Rc::clone(&gathering);
    let listener = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        on_message.take(&event.data());
    });
    gathering.port.set_onmessage(Some(listener.into_js_value().unchecked_ref()));
    let (on_abort, signal) = (Rc::downgrade(&gathering), ends.clone());
    let listening = event::on(ends, "abort", move |_| {
        if let Some(gathering) = on_abort.upgrade() {
            gathering.abort(&signal.reason());
        }
    });
    *gathering.listening.borrow_mut() = Some(listening);
    ReadableStream::new_with_underlying_source(&source)
}

impl Gathering {
    fn pull(&self, controller: ReadableStreamDefaultController) -> Promise {
        *self.controller.borrow_mut() = Some(controller);
        Promise::new(&mut |resolve, _| {
            *self.pulled.borrow_mut() = Some(resolve);
            // A vault that is gone ends the link, and that the stream.
            let _ = self.port.post_message(&JsValue::TRUE);
        })
    }

    /// A piece, `null` at the end, `false` where the body broke off.
    fn take(&self, piece: &JsValue) {
        let Some(controller) = self.controller.borrow().clone() else { return };
        // A stream that was cancelled meanwhile takes nothing any more.
        let _ = if piece.is_null() {
            controller.close()
        } else if piece.is_falsy() {
            controller.error_with_e(&TypeError::new("network error"));
            Ok(())
        } else if let Some(error) = object::own(piece.unchecked_ref(), "error").dyn_ref::<Object>()
        {
            controller.error_with_e(error);
            Ok(())
        } else {
            controller.enqueue_with_chunk(piece)
        };
        if !piece.is_instance_of::<Uint8Array>() {
            self.end();
        }
        if let Some(pulled) = self.pulled.take() {
            let _ = pulled.call0(&JsValue::UNDEFINED);
        }
    }

    fn abort(&self, reason: &JsValue) {
        if let Some(controller) = &*self.controller.borrow() {
            controller.error_with_e(reason);
        }
        self.stop();
    }

    fn stop(&self) {
        self.end();
        (self.drop)();
    }

    fn end(&self) {
        self.port.set_onmessage(None);
        self.port.close();
        // This may run inside that very closure.
        event::drop_later(self.listening.take());
    }
}
