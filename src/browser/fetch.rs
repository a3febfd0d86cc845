//! The browser's `fetch`, and the reading of what it answered. It knows requests and bytes, not what
//! they are for.

use js_sys::{Array, ArrayBuffer, Promise, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortSignal, Headers, ReadableStream, ReadableStreamDefaultReader, Request, RequestInit,
    Response,
};
use zeroize::Zeroize;

use super::{global, object};
use crate::{clock::Millis, secret::Secret};

/// Why no answer came.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The request could not be made of its parts, so nothing was sent.
    NotSent,
    /// It was aborted.
    Aborted,
    /// Its time was over.
    TimedOut,
    /// The browser's own failure: no connection, no CORS, a redirect where none is allowed. It does
    /// not say which, nor whether the request was sent.
    Network(String),
}

impl From<JsValue> for Failure {
    fn from(error: JsValue) -> Self {
        match object::error_name(&error).as_str() {
            "AbortError" => Self::Aborted,
            "TimeoutError" => Self::TimedOut,
            _ => Self::Network(object::error_message(&error)),
        }
    }
}

/// A request in parts; what is absent is the browser's default.
pub(crate) struct Outgoing<'a> {
    pub(crate) url: &'a str,
    pub(crate) method: &'a str,
    pub(crate) headers: &'a [(String, String)],
    /// Header fields that are written after `headers`, so that none of the caller's stands beside them.
    pub(crate) credentials: &'a [(&'a str, Secret)],
    pub(crate) body: Option<&'a JsValue>,
    /// Further members of `RequestInit`, by name. What the browser does not take is not sent.
    pub(crate) options: &'a [(&'static str, &'a str)],
    pub(crate) signal: &'a AbortSignal,
}

impl Outgoing<'_> {
    /// Sends it and waits for the head of the answer.
    pub(crate) async fn send(&self) -> Result<Response, Failure> {
        let request = self.to_request().map_err(|_| Failure::NotSent)?;
        let answer = JsFuture::from(global().fetch_with_request(&request)).await?;
        Ok(answer.unchecked_into())
    }

    fn to_request(&self) -> Result<Request, JsValue> {
        let headers = Headers::new()?;
        for (name, value) in self.headers {
            headers.append(name, value)?;
        }
        for (name, credential) in self.credentials {
            // exposed: this is what the request is for.
            headers.set(name, credential.expose())?;
        }
        let init = RequestInit::new();
        init.set_method(self.method);
        init.set_headers(&headers);
        if let Some(body) = self.body {
            init.set_body(body);
            if is_stream(body) {
                // The only way of sending one; no engine takes it unsaid.
                object::set(&init, "duplex", &JsValue::from_str("half"));
            }
        }
        for (name, value) in self.options {
            object::set(&init, name, &JsValue::from_str(value));
        }
        init.set_signal(Some(self.signal));
        Request::new_with_str_and_init(self.url, &init)
    }
}

/// A signal that aborts after `after`.
pub(crate) fn timeout(after: Millis) -> AbortSignal {
    AbortSignal::timeout_with_u32(u32::try_from(after.0).unwrap_or(u32::MAX))
}

/// Whether a body can be sent once only.
pub(crate) fn is_stream(body: &JsValue) -> bool {
    body.has_type::<ReadableStream>()
}

/// Bytes as a body that `fetch` copies at once; the caller wipes both.
pub(crate) fn bytes_body(bytes: &[u8]) -> Uint8Array {
    Uint8Array::from(bytes)
}

/// The text whose UTF-8 bytes a page sent, an `ArrayBuffer`, which is wiped; `None` if it is none.
pub(crate) fn take_text(bytes: &JsValue) -> Option<Secret> {
    let buffer = Uint8Array::new(bytes.dyn_ref::<ArrayBuffer>()?);
    let text = String::from_utf8(buffer.to_vec());
    buffer.fill(0, 0, buffer.length());
    text.map_err(|error| error.into_bytes().zeroize()).ok().map(Secret::new)
}

/// The whole body, of at most `limit` bytes; `None` if it is longer. The browser's own copy of each
/// piece is filled with zeros.
pub(crate) async fn read_body(
    response: &Response,
    limit: usize,
) -> Result<Option<Vec<u8>>, Failure> {
    let Some(stream) = response.body() else { return Ok(Some(Vec::new())) };
    let reader = reader(&stream);
    let mut bytes = Vec::new();
    loop {
        let Some(chunk) = read_piece(&reader).await? else { return Ok(Some(bytes)) };
        let (start, length) = (bytes.len(), chunk.length() as usize);
        if start + length > limit {
            bytes.zeroize();
            // The rest is not wanted; whether cancelling succeeds does not matter.
            let _ = reader.cancel();
            return Ok(None);
        }
        grow(&mut bytes, length);
        chunk.copy_to(&mut bytes[start..]);
        chunk.fill(0, 0, chunk.length());
    }
}

/// Bytes as the body of an answer.
pub(crate) fn stream(bytes: &[u8]) -> Option<ReadableStream> {
    Response::new_with_opt_buffer_source(Some(&bytes_body(bytes))).ok()?.body()
}

/// The one reader of a stream of bytes.
pub(crate) fn reader(stream: &ReadableStream) -> ReadableStreamDefaultReader {
    stream.get_reader().unchecked_into()
}

/// The next piece of a body; `None` at its end.
pub(crate) async fn read_piece(
    reader: &ReadableStreamDefaultReader,
) -> Result<Option<Uint8Array>, Failure> {
    let piece = JsFuture::from(Promise::from(JsValue::from(reader.read()))).await?;
    Ok(object::own_or_inherited(&piece, "value").dyn_into().ok())
}

/// Makes room for `length` more bytes without leaving an unwiped copy behind, as a growing `Vec`
/// would.
fn grow(bytes: &mut Vec<u8>, length: usize) {
    let mut larger = Vec::with_capacity(bytes.len() + length);
    larger.extend_from_slice(bytes);
    larger.resize(bytes.len() + length, 0);
    bytes.zeroize();
    *bytes = larger;
}

/// The header field `name`, where the browser shows it.
pub(crate) fn header(response: &Response, name: &str) -> Option<String> {
    response.headers().get(name).ok().flatten()
}

/// Every header field that the browser shows.
pub(crate) fn headers(response: &Response) -> Vec<(String, String)> {
    let mut all = Vec::new();
    if let Ok(Some(entries)) = js_sys::try_iter(&response.headers()) {
        for entry in entries.flatten() {
            let entry: Array = entry.unchecked_into();
            if let (Some(name), Some(value)) = (entry.get(0).as_string(), entry.get(1).as_string())
            {
                all.push((name, value));
            }
        }
    }
    all
}

/// Whether the answer is a redirect that was not followed (`redirect: "manual"`).
pub(crate) fn is_redirect(response: &Response) -> bool {
    Reflect::get(response, &JsValue::from_str("type"))
        .is_ok_and(|kind| kind.as_string().as_deref() == Some("opaqueredirect"))
}
