//! Answers on their way to the page: the head at once, the body piece by piece as the page reads, and
//! its end, however it comes, frees the connection.
//!
//! A stream is transferred where the browser can. WebKit cannot: there the page gets a port, and asks
//! on it for each piece. Nothing is read ahead, so a page that reads slowly slows the resource down.

use std::{cell::Cell, rc::Rc};

use futures_channel::oneshot;
use js_sys::{Array, ArrayBuffer};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortSignal, Blob, MessageChannel, MessageEvent, MessagePort, ReadableStream, Response,
    StreamPipeOptions, TransformStream,
};

use super::{
    port::{Asker, Ports},
    wire::FromVault,
};
use crate::browser::fetch;

/// The length of a request's body in bytes; `None` for what is no body.
pub(super) fn body_length(body: &JsValue) -> Option<u64> {
    if let Some(buffer) = body.dyn_ref::<ArrayBuffer>() {
        return Some(u64::from(buffer.byte_length()));
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
    body.dyn_ref::<Blob>().map(|blob| blob.size() as u64)
}

/// A body on its way: what the resource sends, and how the page gets it.
pub(super) struct Pipe {
    from: ReadableStream,
    to: Passage,
}

enum Passage {
    Stream(TransformStream),
    Port(MessagePort),
}

/// Sends the head of a resource's answer to the page that asked, and the end of a pipe for its body
/// where it has one.
pub(super) fn reply(ports: &Ports, asker: Asker, response: &Response) -> Option<Pipe> {
    let port = ports.get(asker.port)?;
    let head = FromVault::Response {
        id: asker.id,
        status: response.status(),
        status_text: response.status_text(),
        headers: fetch::headers(response),
        url: response.url(),
        redirected: response.redirected(),
    };
    // The page's `Response` refuses a body for these statuses, even an empty one.
    let is_empty = matches!(response.status(), 204 | 205 | 304);
    let Some(from) = response.body().filter(|_| !is_empty) else {
        port.send(&head, None);
        return None;
    };
    let through = TransformStream::new().ok()?;
    if port.send(&head, Some(&through.readable())) {
        return Some(Pipe { from, to: Passage::Stream(through) });
    }
    let channel = MessageChannel::new().ok()?;
    port.send(&head, Some(&channel.port2()));
    Some(Pipe { from, to: Passage::Port(channel.port1()) })
}

impl Pipe {
    /// Carries the body until it ends, the page cancels it, or the signal aborts it.
    pub(super) async fn run(self, signal: &AbortSignal) {
        match self.to {
            Passage::Stream(through) => {
                let options = StreamPipeOptions::new();
                options.set_signal(signal);
                let piping = self.from.pipe_to_with_options(&through.writable(), &options);
                // How it ended is told to the page by the stream itself.
                let _ = JsFuture::from(piping).await;
            }
            Passage::Port(port) => hand_out(&self.from, &port, signal).await,
        }
    }
}

/// Gives the page a piece whenever it asks, `null` at the end and `false` where the body breaks off.
async fn hand_out(from: &ReadableStream, port: &MessagePort, signal: &AbortSignal) {
    let reader = fetch::reader(from);
    let asked = Rc::new(Cell::new(None::<oneshot::Sender<bool>>));
    let waiting = Rc::clone(&asked);
    // A message asks for more; the signal's event carries no data, and ends the wait.
    let listener = Closure::<dyn FnMut(_)>::new(move |event: MessageEvent| {
        if let Some(waiting) = waiting.take() {
            // Whoever waits is there: this is one thread.
            let _ = waiting.send(event.data().is_truthy());
        }
    });
    port.set_onmessage(Some(listener.as_ref().unchecked_ref()));
    signal.set_onabort(Some(listener.as_ref().unchecked_ref()));
    loop {
        let (sender, is_asked) = oneshot::channel();
        asked.set(Some(sender));
        // An abort in the middle of a read makes that fail: the signal is the request's own.
        if is_asked.await != Ok(true) {
            break;
        }
        let sent = match fetch::read_piece(&reader).await {
            Ok(Some(piece)) => {
                port.post_message_with_transferable(&piece, &Array::of1(&piece.buffer()))
            }
            end => {
                let word = if end.is_ok() { JsValue::NULL } else { JsValue::FALSE };
                let _ = port.post_message(&word);
                break;
            }
        };
        if sent.is_err() {
            break;
        }
    }
    port.set_onmessage(None);
    signal.set_onabort(None);
}
