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

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn appendix_b_of_rfc_7636_pk2() {
        let octets = [
            116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186, 22, 212,
            37, 77, 105, 214, 191, 240, 91, 88, 5, 88, 83, 132, 141, 121,
        ];
        let verifier = verifier(&octets);
        assert_eq!(verifier.expose(), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(challenge(&verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    proptest! {
        #[test]
        fn alphabet_and_length_pk1(entropy: [u8; 32]) {
            let verifier = verifier(&entropy);
            let is_unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
            prop_assert_eq!(verifier.expose().len(), 43);
            prop_assert!(verifier.expose().bytes().all(is_unreserved));
            prop_assert_eq!(challenge(&verifier).len(), 43);
        }
    }
}
