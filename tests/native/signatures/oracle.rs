//! Signatures checked by crates, where a browser has WebCrypto.

use base64ct::{Base64UrlUnpadded, Encoding};
use ed25519_dalek::VerifyingKey;
use hmac::{Hmac, Mac};
use rsa::{BigUint, RsaPublicKey, pkcs1v15, pss, signature::Verifier};
use sha2::{Sha256, Sha384, Sha512};
use tokenward::jwt::{
    algorithm::Algorithm,
    jwks::{Jwk, KeySet},
    verification::Unsupported,
    verify::{Check, Verdict, judge},
};

use crate::vectors::Case;

/// Whether the signature is good.
pub(crate) fn verify(check: &Check) -> Result<bool, Unsupported> {
    let Check { algorithm, jwk, signing_input: data, signature, .. } = check;
    match algorithm {
        Algorithm::Rs256 => {
            rsa(jwk, |key| pkcs1(&pkcs1v15::VerifyingKey::<Sha256>::new(key), check))
        }
        Algorithm::Rs384 => {
            rsa(jwk, |key| pkcs1(&pkcs1v15::VerifyingKey::<Sha384>::new(key), check))
        }
        Algorithm::Rs512 => {
            rsa(jwk, |key| pkcs1(&pkcs1v15::VerifyingKey::<Sha512>::new(key), check))
        }
        Algorithm::Ps256 => rsa(jwk, |key| pss(&pss::VerifyingKey::<Sha256>::new(key), check)),
        Algorithm::Ps384 => rsa(jwk, |key| pss(&pss::VerifyingKey::<Sha384>::new(key), check)),
        Algorithm::Ps512 => rsa(jwk, |key| pss(&pss::VerifyingKey::<Sha512>::new(key), check)),
        Algorithm::Es256 => {
            let key =
                p256::ecdsa::VerifyingKey::from_sec1_bytes(&point(jwk)).map_err(|_| Unsupported)?;
            Ok(p256::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|it| key.verify(data, &it).is_ok()))
        }
        Algorithm::Es384 => {
            let key =
                p384::ecdsa::VerifyingKey::from_sec1_bytes(&point(jwk)).map_err(|_| Unsupported)?;
            Ok(p384::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|it| key.verify(data, &it).is_ok()))
        }
        Algorithm::Es512 => {
            let key =
                p521::ecdsa::VerifyingKey::from_sec1_bytes(&point(jwk)).map_err(|_| Unsupported)?;
            Ok(p521::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|it| key.verify(data, &it).is_ok()))
        }
        Algorithm::Ed25519 => {
            let key = member(jwk, "x").try_into().map_err(|_| Unsupported)?;
            let key = VerifyingKey::from_bytes(&key).map_err(|_| Unsupported)?;
            let signature = ed25519_dalek::Signature::from_slice(signature);
            Ok(signature.is_ok_and(|it| key.verify_strict(data, &it).is_ok()))
        }
        Algorithm::Hs256 => {
            Ok(mac(<Hmac<Sha256> as Mac>::new_from_slice(&member(jwk, "k")).unwrap(), check))
        }
        Algorithm::Hs384 => {
            Ok(mac(<Hmac<Sha384> as Mac>::new_from_slice(&member(jwk, "k")).unwrap(), check))
        }
        Algorithm::Hs512 => {
            Ok(mac(<Hmac<Sha512> as Mac>::new_from_slice(&member(jwk, "k")).unwrap(), check))
        }
    }
}

/// Whether the token is good, by the keys that an issuer publishes or else by the application's secrets.
pub(crate) fn verified(case: &Case) -> Result<(), &'static str> {
    match &case.shared {
        Some(secrets) => token(&case.token, secrets, case.allowed),
        None => published(case),
    }
}

/// Whether it is, by the keys that an issuer publishes.
pub(crate) fn published(case: &Case) -> Result<(), &'static str> {
    token(&case.token, case.keys.as_ref().map_err(|why| *why)?, case.allowed)
}

/// The same, of a token and a key set.
pub(crate) fn token(
    token: &str,
    keys: &KeySet,
    allowed: tokenward::jwt::algorithm::Algorithms,
) -> Result<(), &'static str> {
    match judge(token, keys, allowed) {
        Verdict::Refused(why) => Err(why),
        Verdict::Unknown => Err("its key is unknown"),
        Verdict::Check(check) => match verify(&check) {
            Ok(true) => Ok(()),
            Ok(false) => Err("its signature is wrong"),
            Err(Unsupported) => Err("its key is none"),
        },
    }
}

fn rsa(jwk: &Jwk, verify: impl FnOnce(RsaPublicKey) -> bool) -> Result<bool, Unsupported> {
    let number = |name| BigUint::from_bytes_be(&member(jwk, name));
    let key = RsaPublicKey::new_with_max_size(number("n"), number("e"), 8192);
    key.map(verify).map_err(|_| Unsupported)
}

fn pkcs1<K: Verifier<pkcs1v15::Signature>>(key: &K, check: &Check) -> bool {
    let signature = pkcs1v15::Signature::try_from(&*check.signature);
    signature.is_ok_and(|it| key.verify(&check.signing_input, &it).is_ok())
}

fn pss<K: Verifier<pss::Signature>>(key: &K, check: &Check) -> bool {
    let signature = pss::Signature::try_from(&*check.signature);
    signature.is_ok_and(|it| key.verify(&check.signing_input, &it).is_ok())
}

fn mac(mut mac: impl Mac, check: &Check) -> bool {
    mac.update(&check.signing_input);
    mac.verify_slice(&check.signature).is_ok()
}

/// A point on a curve, uncompressed.
fn point(jwk: &Jwk) -> Vec<u8> {
    [&[4], &*member(jwk, "x"), &*member(jwk, "y")].concat()
}

fn member(jwk: &Jwk, name: &str) -> Vec<u8> {
    // exposed: made for tests.
    Base64UrlUnpadded::decode_vec(jwk.get(name).unwrap().expose()).unwrap()
}
