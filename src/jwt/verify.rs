//! Which key a token is to be verified with, and the one computation that is left to do then. It
//! computes no signature and fetches no key.

use core::fmt;
use std::rc::Rc;

use super::{
    algorithm::{Algorithm, Algorithms},
    compact,
    jwks::{Found, Jwk, KeySet},
};

/// One signature, to be checked with one key by one algorithm.
pub struct Check {
    /// By which algorithm: one that is allowed, and that the key is for.
    pub algorithm: Algorithm,
    /// With which key.
    pub jwk: Rc<Jwk>,
    /// What was signed.
    pub signing_input: Vec<u8>,
    /// The signature, of the length that such a key gives.
    pub signature: Vec<u8>,
    /// Whether the token names its key.
    pub(super) is_named: bool,
}

/// What is known of a token before anything is computed.
#[derive(Debug)]
pub enum Verdict {
    /// It is refused, whatever its signature is. The text ends a sentence: "the token …".
    Refused(&'static str),
    /// Its key is not in the set: a newer set may have it.
    Unknown,
    /// It is good if this is.
    Check(Check),
}

impl fmt::Debug for Check {
    /// Without what was signed: it is about a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.algorithm.as_str())
    }
}

/// What is to be checked of `token`. Which algorithms are allowed is the caller's word; the token's
/// own `alg` only has to be among them (RFC 8725, 3.1).
#[must_use]
pub fn judge(token: &str, keys: &KeySet, allowed: Algorithms) -> Verdict {
    find(token, keys, allowed).unwrap_or_else(Verdict::Refused)
}

fn find(token: &str, keys: &KeySet, allowed: Algorithms) -> Result<Verdict, &'static str> {
    let jws = compact::split(token)?;
    let alg = jws.header.required("alg").unwrap_or_default();
    let algorithm = Algorithm::read(alg).filter(|one| allowed.allow(*one)).ok_or(NOT_ALLOWED)?;
    let kid = match jws.header.get("kid") {
        None => None,
        Some(kid) => Some(kid.as_text().ok_or("has a `kid` that is no text")?),
    };
    let jwk = match keys.find(algorithm, kid) {
        Found::Key(jwk) => jwk,
        Found::Unknown => return Ok(Verdict::Unknown),
        Found::Refused(why) => return Err(why),
    };
    if !jwk.fits(&jws.signature) {
        return Err("has a signature of another length than its key gives");
    }
    Ok(Verdict::Check(Check {
        algorithm,
        jwk,
        is_named: kid.is_some(),
        signing_input: jws.signing_input.into(),
        signature: jws.signature,
    }))
}

const NOT_ALLOWED: &str = "is signed by an algorithm (`alg`) that the provider does not list for ID \
                           tokens: with `endpoints`, set `idTokenSigningAlgValuesSupported`";

/// The payload of a compact token, as it is: believe it only once its [`Check`] was good.
#[must_use]
pub fn payload(token: &str) -> Option<Vec<u8>> {
    compact::split(token).ok().map(|jws| jws.payload)
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use base64ct::{Base64UrlUnpadded, Encoding};

    use super::*;

    fn token(signature: &[u8]) -> String {
        let b64 = Base64UrlUnpadded::encode_string;
        [b64(br#"{"alg":"ES256"}"#), b64(b"{}"), b64(signature)].join(".")
    }

    #[test]
    fn a_signature_is_as_long_as_its_key_gives_jw10() {
        let at = Base64UrlUnpadded::encode_string(&[1; 32]);
        let keys = format!(r#"{{"keys":[{{"kty":"EC","crv":"P-256","x":"{at}","y":"{at}"}}]}}"#);
        let keys = KeySet::read(keys.as_bytes()).unwrap();
        let judged = |length| {
            let signature = vec![1; length];
            judge(&token(&signature), &keys, Algorithms::of_issuer(&["ES256"]))
        };
        assert!(matches!(judged(64), Verdict::Check(_)));
        for length in [1, 63, 65, 96, 132] {
            let verdict = judged(length);
            assert!(
                matches!(verdict, Verdict::Refused(why) if why.contains("length")),
                "{length} {verdict:?}"
            );
        }
    }

    #[test]
    fn a_payload_is_told_as_it_stands_in_the_token() {
        assert_eq!(payload(&token(&[1; 64])).as_deref(), Some(&b"{}"[..]));
        assert_eq!(payload("a.b"), None);
    }
}
