//! What JavaScript may call: the worker's entry starts a vault and hands it ports. No object of this
//! module ever reaches a page.

#![allow(clippy::disallowed_methods, reason = "wasm-bindgen's own expansion uses `throw_str`")]

use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::MessagePort;

use crate::vault::Door;

/// What anything leaves behind is zeroed, whoever it belonged to.
#[cfg(feature = "wipe")]
#[global_allocator]
static ALLOCATOR: wipe::Wiping<std::alloc::System> = wipe::Wiping(std::alloc::System);

/// A running vault.
#[wasm_bindgen]
pub struct Vault(&'static Door);

/// Starts the vault of the worker `name`, which ends in the fingerprint of the configuration that it
/// will serve. The caller holds the Web Lock `lock` while the realm lives, for pages to see that it
/// does. With `baked`, the text of a configuration, it serves no other. Nothing comes of it where the browser
/// withholds its random numbers.
#[wasm_bindgen]
#[must_use]
pub fn start(name: String, build: String, lock: String, baked: Option<String>) -> Option<Vault> {
    Door::new(name, build, lock, baked).map(Vault)
}

#[wasm_bindgen]
impl Vault {
    /// Takes a page's port in.
    pub fn connect(&self, port: MessagePort) {
        self.0.connect(port);
    }
}
