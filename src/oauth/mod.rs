//! The messages of OAuth 2 and OpenID Connect, as pure functions: what to send, and what an answer
//! means. It must not know who sends, when, or what state anything is in.

pub mod authorize;
pub mod callback;
pub mod discovery;
pub mod dpop;
pub mod http_date;
pub mod initiated;
pub mod logout;
pub mod metadata;
pub mod par;
pub mod pkce;
pub mod return_to;
pub mod revocation;
pub mod token;
pub mod transaction;
pub mod userinfo;

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod fixtures;
