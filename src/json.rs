//! Strict JSON for everything that comes from the network or the page. `serde_json` keeps the last of
//! duplicate members in silence; here they are refused at any depth, with all else that two readers
//! could take differently. It must not know what a document means.

use core::fmt;
use std::collections::BTreeSet;

use serde::de::{
    Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess,
    Visitor,
};

/// How deep arrays and objects may be nested.
const DEPTH: u8 = 32;

/// Why a document was refused. It holds nothing of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonError {
    /// It is longer than the caller takes.
    TooLarge,
    /// It is not JSON in UTF-8, names a member twice, is nested too deep or holds a number past the
    /// range of a double.
    Malformed,
    /// It is JSON, but not an object, or one of another shape than was asked for.
    Unexpected,
}

impl JsonError {
    /// What is wrong, as the end of a sentence: "is not JSON".
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "is too large",
            Self::Malformed => "is not strict JSON",
            Self::Unexpected => "has members of another kind than the standard says",
        }
    }
}

/// The object in `bytes`, of at most `limit` bytes.
pub fn read<T: DeserializeOwned>(bytes: &[u8], limit: usize) -> Result<T, JsonError> {
    let text = check(bytes, limit)?;
    serde_json::from_str(text).map_err(|_| JsonError::Unexpected)
}

/// The text of the object in `bytes`, once it is known to be strict JSON.
///
/// Refused are: invalid UTF-8, a byte order mark, lone surrogates, a member named twice in one object
/// (as compared after escapes are resolved; RFC 7519, 4), more than 32 levels, anything behind the
/// value, and any value but an object.
pub fn check(bytes: &[u8], limit: usize) -> Result<&str, JsonError> {
    if bytes.len() > limit {
        return Err(JsonError::TooLarge);
    }
    let text = core::str::from_utf8(bytes).map_err(|_| JsonError::Malformed)?;
    let mut parser = serde_json::Deserializer::from_str(text);
    Strict { levels: DEPTH }
        .deserialize(&mut parser)
        .and_then(|()| parser.end())
        .map_err(|_| JsonError::Malformed)?;
    // Everything that is read is an object, and serde would take an array for one, by position.
    let is_object = text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with('{');
    if is_object { Ok(text) } else { Err(JsonError::Unexpected) }
}

/// Walks a value and keeps nothing of it but, for a while, the names of an object's members.
#[derive(Clone, Copy)]
struct Strict {
    /// How many levels may still be opened.
    levels: u8,
}

impl Strict {
    fn inner<E: Error>(self) -> Result<Self, E> {
        let levels = self.levels.checked_sub(1).ok_or_else(|| E::custom("nested too deep"))?;
        Ok(Self { levels })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        // Not `IgnoredAny`: what is ignored is not checked for surrogates or the range of numbers.
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("strict JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let inner = self.inner()?;
        while items.next_element_seed(inner)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let inner = self.inner()?;
        let mut names = BTreeSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if !names.insert(name) {
                return Err(A::Error::custom("a member is named twice"));
            }
            members.next_value_seed(inner)?;
        }
        Ok(())
    }
}

/// Whether a member stands in an object, whatever its value: for `#[serde(deserialize_with)]`.
pub(crate) fn is_present<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    serde::de::IgnoredAny::deserialize(from).map(|_| true)
}
