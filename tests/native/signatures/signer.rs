//! An issuer in miniature: a key for each algorithm, and tokens signed with it.

use std::sync::LazyLock;

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use ed25519_dalek::SigningKey;
use hmac::{Hmac, Mac};
use rsa::{
    BigUint, RsaPrivateKey, pkcs1v15,
    pkcs8::EncodePublicKey,
    pss,
    rand_core::{CryptoRng, Error, RngCore},
    signature::{RandomizedSigner, SignatureEncoding, Signer},
    traits::PublicKeyParts,
};
use serde_json::{Value, json};
use sha2::{Sha256, Sha384, Sha512};
use tokenward::{
    jwt::{
        algorithm::{Algorithm, KeyType},
        jwks::KeySet,
    },
    secret::Secret,
};

// Made for these tests.
const P: &str = "dfcd968593cac22491e0e63ff95b657f884ed75fbba8ac9520c6d50e7534fbc71a87bf9f921069471b894944fad60ac2487e9d1096254806bf7d60cc84a32b45958f104ab1e975c1ba8d0602e1442a4e3cfb2fb30e789db328a2c4c42399cdf3ef61f8dcd5c04ae788aadb0f579978c74eec70c59df269004410fcdc8822ba97";
const Q: &str = "c1ad983bd1d7c1a725e6c4cc4cabec3fa2a2442487e05d475ee9b9cf32faff7e1d2eb766f59e9504219859a2b80383eeb220221fa43d90d68371808fe4202b6df7231017fddee2d4dfda21c6afbf4ae9a91a6cb261d3a6b328810d625acefd895800d69224f083d25b629dec01efa38a73eb3121c4425a6ec44dfaff502ff49f";

static RSA: LazyLock<RsaPrivateKey> = LazyLock::new(|| {
    let number = |hex: &str| BigUint::parse_bytes(hex.as_bytes(), 16).unwrap();
    RsaPrivateKey::from_p_q(number(P), number(Q), BigUint::from(65_537_u32)).unwrap()
});

/// A secret that two sides could share.
pub(crate) const SHARED: [u8; 64] = [7; 64];

/// The public key that verifies what [`sign`] signs by that algorithm, as a JWK without `alg` and `kid`;
/// for HMAC the secret.
pub(crate) fn jwk(algorithm: Algorithm) -> Value {
    let coordinates =
        |crv, x: &[u8], y: &[u8]| json!({ "kty": "EC", "crv": crv, "x": b64(x), "y": b64(y) });
    match algorithm {
        Algorithm::Es256 => {
            let point = p256().verifying_key().to_encoded_point(false);
            coordinates("P-256", point.x().unwrap(), point.y().unwrap())
        }
        Algorithm::Es384 => {
            let point = p384().verifying_key().to_encoded_point(false);
            coordinates("P-384", point.x().unwrap(), point.y().unwrap())
        }
        Algorithm::Es512 => {
            let point = p521::ecdsa::VerifyingKey::from(&p521()).to_encoded_point(false);
            coordinates("P-521", point.x().unwrap(), point.y().unwrap())
        }
        Algorithm::Ed25519 => {
            json!({ "kty": "OKP", "crv": "Ed25519", "x": b64(ed25519().verifying_key().as_bytes()) })
        }
        _ if algorithm.key_type() == KeyType::Oct => {
            json!({ "kty": "oct", "k": b64(&SHARED), "alg": algorithm.as_str() })
        }
        _ => {
            json!({ "kty": "RSA", "n": b64(&RSA.n().to_bytes_be()), "e": b64(&RSA.e().to_bytes_be()) })
        }
    }
}

/// A key set with this one key, or for HMAC the configured secret.
pub(crate) fn key_set(key: &Value) -> KeySet {
    let text = json!({ "keys": [key] }).to_string();
    if key["kty"] == "oct" {
        KeySet::symmetric(&Secret::new(text)).unwrap()
    } else {
        KeySet::read(text.as_bytes()).unwrap()
    }
}

/// A token with that header and payload, signed by that algorithm whatever the header says.
pub(crate) fn sign(algorithm: Algorithm, header: &Value, payload: &str) -> String {
    let input = format!("{}.{}", b64(header.to_string().as_bytes()), b64(payload.as_bytes()));
    let signature = signature(algorithm, input.as_bytes());
    format!("{input}.{}", b64(&signature))
}

