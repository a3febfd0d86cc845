//! Proof Key for Code Exchange, with S256 and nothing else (RFC 7636).

use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};

use crate::secret::Secret;

/// The verifier of 256 random bits: 43 characters of the unreserved alphabet (RFC 7636, 4.1).
#[must_use]
pub fn verifier(entropy: &[u8; 32]) -> Secret {
    Secret::new(Base64UrlUnpadded::encode_string(entropy))
}

/// The challenge that belongs to a verifier (RFC 7636, 4.2).
#[must_use]
pub fn challenge(verifier: &Secret) -> String {
    // exposed: to be hashed.
    Base64UrlUnpadded::encode_string(&Sha256::digest(verifier.expose()))
}
