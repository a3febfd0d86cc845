//! The session: is there an access token, until when, and who refreshes it. A machine without IO: it
//! knows grants and failures, not JSON, URLs or requests.
//!
//! - [`machine`]: `Session` itself, under the one law of the crate.
//! - [`inputs`], [`snapshot`]: what it hears, what it orders, what pages may see of it.
//! - [`grant`], [`outcome`], [`proof`]: what a token endpoint's answer is worth, before the machine hears
//!   of it.
//! - `tenure`, `access`, `refresh`: who is signed in, the access token of each audience, and when that is
//!   renewed.
//! - [`tabs`]: what the vaults of other tabs tell.
//! - [`restore`], [`flag`]: what a vault does where another one was lost with the session, and what that left.
//! - [`sealed`]: what of a session outlives its vault, under a seal.
//! - `cookie`: what of it outlives its vault at a backend, behind a cookie.
//! - [`journal`]: what became of it, for whoever asks afterwards.
//! - `signin`, `exchange`, `waiting`: callbacks, the one token request at a time, the tickets.

pub mod bounces;
pub mod builds;
pub mod flag;
pub mod grant;
pub mod inputs;
pub mod journal;
pub mod machine;
pub mod outcome;
pub mod proof;
pub mod restore;
pub mod sealed;
mod signout;
pub mod snapshot;
pub mod tabs;
pub mod turns;

mod access;
mod cookie;
mod exchange;
mod random;
mod refresh;
mod signin;
mod tenure;
mod waiting;
