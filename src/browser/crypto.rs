//! WebCrypto: whether a signature is good, digests, and the making of signatures, with shared secrets and
//! with keys that nobody can read. It knows keys and bytes, and not whose they are.

use js_sys::{Array, Object, Promise, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{CryptoKey, SubtleCrypto};

use super::{global, object};
use crate::{
    jwt::{
        algorithm::{Algorithm, Hash},
        jwks::Jwk,
        verification::Unsupported,
        verify::Check,
    },
    secret::Secret,
};

/// Whether the signature is good. An engine that lacks the algorithm, or takes the key for none, cannot
/// say.
pub(crate) async fn verify(check: &Check) -> Result<bool, Unsupported> {
    let algorithm = parameters(check.algorithm, &check.jwk);
    let key = import(&check.jwk, &algorithm).await.map_err(|_| Unsupported)?;
    let (signature, data) = (&check.signature, &check.signing_input);
    let outcome = subtle()
        .and_then(|subtle| {
            subtle.verify_with_object_and_u8_array_and_u8_array(&algorithm, &key, signature, data)
        })
        .map_err(|_| Unsupported)?;
    // What an engine takes for no signature at all is none.
    Ok(settled(outcome).await.is_ok_and(|is_good| is_good.is_truthy()))
}

/// The digest of a text; empty where the browser has none.
pub(crate) async fn digest(hash: Hash, text: &Secret) -> Vec<u8> {
    let digest = subtle().and_then(|subtle| {
        // exposed: to be digested.
        subtle.digest_with_str_and_u8_array(hash.as_str(), text.expose().as_bytes())
    });
    match digest {
        Ok(digest) => {
            settled(digest).await.map_or_else(|_| Vec::new(), |it| Uint8Array::new(&it).to_vec())
        }
        Err(_) => Vec::new(),
    }
}

/// A key for HMAC with SHA-256 that nobody can read back.
pub(crate) async fn hmac_key(bytes: &Uint8Array) -> Result<CryptoKey, JsValue> {
    let algorithm = Object::new();
    object::set(&algorithm, "name", &"HMAC".into());
    object::set(&algorithm, "hash", &Hash::Sha256.as_str().into());
    let usages = Array::of2(&"sign".into(), &"verify".into());
    let key = subtle()?.import_key_with_object("raw", bytes, &algorithm, false, &usages)?;
    Ok(settled(key).await?.unchecked_into())
}

/// The signature of a text.
pub(crate) async fn hmac(key: &CryptoKey, text: &str) -> Result<Vec<u8>, JsValue> {
    let signature = subtle()?.sign_with_str_and_u8_array("HMAC", key, text.as_bytes())?;
    Ok(Uint8Array::new(&settled(signature).await?).to_vec())
}

/// Whether that is the signature of a text, as the browser compares: in a time that tells nothing of it.
pub(crate) async fn is_hmac(
    key: &CryptoKey,
    text: &str,
    signature: &[u8],
) -> Result<bool, JsValue> {
    let algorithm = Object::new();
    object::set(&algorithm, "name", &"HMAC".into());
    let (subtle, text) = (subtle()?, text.as_bytes());
    let outcome =
        subtle.verify_with_object_and_u8_array_and_u8_array(&algorithm, key, signature, text)?;
    Ok(settled(outcome).await?.is_truthy())
}

/// The SHA-256 of bytes that stay where they are.
pub(crate) async fn sha256(bytes: &Object) -> Result<Vec<u8>, JsValue> {
    let hash = Hash::Sha256.as_str();
    let digest = subtle()?.digest_with_str_and_buffer_source(hash, bytes)?;
    Ok(Uint8Array::new(&settled(digest).await?).to_vec())
}

/// A new key pair for ES256. Its private half never leaves the browser's keeping.
pub(crate) async fn make_pair() -> Result<JsValue, JsValue> {
    let usages = Array::of1(&"sign".into());
    settled(subtle()?.generate_key_with_object(&es256(), false, &usages)?).await
}

/// The private half of a pair; `None` where it is none, or one that can be read.
pub(crate) fn private_half(pair: &JsValue) -> Option<CryptoKey> {
    let key: CryptoKey = object::own_or_inherited(pair, "privateKey").dyn_into().ok()?;
    (!key.extractable()).then_some(key)
}

/// The public half of a pair as an uncompressed point (SEC 1, 2.3.3).
pub(crate) async fn public_point(pair: &JsValue) -> Result<Vec<u8>, JsValue> {
    let key = object::own_or_inherited(pair, "publicKey").dyn_into()?;
    let point = settled(subtle()?.export_key("raw", &key)?).await?;
    Ok(Uint8Array::new(&point).to_vec())
}

/// The signature of a text with ES256, as a JWS has it (RFC 7518, 3.4).
pub(crate) async fn sign(key: &CryptoKey, text: &str) -> Result<Vec<u8>, JsValue> {
    let signature = subtle()?.sign_with_object_and_u8_array(&es256(), key, text.as_bytes())?;
    Ok(Uint8Array::new(&settled(signature).await?).to_vec())
}

/// A new key for AES-GCM that nobody can read.
pub(crate) fn make_cipher_key() -> Result<Promise, JsValue> {
    let usages = Array::of2(&"encrypt".into(), &"decrypt".into());
    subtle()?.generate_key_with_object(&cipher(&[], ""), false, &usages)
}

/// A secret, encrypted and bound to `data`. The number `iv` is used once.
pub(crate) fn encrypt(
    key: &JsValue,
    iv: &[u8],
    data: &str,
    secret: &Secret,
) -> Result<Promise, JsValue> {
    // exposed: to be encrypted.
    let (key, secret) = (key.unchecked_ref(), secret.expose().as_bytes());
    subtle()?.encrypt_with_object_and_u8_array(&cipher(iv, data), key, secret)
}

/// The bytes of the secret again; fails where key, number, data or ciphertext are others.
pub(crate) fn decrypt(
    key: &JsValue,
    iv: &[u8],
    data: &str,
    encrypted: &[u8],
) -> Result<Promise, JsValue> {
    let key = key.unchecked_ref();
    subtle()?.decrypt_with_object_and_u8_array(&cipher(iv, data), key, encrypted)
}

/// What WebCrypto is told of AES-GCM, for making a key and for using it.
fn cipher(iv: &[u8], data: &str) -> Object {
    let algorithm = Object::new();
    object::set(&algorithm, "name", &"AES-GCM".into());
    object::set(&algorithm, "length", &256.into());
    object::set(&algorithm, "iv", &Uint8Array::from(iv));
    object::set(&algorithm, "additionalData", &Uint8Array::from(data.as_bytes()));
    algorithm
}

/// What WebCrypto is told of ES256, for making a key and for signing.
fn es256() -> Object {
    let parameters = Object::new();
    for (name, value) in [("name", "ECDSA"), ("namedCurve", "P-256"), ("hash", "SHA-256")] {
        object::set(&parameters, name, &value.into());
    }
    parameters
}

async fn import(jwk: &Jwk, algorithm: &Object) -> Result<CryptoKey, JsValue> {
    let key = Object::new();
    object::set(&key, "kty", &jwk.key_type.as_str().into());
    for (name, value) in &jwk.members {
        // exposed: the key is there to verify with, and all but `k` of it is public.
        object::set(&key, name, &value.expose().into());
    }
    let usages = Array::of1(&"verify".into());
    let key = subtle()?.import_key_with_object("jwk", &key, algorithm, false, &usages)?;
    Ok(settled(key).await?.unchecked_into())
}

/// What WebCrypto is told of an algorithm, for importing a key and for verifying with it: each takes the
/// members that it needs.
fn parameters(algorithm: Algorithm, jwk: &Jwk) -> Object {
    let parameters = Object::new();
    let set = |name, value: JsValue| object::set(&parameters, name, &value);
    set("name", algorithm.webcrypto().into());
    set("hash", algorithm.hash().as_str().into());
    // As long as the hash (RFC 7518, 3.5).
    #[allow(clippy::cast_precision_loss, reason = "at most 64")]
    set("saltLength", (algorithm.hash().size() as f64).into());
    if let Some(curve) = jwk.get("crv") {
        // exposed: the name of a curve.
        set("namedCurve", curve.expose().into());
    }
    parameters
}

async fn settled(promise: Promise) -> Result<JsValue, JsValue> {
    JsFuture::from(promise).await
}

fn subtle() -> Result<SubtleCrypto, JsValue> {
    Ok(global().crypto()?.subtle())
}
