//! Adapters over web-sys, one file each. They know the browser's interfaces and nothing of tokens,
//! sessions or policy; they run in a worker and, through the same calls, in a page.

pub(crate) mod channel;
pub(crate) mod crypto;
pub(crate) mod event;
pub(crate) mod fetch;
pub(crate) mod lock;
pub(crate) mod object;
pub(crate) mod random;
pub(crate) mod store;
pub(crate) mod time;
pub(crate) mod url;
pub(crate) mod worker;

use wasm_bindgen::JsCast;
use web_sys::WorkerGlobalScope;

/// The global object, of a worker or of a page. Only members that both have may be used.
pub(crate) fn global() -> WorkerGlobalScope {
    js_sys::global().unchecked_into()
}
