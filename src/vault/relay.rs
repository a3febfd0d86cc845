//! Answers on their way to the page: the head at once, the body piece by piece, and its end, however it
//! comes, frees the connection.
//!
//! The page gets a port for each body, and asks on it for each piece: nothing is read far ahead, so a
//! page that reads slowly slows the resource down. WebKit transfers no streams; the others, which do,
//! would send the same messages.

use std::{cell::Cell, rc::Rc};

use futures_channel::oneshot;
use js_sys::{Array, ArrayBuffer};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{
    AbortSignal, Blob, MessageChannel, MessageEvent, MessagePort, ReadableStream,
    ReadableStreamDefaultReader, Response,
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

/// A body on its way: what the resource sends, and where the page asks for it.
pub(super) struct Pipe {
    from: ReadableStreamDefaultReader,
    to: MessagePort,
}

/// Sends the head of a resource's answer to the page that asked, and the end of a pipe for its body
/// where it has one.
pub(super) fn reply(
    ports: &Ports,
    asker: Asker,
    response: &Response,
    body: Option<ReadableStream>,
) -> Option<Pipe> {
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
    let body = body.filter(|_| !is_empty);
    let channel = body.and_then(|body| Some((body, MessageChannel::new().ok()?)));
    port.send(&head, channel.as_ref().map(|(_, channel)| channel.port2()).as_ref());
    channel.map(|(body, channel)| Pipe { from: fetch::reader(&body), to: channel.port1() })
}

impl Pipe {
    /// Gives the page a piece whenever it asks, `null` at the end and `false` where the body breaks
    /// off, until the signal aborts, which must be the request's own.
    pub(super) async fn run(self, signal: &AbortSignal) {
        let asked = Rc::new(Cell::new(None::<oneshot::Sender<bool>>));
        let waiting = Rc::clone(&asked);
        // A message asks for more; the signal's event carries no data, and ends the wait.
        let listener = Closure::<dyn FnMut(_)>::new(move |event: MessageEvent| {
            if let Some(waiting) = waiting.take() {
                // Whoever waits is there: this is one thread.
                let _ = waiting.send(event.data().is_truthy());
            }
        });
        self.to.set_onmessage(Some(listener.as_ref().unchecked_ref()));
        signal.set_onabort(Some(listener.as_ref().unchecked_ref()));
        loop {
            let (sender, is_asked) = oneshot::channel();
            asked.set(Some(sender));
            if is_asked.await != Ok(true) {
                break;
            }
            // An abort in the middle of a read makes that fail.
            let sent = match fetch::read_piece(&self.from).await {
                Ok(Some(piece)) => {
                    self.to.post_message_with_transferable(&piece, &Array::of1(&piece.buffer()))
                }
                end => {
                    let word = if end.is_ok() { JsValue::NULL } else { JsValue::FALSE };
                    let _ = self.to.post_message(&word);
                    break;
                }
            };
            if sent.is_err() {
                break;
            }
        }
        self.to.set_onmessage(None);
        signal.set_onabort(None);
    }
}
