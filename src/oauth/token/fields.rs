//! The members of a token answer, each read as providers are known to write it. Unknown members are
//! ignored (RFC 6749, 5.1).

use core::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use serde_json::value::RawValue;

use crate::{clock::Millis, secret::Secret};

/// A life longer than this, in seconds, is no life that anyone meant: ten years.
const LONGEST: u64 = 10 * 365 * 24 * 60 * 60;

/// RFC 6749, 5.1.
#[derive(Deserialize)]
pub(super) struct Granted {
    #[serde(deserialize_with = "secret")]
    pub(super) access_token: Secret,
    pub(super) token_type: String,
    #[serde(default, deserialize_with = "optional_secret")]
    pub(super) refresh_token: Option<Secret>,
    #[serde(default, deserialize_with = "optional_secret")]
    pub(super) id_token: Option<Secret>,
    #[serde(default)]
    pub(super) expires_in: Lifetime,
    pub(super) scope: Option<Scope>,
}

/// RFC 6749, 5.2.
#[derive(Deserialize)]
pub(super) struct Refused {
    pub(super) error: Option<String>,
    /// As it came: a description of the wrong kind must not hide the error.
    error_description: Option<Box<RawValue>>,
}

impl Refused {
    /// `error_description`, where it is text.
    pub(super) fn description(&self) -> Option<String> {
        serde_json::from_str(self.error_description.as_ref()?.get()).ok()
    }
}

fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<Secret, D::Error> {
    String::deserialize(from).map(Secret::new)
}

fn optional_secret<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Secret>, D::Error> {
    Option::<String>::deserialize(from).map(|text| text.map(Secret::new))
}

/// `expires_in`: seconds as a number or in digits; anything else, zero, less, and more than ten years
/// count as not said. Then the token is used until a resource refuses it.
#[derive(Default)]
pub(super) struct Lifetime(pub(super) Option<Millis>);

impl Lifetime {
    fn of(seconds: u64) -> Self {
        Self((1..=LONGEST).contains(&seconds).then(|| Millis::from_secs(seconds)))
    }
}

impl<'de> Deserialize<'de> for Lifetime {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(LifetimeVisitor)
    }
}

struct LifetimeVisitor;

impl<'de> Visitor<'de> for LifetimeVisitor {
    type Value = Lifetime;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("seconds")
    }

    fn visit_u64<E: Error>(self, seconds: u64) -> Result<Lifetime, E> {
        Ok(Lifetime::of(seconds))
    }

    fn visit_i64<E: Error>(self, seconds: i64) -> Result<Lifetime, E> {
        Ok(Lifetime::of(u64::try_from(seconds).unwrap_or(0)))
    }

    fn visit_f64<E: Error>(self, seconds: f64) -> Result<Lifetime, E> {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "`as` saturates"
        )]
        let whole = seconds as u64;
        Ok(Lifetime::of(whole))
    }

    fn visit_str<E: Error>(self, digits: &str) -> Result<Lifetime, E> {
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
        Ok(Lifetime::of(if is_number { digits.parse().unwrap_or(0) } else { 0 }))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Lifetime, E> {
        Ok(Lifetime(None))
    }

    fn visit_unit<E: Error>(self) -> Result<Lifetime, E> {
        Ok(Lifetime(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Lifetime, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Lifetime(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Lifetime, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Lifetime(None))
    }
}

/// `scope`: words between spaces, as the standard says, or a list of them, as some providers do.
pub(super) struct Scope(pub(super) Vec<String>);

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ScopeVisitor)
    }
}

struct ScopeVisitor;

impl<'de> Visitor<'de> for ScopeVisitor {
    type Value = Scope;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("scopes")
    }

    fn visit_str<E: Error>(self, words: &str) -> Result<Scope, E> {
        let words = words.split(' ').filter(|word| !word.is_empty());
        Ok(Scope(words.map(str::to_owned).collect()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Scope, A::Error> {
        let mut words = Vec::new();
        while let Some(word) = items.next_element::<String>()? {
            words.push(word);
        }
        Ok(Scope(words))
    }
}
