//! The vault: ports, the wire protocol and the pump that holds the machines. It carries messages
//! between pages, machines and the network, and decides nothing: no `if` about tokens, statuses or
//! time stands here.

pub mod wire;

#[cfg(target_arch = "wasm32")]
mod asks;
#[cfg(target_arch = "wasm32")]
mod attempt;
#[cfg(target_arch = "wasm32")]
mod bounces;
#[cfg(target_arch = "wasm32")]
mod connection;
#[cfg(target_arch = "wasm32")]
mod credentials;
#[cfg(target_arch = "wasm32")]
mod effects;
#[cfg(target_arch = "wasm32")]
mod farewell;
#[cfg(target_arch = "wasm32")]
mod flag;
#[cfg(target_arch = "wasm32")]
mod frames;
#[cfg(target_arch = "wasm32")]
mod journal;
#[cfg(target_arch = "wasm32")]
mod keys;
#[cfg(target_arch = "wasm32")]
mod port;
#[cfg(target_arch = "wasm32")]
mod proofs;
#[cfg(target_arch = "wasm32")]
mod provider;
#[cfg(target_arch = "wasm32")]
mod pump;
#[cfg(target_arch = "wasm32")]
mod relay;
#[cfg(target_arch = "wasm32")]
mod requests;
#[cfg(target_arch = "wasm32")]
mod revocations;
#[cfg(target_arch = "wasm32")]
mod sealed;
#[cfg(target_arch = "wasm32")]
mod send;
#[cfg(target_arch = "wasm32")]
mod succession;
#[cfg(target_arch = "wasm32")]
mod tabs;
#[cfg(target_arch = "wasm32")]
mod user_info;
#[cfg(target_arch = "wasm32")]
mod verified;

#[cfg(target_arch = "wasm32")]
pub(crate) use connection::Door;
