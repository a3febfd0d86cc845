//! Answers on their way to the page: the head at once, the body as a stream that the page reads and
//! whose end, however it comes, frees the connection.

use js_sys::ArrayBuffer;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Blob, ReadableStream, Response, StreamPipeOptions, TransformStream};

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

/// A body on its way: what the resource sends, and where the page reads.
pub(super) struct Pipe {
    from: ReadableStream,
    through: TransformStream,
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
    let pipe = response.body().and_then(|from| {
        let through = TransformStream::new().ok()?;
        Some(Pipe { from, through })
    });
    port.send(&head, pipe.as_ref().map(|pipe| pipe.through.readable()).as_ref());
    pipe
}

impl Pipe {
    /// Carries the body until it ends, the page cancels it, or the signal aborts it.
    pub(super) async fn run(self, signal: &AbortSignal) {
        let options = StreamPipeOptions::new();
        options.set_signal(signal);
        let piping = self.from.pipe_to_with_options(&self.through.writable(), &options);
        // How it ended is told to the page by the stream itself.
        let _ = JsFuture::from(piping).await;
    }
}
