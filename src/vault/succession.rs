//! A vault whose place a newer build's has taken: it sends its pages there, finishes what is under way, and
//! ends. Which one that is says `session::builds`.

use js_sys::Function;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;

use super::{pump::Vault, wire::FromVault};
use crate::{
    browser::{global, object, time},
    clock::{Millis, UnixMillis},
};

/// How often it is seen whether anything is still under way.
const PAUSE: Millis = Millis::from_secs(1);

/// How often at most: a body that nobody reads, or a stream of events, may be under way for ever.
const LOOKS: u32 = 60;

/// Another vault made itself known. One that a page has for itself goes with that page: only one that several
/// share can be outlived by pages of an older build.
pub(super) fn heard(vault: Vault, word: &str, born: UnixMillis) {
    let is_shared = object::own_or_inherited(&global(), "onconnect") != JsValue::UNDEFINED;
    let Some(build) = vault.build.successor(word, born).filter(|_| is_shared) else { return };
    vault.ports.broadcast(&FromVault::Moved { build });
    if vault.is_over.replace(true) {
        return;
    }
    spawn_local(async move {
        for _ in 0..LOOKS {
            // First, for the pages ask here until they have heard it.
            time::sleep(PAUSE).await;
            if !vault.is_at_work() {
                break;
            }
        }
        if let Ok(close) = object::own_or_inherited(&global(), "close").dyn_into::<Function>() {
            // Its lock goes with it, by which pages know.
            let _ = close.call0(&global());
        }
    });
}
