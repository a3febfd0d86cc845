//! Answers on their way to the page: the head at once, the body piece by piece, and its end, however it
//! comes, frees the connection.
//!
//! The page gets a port for each body, and asks on it for each piece: nothing is read far ahead, so a
//! page that reads slowly slows the resource down. WebKit transfers no streams; the others, which do,
//! would send the same messages.

use std::{cell::Cell, rc::Rc};

use futures_channel::oneshot;
use js_sys::{Array, ArrayBuffer, Uint8Array};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{
    AbortSignal, Blob, MessageChannel, MessageEvent, MessagePort, ReadableStream,
    ReadableStreamDefaultReader, Response,
};
use zeroize::Zeroizing;

use super::{
    port::{self, Asker, Ports},
    wire::FromVault,
};
use crate::{
    browser::fetch,
    error::AuthError,
    request::reflection::{self, Reflection, Verdict},
};

/// The length of a request's body in bytes, endless for a stream, which is gone once it is sent; `None` for
/// what is no body.
pub(super) fn body_length(body: &JsValue) -> Option<u64> {
    if fetch::is_stream(body) {
        return Some(u64::MAX);
    }
    if let Some(buffer) = body.dyn_ref::<ArrayBuffer>() {
        return Some(u64::from(buffer.byte_length()));
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
    body.dyn_ref::<Blob>().map(|blob| blob.size() as u64)
}

/// A resource's answer, and whether a second try might have had another.
pub(super) struct Answer<'a> {
    pub(super) response: &'a Response,
    pub(super) body: Option<ReadableStream>,
    pub(super) is_unrepeated: bool,
}

/// A body on its way: what the resource sends, and where the page asks for it.
pub(super) struct Pipe {
    from: ReadableStreamDefaultReader,
    to: MessagePort,
    reflection: Reflection,
    asker: Asker,
}

/// What the page gets when it asks.
enum Next {
    Piece(Uint8Array),
    /// The last thing that it gets.
    Word(JsValue),
}

/// Sends the head of a resource's answer to the page that asked, and the end of a pipe for its body
/// where it has one; an error where the head repeats the credential.
pub(super) fn reply(
    ports: &Ports,
    asker: Asker,
    answer: Answer<'_>,
    reflection: Reflection,
) -> Result<Option<Pipe>, AuthError> {
    let Answer { response, body, is_unrepeated } = answer;
    let headers = fetch::headers(response);
    if reflection.is_in(&headers) {
        return Err(reflection::reflected());
    }
    let Some(port) = ports.get(asker.port) else { return Ok(None) };
    let head = FromVault::Response {
        id: asker.id,
        status: response.status(),
        status_text: response.status_text(),
        headers,
        url: response.url(),
        redirected: response.redirected(),
        unrepeated: is_unrepeated,
    };
    // The page's `Response` refuses a body for these statuses, even an empty one.
    let is_empty = matches!(response.status(), 204 | 205 | 304);
    let body = body.filter(|_| !is_empty);
    let channel = body.and_then(|body| Some((body, MessageChannel::new().ok()?)));
    port.send(&head, channel.as_ref().map(|(_, channel)| channel.port2()).as_ref());
    Ok(channel.map(|(body, channel)| {
        let (from, to) = (fetch::reader(&body), channel.port1());
        Pipe { from, to, reflection, asker }
    }))
}

impl Pipe {
    /// Gives the page a piece whenever it asks, `null` at the end, `false` where the body breaks off and
    /// `failed` where it may not pass, until the signal aborts, which must be the request's own.
    pub(super) async fn run(mut self, signal: &AbortSignal) {
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
            let sent = match self.next().await {
                Next::Piece(piece) => {
                    self.to.post_message_with_transferable(&piece, &Array::of1(&piece.buffer()))
                }
                Next::Word(word) => {
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

    async fn next(&mut self) -> Next {
        loop {
            // An abort in the middle of a read makes that fail.
            let piece = match fetch::read_piece(&self.from).await {
                Ok(Some(piece)) => piece,
                Ok(None) => {
                    let rest = self.reflection.rest();
                    if rest.is_empty() {
                        return Next::Word(JsValue::NULL);
                    }
                    return Next::Piece(fetch::bytes_body(&rest));
                }
                Err(_) => return Next::Word(JsValue::FALSE),
            };
            if !self.reflection.is_looking() {
                return Next::Piece(piece);
            }
            match self.reflection.look(&Zeroizing::new(piece.to_vec())) {
                Verdict::Pass => return Next::Piece(piece),
                Verdict::Instead(bytes) if bytes.is_empty() => {}
                Verdict::Instead(bytes) => return Next::Piece(fetch::bytes_body(&bytes)),
                Verdict::Reflected => {
                    // Nobody reads on.
                    let _ = self.from.cancel();
                    let failed =
                        FromVault::Failed { id: self.asker.id, error: reflection::reflected() };
                    return Next::Word(port::object(&failed).unwrap_or(JsValue::FALSE));
                }
            }
        }
    }
}
