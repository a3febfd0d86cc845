//! JSON Web Tokens: their compact form, their claims, and what makes one an ID token for this client
//! (RFC 7519, RFC 8725; OpenID Connect Core, 3.1.3.7). It must not know where a token came from.
//!
//! Signatures are not checked here: an ID token is read only from the token endpoint's answer, where
//! TLS stands for its signature (Core, 3.1.3.7, point 6).

pub mod claims;
pub mod compact;
pub mod id_token;
