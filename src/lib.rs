//! tokenward keeps a person's credentials out of the page: tokens live in a **vault**, this crate
//! compiled to WebAssembly in a worker, which alone talks to the provider and attaches credentials
//! to requests.
//!
//! # From Rust
//!
//! An application in Rust uses [`client`]: what the npm package is for one in TypeScript.
//!
//! # The rooms
//!
//! Arrows point down: `{wasm, client} → vault → {browser, session, request} → {oauth, jwt} → the rest`.
//!
//! - [`config`], [`error`], [`secret`], [`clock`], [`url`], [`json`], [`table`]: what every room speaks of.
//! - [`jwt`]: compact tokens, their claims, the rules for ID tokens, keys and what they verify.
//! - [`oauth`]: the messages of OAuth 2 and OpenID Connect, as pure functions.
//! - [`session`]: is there a token, until when, who refreshes. A machine without IO.
//! - [`request`]: which credential goes where, and one request's retry budget. A machine without IO.
//! - `browser`: adapters over web-sys, one file each; `crowd`: tasks that wait for the same word.
//! - `vault`: ports, the wire protocol, and the pump that holds the machines.
//! - `wasm`: what JavaScript may call.
//! - [`client`]: the page's side, for applications in Rust. Nothing of the vault's module uses it.
//!
//! # The one law
//!
//! After each `handle(now, input)`, perform `poll()` until it is empty, then sleep until `wake_at()`.
//! Waking early, late or twice is harmless. Time and entropy are arguments.

pub mod client;
pub mod clock;
pub mod config;
pub mod error;
pub mod json;
pub mod jwt;
pub mod oauth;
pub mod request;
pub mod secret;
pub mod session;
pub mod table;
pub mod url;

#[cfg(target_arch = "wasm32")]
mod browser;
#[cfg(target_arch = "wasm32")]
mod crowd;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod generated;
pub mod vault;
#[cfg(target_arch = "wasm32")]
pub mod wasm;
