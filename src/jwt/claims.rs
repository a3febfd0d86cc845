//! The claims of a token: those with a meaning here by name, all of them as text. They are what the
//! token says and no more: whether they may be believed is judged in [`super::id_token`].

use core::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::compact::Compact;
use crate::clock::UnixMillis;

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
    pub text: Box<RawValue>,
}

impl fmt::Debug for Claims {
    /// Without any claim: they are about a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claims(redacted)")
    }
}

impl Claims {
    /// The claims of a token; an error says what is wrong, as the end of a sentence: "the token …".
    pub(crate) fn read(compact: Compact<'_>) -> Result<Self, &'static str> {
        // Members of the wrong kind, `exp` as text and times past the calendar fail here.
        let claims = compact
            .token
            .deserialize_claims_unchecked::<Named>()
            .map_err(|_| "has a claim of the wrong kind, or lacks `iss`, `sub` or `aud`")?;
        let times = (claims.expiration, claims.issued_at);
        let (Some(expires), Some(issued)) = times else { return Err("lacks `exp` or `iat`") };
        let millis = |seconds: i64| UnixMillis(seconds.saturating_mul(1000));
        let named = claims.custom;
        Ok(Self {
            issuer: named.iss,
            subject: named.sub,
            audience: named.aud.0,
            authorized_party: named.azp,
            nonce: named.nonce,
            expires: millis(expires.timestamp()),
            issued: millis(issued.timestamp()),
            not_before: claims.not_before.map(|time| millis(time.timestamp())),
            authenticated: named.auth_time.map(|time| millis(time.0)),
            text: RawValue::from_string(compact.payload).map_err(|_| "has no JSON payload")?,
        })
    }
}

/// The claims beside the times that `jwt-compact` reads itself.
#[derive(Deserialize)]
struct Named {
    iss: String,
    sub: String,
    aud: Audience,
    azp: Option<String>,
    nonce: Option<String>,
    auth_time: Option<Seconds>,
}

/// `aud`: one name or a list of them (RFC 7519, 4.1.3).
struct Audience(Vec<String>);

impl<'de> Deserialize<'de> for Audience {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AudienceVisitor)
    }
}

struct AudienceVisitor;

impl<'de> Visitor<'de> for AudienceVisitor {
    type Value = Audience;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one name or a list of names")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Audience, E> {
        Ok(Audience(vec![name.to_owned()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Audience, A::Error> {
        let mut names = Vec::new();
        while let Some(name) = items.next_element()? {
            names.push(name);
        }
        Ok(Audience(names))
    }
}

/// A `NumericDate` (RFC 7519, 2), in whole seconds.
struct Seconds(i64);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[allow(clippy::cast_possible_truncation, reason = "`as` saturates")]
        f64::deserialize(from).map(|seconds| Self(seconds as i64))
    }
}
