//! The page's side, for applications in Rust: what `createClient` of the npm package is for those in
//! TypeScript, over the same wire. It asks the vault for everything and keeps no secret; where the
//! vault runs is the application's choice ([`Place`]).
//!
//! The README shows how it is used, under "From Rust"; `examples/yew` is a whole application.
//!
//! Where the vault runs in the application's own module, what it gives back to the allocator is zeroed only with
//! the feature `wipe`, which sets the module's allocator.
//!
//! - [`Options`], [`Place`], [`State`]: what goes in and what is seen.
//! - [`Client`]: `client`, and behind its handles `inner`; `life` is what the page goes through.
//! - `hello`, `link`: reaching a vault, and asking it.
//! - `arrival`: the way back from the provider. `fetch`: a request and its answer.
//! - `events`: what the vault noted of the session.
//! - `verify`: tokens of the application's own, verified with its own keys.

mod options;
mod state;

#[cfg(target_arch = "wasm32")]
mod arrival;
#[cfg(target_arch = "wasm32")]
mod body;
#[cfg(target_arch = "wasm32")]
#[allow(clippy::module_inception, reason = "the room's main thing")]
mod client;
#[cfg(target_arch = "wasm32")]
mod events;
#[cfg(target_arch = "wasm32")]
mod fetch;
#[cfg(target_arch = "wasm32")]
mod hello;
#[cfg(target_arch = "wasm32")]
mod inner;
#[cfg(target_arch = "wasm32")]
mod life;
#[cfg(target_arch = "wasm32")]
mod link;
#[cfg(target_arch = "wasm32")]
mod place;
#[cfg(target_arch = "wasm32")]
mod told;
#[cfg(target_arch = "wasm32")]
mod verify;

pub use crate::session::journal::{Event, EventType};
pub use options::Options;
pub use state::State;

#[cfg(target_arch = "wasm32")]
pub use client::{Client, SignIn, Subscription};
#[cfg(target_arch = "wasm32")]
pub use fetch::FetchError;
#[cfg(target_arch = "wasm32")]
pub use place::Place;
#[cfg(target_arch = "wasm32")]
pub use verify::{VerifyError, verify_jws};
