//! Tokens that an application got by itself, from a backend of its own say, verified with its own keys. It
//! has nothing to do with a session, whose ID tokens the vault verifies.

use core::fmt;

use crate::{
    browser::crypto,
    jwt::{
        algorithm::Algorithms,
        jwks::KeySet,
        verify::{self, Verdict},
    },
};

/// Why a token is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerifyError {
    /// It is refused; the text ends a sentence: "the token …".
    Refused(&'static str),
    /// It is signed with a key that is not in the set.
    UnknownKey,
    /// This browser cannot check that algorithm, or takes the key for none.
    Unsupported,
}

impl VerifyError {
    /// What is wrong, as the end of a sentence: "the token …".
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Refused(why) => why,
            Self::UnknownKey => "is signed with a key that is not in the set",
            Self::Unsupported => "is signed by an algorithm or a key that this browser cannot use",
        }
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the token {}", self.as_str())
    }
}

impl std::error::Error for VerifyError {}

/// The payload of a signed token in the compact form (RFC 7515), if its signature is good by one of the
/// allowed algorithms and the one key that it is for. What its claims mean is for the caller to check.
///
/// With [`KeySet::symmetric`] and `HS256` to `HS512` that is an HMAC token, whose key every script of the
/// page can have: it tells the application that its own backend spoke, and nobody else anything.
pub async fn verify_jws(
    token: &str,
    keys: &KeySet,
    allowed: Algorithms,
) -> Result<Vec<u8>, VerifyError> {
    let check = match verify::judge(token, keys, allowed) {
        Verdict::Refused(why) => return Err(VerifyError::Refused(why)),
        Verdict::Unknown => return Err(VerifyError::UnknownKey),
        Verdict::Check(check) => check,
    };
    match crypto::verify(&check).await {
        Ok(true) => Ok(verify::payload(token).unwrap_or_default()),
        Ok(false) => Err(VerifyError::Refused("has a signature that is not its key's")),
        Err(_) => Err(VerifyError::Unsupported),
    }
}