/// A token signed with that secret.
pub(crate) fn sign_with(secret: &[u8], header: &Value, payload: &str) -> String {
    let input = format!("{}.{}", b64(header.to_string().as_bytes()), b64(payload.as_bytes()));
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(secret).unwrap();
    mac.update(input.as_bytes());
    format!("{input}.{}", b64(&mac.finalize().into_bytes()))
}

/// The public RSA key in the forms in which it is known to be taken for a secret.
pub(crate) fn public_forms() -> Vec<Vec<u8>> {
    let der = RSA.to_public_key().to_public_key_der().unwrap().into_vec();
    let base64 = Base64::encode_string(&der);
    let lines: Vec<_> = base64.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    let pem =
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"));
    let jwk = jwk(Algorithm::Rs256).to_string();
    let modulus = RSA.n().to_bytes_be();
    vec![der, pem.trim_end().into(), pem.into(), jwk.into(), b64(&modulus).into(), modulus, vec![]]
}

pub(crate) fn b64(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

fn signature(algorithm: Algorithm, input: &[u8]) -> Vec<u8> {
    match algorithm {
        Algorithm::Rs256 => pkcs1v15::SigningKey::<Sha256>::new(RSA.clone()).sign(input).to_vec(),
        Algorithm::Rs384 => pkcs1v15::SigningKey::<Sha384>::new(RSA.clone()).sign(input).to_vec(),
        Algorithm::Rs512 => pkcs1v15::SigningKey::<Sha512>::new(RSA.clone()).sign(input).to_vec(),
        Algorithm::Ps256 => pss::SigningKey::<Sha256>::new(RSA.clone())
            .sign_with_rng(&mut Counter(1), input)
            .to_vec(),
        Algorithm::Ps384 => pss::SigningKey::<Sha384>::new(RSA.clone())
            .sign_with_rng(&mut Counter(1), input)
            .to_vec(),
        Algorithm::Ps512 => pss::SigningKey::<Sha512>::new(RSA.clone())
            .sign_with_rng(&mut Counter(1), input)
            .to_vec(),
        Algorithm::Es256 => {
            let signature: p256::ecdsa::Signature = p256().sign(input);
            signature.to_vec()
        }
        Algorithm::Es384 => {
            let signature: p384::ecdsa::Signature = p384().sign(input);
            signature.to_vec()
        }
        Algorithm::Es512 => {
            let signature: p521::ecdsa::Signature = p521().sign_with_rng(&mut Counter(1), input);
            signature.to_vec()
        }
        Algorithm::Ed25519 => ed25519().sign(input).to_vec(),
        Algorithm::Hs256 => mac(<Hmac<Sha256> as Mac>::new_from_slice(&SHARED).unwrap(), input),
        Algorithm::Hs384 => mac(<Hmac<Sha384> as Mac>::new_from_slice(&SHARED).unwrap(), input),
        Algorithm::Hs512 => mac(<Hmac<Sha512> as Mac>::new_from_slice(&SHARED).unwrap(), input),
    }
}

fn mac(mut mac: impl Mac, input: &[u8]) -> Vec<u8> {
    mac.update(input);
    mac.finalize().into_bytes().to_vec()
}

fn p256() -> p256::ecdsa::SigningKey {
    p256::ecdsa::SigningKey::from_slice(&[5; 32]).unwrap()
}

fn p384() -> p384::ecdsa::SigningKey {
    p384::ecdsa::SigningKey::from_slice(&[5; 48]).unwrap()
}

fn p521() -> p521::ecdsa::SigningKey {
    let mut scalar = [5; 66];
    scalar[0] = 0;
    p521::ecdsa::SigningKey::from_slice(&scalar).unwrap()
}

fn ed25519() -> SigningKey {
    SigningKey::from_bytes(&[5; 32])
}

/// Numbers for salts that nobody needs to be random.
struct Counter(u64);

impl RngCore for Counter {
    fn next_u32(&mut self) -> u32 {
        u32::try_from(self.next_u64() >> 32).unwrap()
    }

    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        self.0
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.next_u64().to_be_bytes()[0];
        }
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Counter {}
