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

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Named {
        a: u8,
    }

    fn strict(text: &str) -> Result<&str, JsonError> {
        check(text.as_bytes(), 1 << 20)
    }

    #[test]
    fn duplicates_are_refused_at_any_depth_jb5_t31() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"b":[{"c":{"a":1,"a":1}}]}"#,
            r#"{"__proto__":1,"__proto__":2}"#,
        ] {
            assert_eq!(strict(text), Err(JsonError::Malformed), "{text}");
        }
        for text in
            [r#"{"a":{"a":1},"b":{"a":1}}"#, "{\"\u{e9}\":1,\"e\u{301}\":2}", r#"{"A":1,"a":1}"#]
        {
            assert_eq!(strict(text), Ok(text), "members that only look alike");
        }
    }

    #[test]
    fn what_two_readers_take_differently_is_refused_t31_jb2() {
        for bytes in [
            &b"\xEF\xBB\xBF{}"[..],
            b"{\"a\":\"\xFF\"}",
            b"{\"a\":\"\xED\xA0\x80\"}",
            b"{\"a\":\"\xC0\xAF\"}",
            b"\xFF\xFE{\0}\0",
            br#"{"a":"\uD800"}"#,
            br#"{"a":"\uDC00\uD800"}"#,
            br#"{"\uD800":1}"#,
            br#"{"a":1e999}"#,
            br#"{"a":-1e999}"#,
            br#"{"a":NaN}"#,
            br#"{"a":01}"#,
            br"{'a':1}",
            br#"{"a":1,}"#,
            br#"{"a":1}{}"#,
            br#"{"a":1} x"#,
            b"{\"a\":\"\n\"}",
            b"{\"a\":\"\0\"}",
            b"",
            b" ",
        ] {
            assert_eq!(check(bytes, 100), Err(JsonError::Malformed), "{bytes:?}");
        }
    }

    #[test]
    fn only_an_object_is_read_ds4() {
        for text in ["[]", "[1]", "null", "true", "1", "\"{}\"", "[{}]"] {
            assert_eq!(strict(text), Err(JsonError::Unexpected), "{text}");
        }
        assert_eq!(read::<Named>(b"[1]", 10), Err(JsonError::Unexpected), "not by position");
        assert_eq!(read::<Named>(b"\r\n\t {\"a\":1} ", 20), Ok(Named { a: 1 }));
        assert_eq!(read::<Named>(br#"{"a":"1"}"#, 20), Err(JsonError::Unexpected));
        assert_eq!(read::<Named>(b"{}", 20), Err(JsonError::Unexpected));
    }

    #[test]
    fn size_and_depth_are_capped_t26() {
        assert_eq!(read::<Named>(br#"{"a":1}"#, 7), Ok(Named { a: 1 }));
        assert_eq!(read::<Named>(br#"{"a":1}"#, 6), Err(JsonError::TooLarge));
        let nested = |levels: usize| {
            format!("{{\"a\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1))
        };
        assert!(strict(&nested(32)).is_ok());
        assert_eq!(strict(&nested(33)), Err(JsonError::Malformed));
        let opening = format!("{{\"a\":{}", "[".repeat(100_000));
        assert_eq!(strict(&opening), Err(JsonError::Malformed));
    }

    #[test]
    fn many_members_take_no_long_time_t30() {
        let members: Vec<String> = (0..30_000).map(|n| format!("\"{n:x}\":0")).collect();
        assert!(strict(&format!("{{{}}}", members.join(","))).is_ok());
    }
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod vectors {
    use std::{collections::BTreeMap, fs, path::Path};

    use serde::Deserialize;

    use super::{JsonError, read};

    const SUITE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/vectors/jsontestsuite");

    /// What the standard leaves open and is taken: numbers that a double holds nearly.
    const TAKEN: &[&str] = &[
        "i_number_double_huge_neg_exp.json",
        "i_number_real_underflow.json",
        "i_number_too_big_neg_int.json",
        "i_number_too_big_pos_int.json",
        "i_number_very_big_negative_int.json",
    ];

    #[derive(Deserialize)]
    struct Known {
        known: u8,
    }

    /// Every document of a folder, as an unknown member of a valid object.
    fn wrapped(folder: &str) -> Option<BTreeMap<String, Vec<u8>>> {
        let files = fs::read_dir(Path::new(SUITE).join(folder)).ok()?;
        let documents = files.flatten().map(|file| {
            let name = file.file_name().to_string_lossy().into_owned();
            let document = fs::read(file.path()).unwrap();
            (name, [br#"{"known":1,"unknown":"#, &document[..], b"}"].concat())
        });
        Some(documents.collect())
    }

    fn is_taken(document: &[u8]) -> bool {
        match read::<Known>(document, 1 << 20) {
            Ok(read) => read.known == 1,
            Err(error) => {
                assert_eq!(error, JsonError::Malformed);
                false
            }
        }
    }

    #[test]
    fn json_test_suite_t31_tk9_ds4() {
        let Some(documents) = wrapped("test_parsing") else {
            println!("skipped: no JSONTestSuite at {SUITE}");
            return;
        };
        let (mut taken, mut refused, mut open) = (0, 0, Vec::new());
        for (name, document) in &documents {
            let is_taken = is_taken(document);
            match name.split('_').next() {
                Some("y") if name.starts_with("y_object_duplicated_key") => {
                    assert!(!is_taken, "{name}: a member named twice");
                    refused += 1;
                }
                Some("y") => {
                    assert!(is_taken, "{name}");
                    taken += 1;
                }
                Some("n") => {
                    assert!(!is_taken, "{name}");
                    refused += 1;
                }
                _ if is_taken => open.push(name.as_str()),
                _ => {}
            }
        }
        assert_eq!((documents.len(), taken, refused), (318, 93, 188 + 2));
        assert_eq!(open, TAKEN);
    }

    #[test]
    fn json_test_suite_transform_t31() {
        let Some(documents) = wrapped("test_transform") else {
            println!("skipped: no JSONTestSuite at {SUITE}");
            return;
        };
        for (name, document) in &documents {
            let is_ambiguous = name.starts_with("object_same_key")
                || (name.starts_with("string_") && name.contains("invalid_codepoint"));
            assert_eq!(is_taken(document), !is_ambiguous, "{name}");
        }
    }
}
