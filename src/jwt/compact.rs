//! The compact form of a signed token: three parts, none of them trusted (RFC 7515, 7.1). It knows
//! nothing of keys, nor of what the claims mean.
//!
//! Not by `jwt-compact`'s `UntrustedToken`: it lets through `crit`, `alg: none`, an empty signature,
//! oversize and members named twice, and its serde readers bring a table of floats that weighs more
//! than this room.

use base64ct::{Base64UrlUnpadded, Encoding};

use crate::json::{self, Object};

/// The largest token that is read, in bytes.
const LIMIT: usize = 64 * 1024;

/// A token whose form is right and whose signature nobody has checked.
pub(crate) struct Jws<'a> {
    /// The header. `jku`, `jwk` and their kin in it are ignored: keys come from the issuer alone
    /// (RFC 8725, 3.10).
    pub(crate) header: Object,
    /// What was signed: header and payload as they came.
    pub(crate) signing_input: &'a str,
    /// The payload, of whatever kind.
    pub(crate) payload: Vec<u8>,
    /// The signature.
    pub(crate) signature: Vec<u8>,
}

/// The claims of such a token.
pub(crate) struct Compact {
    /// The header.
    pub(crate) header: Object,
    /// The payload.
    pub(crate) payload: Object,
    /// The payload's JSON text.
    pub(crate) text: String,
}

/// The parts of `text`; an error says what is wrong, as the end of a sentence: "the token …".
pub(crate) fn split(text: &str) -> Result<Jws<'_>, &'static str> {
    if text.len() > LIMIT {
        return Err("is longer than 64 KiB");
    }
    let mut parts = text.split('.');
    let (Some(header), Some(payload), Some(signature)) = (parts.next(), parts.next(), parts.next())
    else {
        return Err("does not have three parts");
    };
    if parts.next().is_some() {
        return Err("has more than three parts: encrypted tokens are not read");
    }
    let signing_input = text.get(..header.len() + 1 + payload.len()).unwrap_or_default();
    let signature = decode(signature)?;
    if signature.is_empty() {
        return Err("has no signature");
    }
    let header = json::read(&decode(header)?, LIMIT)
        .map_err(|_| "has a header that is not an object in strict JSON")?;
    if ["crit", "b64", "enc"].iter().any(|name| header.get(name).is_some()) {
        // RFC 7515, 4.1.11; RFC 7797, 7.
        return Err(
            "asks in its header for an extension that is not understood (`crit`, `b64`, `enc`)",
        );
    }
    if header.get("cty").is_some() {
        return Err("holds another token (`cty`)");
    }
    let alg = header.required("alg").map_err(|_| "lacks `alg`")?;
    if alg.is_empty() || alg.eq_ignore_ascii_case("none") {
        return Err("is unsigned (`alg` is `none`)");
    }
    Ok(Jws { header, signing_input, payload: decode(payload)?, signature })
}

/// The header and the claims in `text`.
pub(crate) fn read(text: &str) -> Result<Compact, &'static str> {
    let Jws { header, payload, .. } = split(text)?;
    let text = String::from_utf8(payload).map_err(|_| "has a payload that is not UTF-8")?;
    let payload = json::read(text.as_bytes(), LIMIT)
        .map_err(|_| "has a payload that is not an object in strict JSON")?;
    Ok(Compact { header, payload, text })
}

/// Strict base64url: no padding, no other alphabet, no stray bits (RFC 7515, 2).
pub(super) fn decode(part: &str) -> Result<Vec<u8>, &'static str> {
    Base64UrlUnpadded::decode_vec(part).map_err(|_| "is not base64url")
}
