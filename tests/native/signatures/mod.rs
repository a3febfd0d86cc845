//! Which tokens are believed: public vectors, and every confusion of keys and algorithms.

mod confusion;
mod oracle;
mod signer;
mod verifying;
mod wycheproof;
