//! A set of keys (RFC 7517), read strictly: what cannot verify a signature is left out, what no public
//! set may hold is refused. It must not know how a set is fetched, nor which token is to be verified.

use std::{cell::Cell, rc::Rc};

use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{
    algorithm::{Algorithm, KeyType},
    compact,
};
use crate::{
    json::{self, Json, Members, Object, Writer},
    secret::Secret,
};

/// The largest key set that is read, in bytes.
pub const LIMIT: usize = 256 * 1024;

/// How many keys a set may have.
const MOST: usize = 100;

/// Sizes of RSA keys, in bits. A larger one costs a verifier more than any provider needs.
const RSA_BITS: core::ops::RangeInclusive<usize> = 2048..=8192;

/// The longest public exponent, in bytes.
const EXPONENT: usize = 8;

/// What no public key has: the members of private and symmetric keys (RFC 7518, 6.2.2, 6.3.2 and 6.4;
/// RFC 8037, 2).
const PRIVATE: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/// A set of keys that can verify signatures.
#[derive(Debug)]
pub struct KeySet(Vec<Key>);

/// One of them.
#[derive(Debug)]
struct Key {
    /// `kid`: an opaque name.
    kid: Option<String>,
    /// The one algorithm that it is for (RFC 8725, 3.1). Where its issuer does not say, it is the one that
    /// the first good signature had.
    algorithm: Cell<Option<Algorithm>>,
    jwk: Rc<Jwk>,
}

/// What a verifier needs of a key, checked.
#[derive(Debug)]
pub struct Jwk {
    /// `kty`.
    pub key_type: KeyType,
    /// The further members, by their names in a JWK; `k` among them is a secret, the others are public.
    pub members: Vec<(&'static str, Secret)>,
    /// How long a signature is, in bytes.
    signature: usize,
}

/// What a set has for a token.
pub(super) enum Found {
    /// The one key.
    Key(Rc<Jwk>),
    /// Nothing of that name, or of that kind: a newer set may have it.
    Unknown,
    /// None that may be used. The text says why, as the end of a sentence: "the token …".
    Refused(&'static str),
}

impl KeySet {
    /// An issuer's key set.
    ///
    /// Keys of unknown kinds, for other uses, with missing members or out of range are left out
    /// (RFC 7517, 5). An error says what is wrong with the set, as the end of a sentence.
    pub fn read(body: &[u8]) -> Result<Self, &'static str> {
        let set = json::read(body, LIMIT).map_err(json::JsonError::as_str)?;
        let Some(Json::List(keys)) = set.get("keys") else { return Err("has no list of `keys`") };
        if keys.len() > MOST {
            return Err("has more than 100 keys");
        }
        let mut read = Vec::new();
        for key in keys {
            let Json::Object(key) = key else { return Err("has a key that is no object") };
            if PRIVATE.iter().any(|member| key.get(member).is_some()) {
                return Err("publishes a private or a symmetric key, which must be replaced");
            }
            read.extend(Key::read(key));
        }
        Ok(Self(read))
    }

    /// Secrets that an application shares with a backend of its own, as a JWK or a set of them. Each names
    /// its algorithm. Never for an issuer's tokens: whoever can verify with such a key can sign with it.
    pub fn symmetric(text: &Secret) -> Result<Self, &'static str> {
        // exposed: to be parsed into secrets.
        let set = json::read(text.expose().as_bytes(), LIMIT).map_err(json::JsonError::as_str)?;
        let read = match set.get("keys") {
            Some(Json::List(keys)) => keys.iter().map(Key::symmetric_in).collect(),
            _ => Key::symmetric(&set).map(|key| vec![key]),
        };
        read.map(Self)
            .ok_or("has a key that is not symmetric, for one HMAC, and as long as its hash")
    }

    /// The one key for a token with this `alg` and `kid`. The name is compared and means nothing else
    /// (RFC 8725, 3.10).
    pub(super) fn find(&self, algorithm: Algorithm, kid: Option<&str>) -> Found {
        let fits = |key: &&Key| match kid {
            Some(kid) => key.kid.as_deref() == Some(kid),
            None => key.suits(algorithm),
        };
        let mut keys = self.0.iter().filter(fits);
        match (keys.next(), keys.next()) {
            (None, _) => Found::Unknown,
            (Some(key), None) if key.suits(algorithm) => Found::Key(Rc::clone(&key.jwk)),
            (Some(_), None) => Found::Refused("is signed with a key of another kind or algorithm"),
            // OpenID Connect Core, 10.1.
            (Some(_), Some(_)) if kid.is_none() => {
                Found::Refused("does not say which of several keys it is signed with (`kid`)")
            }
            (Some(_), Some(_)) => Found::Refused("names a key that the set has twice (`kid`)"),
        }
    }

    /// A signature by this key was good: from now on it is for that algorithm alone.
    pub(super) fn settle(&self, jwk: &Rc<Jwk>, algorithm: Algorithm) {
        for key in self.0.iter().filter(|key| Rc::ptr_eq(&key.jwk, jwk)) {
            key.algorithm.set(Some(algorithm));
        }
    }
}

impl Key {
    /// The key, if it can verify.
    fn read(from: &Object) -> Option<Self> {
        let jwk = Jwk::read(from)?;
        let key = Self::named(from, jwk)?;
        key.algorithm.get().is_none_or(|algorithm| key.jwk.is_for(algorithm)).then_some(key)
    }

    fn symmetric_in(key: &Json) -> Option<Self> {
        if let Json::Object(key) = key { Self::symmetric(key) } else { None }
    }

