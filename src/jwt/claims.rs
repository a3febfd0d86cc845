//! The claims of a token: those with a meaning here by name, all of them as text. They are what the
//! token says and no more: whether they may be believed is judged in [`super::id_token`].

use core::fmt;
use std::rc::Rc;

use super::compact::Compact;
use crate::{
    clock::UnixMillis,
    json::{self, Json, JsonError, Object},
};

/// The largest payload that is read again, in bytes.
const LIMIT: usize = 64 * 1024;

/// The last second of the year 9999.
const LAST_SECOND: f64 = 253_402_300_799.0;

/// The claims of a token (RFC 7519, 4.1; OpenID Connect Core, 2).
#[derive(Clone)]
pub struct Claims {
    /// `iss`.
    pub issuer: String,
    /// `sub`: the person, as the issuer names them.
    pub subject: String,
    /// `aud`: whom it is for.
    pub audience: Vec<String>,
    /// `azp`: the client that it was issued to.
    pub authorized_party: Option<String>,
    /// `nonce`.
    pub nonce: Option<String>,
    /// `exp`.
    pub expires: UnixMillis,
    /// `iat`.
    pub issued: UnixMillis,
    /// `nbf`.
    pub not_before: Option<UnixMillis>,
    /// `auth_time`: when the person proved who they are.
    pub authenticated: Option<UnixMillis>,
    /// The whole payload, as the JSON text that it came as.
    pub text: Rc<str>,
}

impl fmt::Debug for Claims {
    /// Without any claim: they are about a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claims(redacted)")
    }
}

impl Claims {
    /// The claims of a token; an error says what is wrong, as the end of a sentence: "the token …".
    pub(crate) fn read(compact: &Compact) -> Result<Self, &'static str> {
        Self::of_payload(&compact.payload, &compact.text)
    }

    /// The claims of a payload that was verified before.
    pub(crate) fn of(text: &str) -> Result<Self, &'static str> {
        let payload = json::read(text.as_bytes(), LIMIT).map_err(JsonError::as_str)?;
        Self::of_payload(&payload, text)
    }

    fn of_payload(payload: &Object, text: &str) -> Result<Self, &'static str> {
        let time = |name| seconds(payload, name).map_err(|_| "has a time of the wrong kind");
        let (Some(expires), Some(issued)) = (time("exp")?, time("iat")?) else {
            return Err("lacks `exp` or `iat`");
        };
        let named = Named::read(payload)
            .map_err(|_| "has a claim of the wrong kind, or lacks `iss`, `sub` or `aud`")?;
        Ok(Self {
            issuer: named.iss.to_owned(),
            subject: named.sub.to_owned(),
            audience: named.aud.into_iter().map(str::to_owned).collect(),
            authorized_party: named.azp.map(str::to_owned),
            nonce: named.nonce.map(str::to_owned),
            expires,
            issued,
            not_before: time("nbf")?,
            // Of no weight unless it was asked for, and some providers write `null`.
            authenticated: time("auth_time").ok().flatten(),
            text: Rc::from(text),
        })
    }
}

/// The claims beside the times.
struct Named<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: Vec<&'a str>,
    azp: Option<&'a str>,
    nonce: Option<&'a str>,
}

impl<'a> Named<'a> {
    fn read(payload: &'a Object) -> Result<Self, JsonError> {
        Ok(Self {
            iss: payload.required("iss")?,
            sub: payload.required("sub")?,
            aud: audience(payload.get("aud")).ok_or(JsonError::Unexpected)?,
            azp: payload.text("azp")?,
            nonce: payload.text("nonce")?,
        })
    }
}

/// `aud`: one name or a list of them (RFC 7519, 4.1.3).
fn audience(value: Option<&Json>) -> Option<Vec<&str>> {
    let value = value?;
    value.as_text().map(|name| vec![name]).or_else(|| value.as_texts())
}

/// A `NumericDate` (RFC 7519, 2), in whole seconds, within four digits of years.
fn seconds(payload: &Object, name: &str) -> Result<Option<UnixMillis>, JsonError> {
    match payload.get(name) {
        None => Ok(None),
        #[allow(clippy::cast_possible_truncation, reason = "within the range that was compared")]
        Some(Json::Number(seconds)) if (-LAST_SECOND..=LAST_SECOND).contains(seconds) => {
            Ok(Some(UnixMillis(*seconds as i64 * 1000)))
        }
        Some(_) => Err(JsonError::Unexpected),
    }
}
