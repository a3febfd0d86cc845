//! JSON Web Tokens: their compact form, their claims, what makes one an ID token for this client, and
//! the keys that prove it (RFC 7515, 7517, 7519, 8725; OpenID Connect Core, 3.1.3.7). It must not know
//! where a token came from, and computes no signature: [`verification`] says which one is left to check.

pub mod algorithm;
pub mod claims;
pub mod compact;
pub mod hash;
pub mod id_token;
pub mod jwks;
pub mod keys;
pub mod verification;
pub mod verify;
