//! The machines in virtual time: rule by rule, then in a world whose clocks, network and provider
//! misbehave. Nothing here sleeps, and every run can be played again from its seed.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "tests")]

#[path = "../vectors/mod.rs"]
mod vectors;

mod audiences;
mod browser;
mod fixtures;
mod rig;
mod world;

mod clocks;
mod cookie;
mod documents;
mod framing;
mod grants;
mod journal;
mod lives;
mod messages;
mod readme;
mod refreshing;
mod reloading;
mod restoring;
mod sealed;
mod sign_in;
mod sign_out;
mod signatures;
mod storms;
mod tabs;
mod threats;
mod waiting;
mod walks;