    fn symmetric(from: &Object) -> Option<Self> {
        let (kty, secret) = (from.required("kty").ok()?, from.required("k").ok()?);
        let algorithm = Algorithm::read(from.required("alg").ok()?)?;
        let size = Zeroizing::new(compact::decode(secret).ok()?).len();
        let hash = algorithm.hash().size();
        let members = vec![("k", Secret::from(secret))];
        let jwk = Jwk { key_type: KeyType::Oct, members, signature: hash };
        // RFC 7518, 3.2.
        let is_fit = kty == "oct" && algorithm.key_type() == KeyType::Oct && size >= hash;
        Self::named(from, jwk).filter(|_| is_fit)
    }

    /// With its name, if it is for verifying signatures.
    fn named(from: &Object, jwk: Jwk) -> Option<Self> {
        let is_for_signatures = matches!(from.text("use"), Ok(None | Some("sig")));
        let may_verify = match from.get("key_ops") {
            None => true,
            Some(operations) => operations.as_texts()?.contains(&"verify"),
        };
        let algorithm = match from.text("alg").ok()? {
            None => None,
            Some(alg) => Some(Algorithm::read(alg)?),
        };
        (is_for_signatures && may_verify).then_some(Self {
            kid: from.text("kid").ok()?.map(str::to_owned),
            algorithm: Cell::new(algorithm),
            jwk: Rc::new(jwk),
        })
    }

    fn suits(&self, algorithm: Algorithm) -> bool {
        let is_its_own = self.algorithm.get().is_none_or(|own| own == algorithm);
        is_its_own && self.jwk.is_for(algorithm)
    }
}

impl Jwk {
    /// A public key within the supported ranges.
    fn read(from: &Object) -> Option<Self> {
        let (key_type, names, signature): (_, &[&'static str], _) = match from
            .required("kty")
            .ok()?
        {
            "RSA" => (KeyType::Rsa, &["n", "e"], rsa(from)?),
            "EC" => {
                let size = coordinate(from.required("crv").ok()?)?;
                let has_size = |name| octets(from, name).is_some_and(|octets| octets.len() == size);
                if !has_size("x") || !has_size("y") {
                    return None;
                }
                (KeyType::Ec, &["crv", "x", "y"], 2 * size)
            }
            "OKP" if from.required("crv") == Ok("Ed25519") && octets(from, "x")?.len() == 32 => {
                (KeyType::Okp, &["crv", "x"], 64)
            }
            _ => return None,
        };
        let mut members = Vec::with_capacity(names.len());
        for name in names {
            members.push((*name, Secret::from(from.required(name).ok()?)));
        }
        Some(Self { key_type, members, signature })
    }

    /// The member of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Secret> {
        self.members.iter().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// Its thumbprint with SHA-256, in base64url (RFC 7638).
    #[must_use]
    pub fn thumbprint(&self) -> String {
        // exposed: of `k`, too, only the digest gets out.
        let members = self.members.iter().map(|(name, value)| (*name, value.expose()));
        let mut members: Vec<_> = members.chain([("kty", self.key_type.as_str())]).collect();
        members.sort_unstable();
        let mut canonical = Writer::default();
        for (name, value) in members {
            canonical.text(name, value);
        }
        Base64UrlUnpadded::encode_string(&Sha256::digest(&*Zeroizing::new(canonical.finish())))
    }

    /// Whether a signature has the length that this key gives.
    pub(super) fn fits(&self, signature: &[u8]) -> bool {
        signature.len() == self.signature
    }

    fn is_for(&self, algorithm: Algorithm) -> bool {
        self.key_type == algorithm.key_type()
            && match algorithm {
                // The curve of each, by the length of its signatures (RFC 7518, 3.4).
                Algorithm::Es256 => self.signature == 64,
                Algorithm::Es384 => self.signature == 96,
                Algorithm::Es512 => self.signature == 132,
                _ => true,
            }
    }
}

/// The length of a coordinate on that curve, in bytes (RFC 7518, 6.2.1.2).
fn coordinate(curve: &str) -> Option<usize> {
    match curve {
        "P-256" => Some(32),
        "P-384" => Some(48),
        "P-521" => Some(66),
        _ => None,
    }
}

/// The size in bytes of an RSA key that is fit for use.
fn rsa(from: &Object) -> Option<usize> {
    let (modulus, exponent) = (octets(from, "n")?, octets(from, "e")?);
    // As few octets as it takes (RFC 7518, 2).
    let first = modulus.first().filter(|first| **first != 0)?;
    let bits = modulus.len() * 8 - first.leading_zeros() as usize;
    let is_odd = |octets: &[u8]| octets.last().is_some_and(|last| last & 1 == 1);
    let is_exponent = exponent.len() <= EXPONENT
        && exponent.first().is_some_and(|first| *first != 0)
        && is_odd(&exponent)
        && exponent != [1];
    let is_fit = RSA_BITS.contains(&bits) && is_odd(&modulus) && is_exponent && !is_roca(&modulus);
    is_fit.then_some(modulus.len())
}

/// The primes by which [`is_roca`] judges.
const PRIMES: [u8; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
    101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// Whether a modulus is of the family whose private keys can be computed (ROCA, CVE-2017-15361): it is
/// a power of 65537, modulo each of the small primes. Another modulus is so by a chance of one in 2³⁰.
fn is_roca(modulus: &[u8]) -> bool {
    PRIMES.iter().all(|prime| {
        let prime = u32::from(*prime);
        let rest = modulus.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime);
        let mut power = 1;
        loop {
            if power == rest {
                return true;
            }
            power = power * 65_537 % prime;
            if power == 1 {
                return false;
            }
        }
    })
}

fn octets(from: &Object, name: &str) -> Option<Vec<u8>> {
    compact::decode(from.required(name).ok()?).ok()
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests;
