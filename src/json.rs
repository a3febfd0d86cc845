//! Strict JSON for everything that comes from the network or the page. Members named twice are refused
//! at any depth, with all else that two readers could take differently. It must not know what a
//! document means.
//!
//! Documents are read into one small tree and not into a type each: a derived reader costs some 2 KB
//! of wasm every time, and leaves the texts that it had read, unwiped, where it fails.

mod parse;
mod write;

pub use write::{Members, Writer, decimal};

use crate::secret::Secret;

/// Why a document was refused. It holds nothing of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonError {
    /// It is longer than the caller takes.
    TooLarge,
    /// It is not JSON in UTF-8, names a member twice, is nested too deep, has too many members or a
    /// number past the range of a double.
    Malformed,
    /// It is JSON, but not an object, or one of another shape than was asked for.
    Unexpected,
}

impl JsonError {
    /// What is wrong, as the end of a sentence: "is not strict JSON".
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "is too large",
            Self::Malformed => "is not strict JSON",
            Self::Unexpected => "lacks a member or has one of another kind",
        }
    }
}

/// A value. Its texts are wiped on drop, for any of them may be a credential.
#[derive(Debug)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as JavaScript would have it.
    Number(f64),
    /// Text.
    Text(Secret),
    /// An array.
    List(Vec<Json>),
    /// An object.
    Object(Object),
}

impl Json {
    /// The text, of a value that is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        // exposed: whoever reads the document decides what of it is a credential.
        if let Self::Text(text) = self { Some(text.expose()) } else { None }
    }

    /// The texts, of an array that has nothing else.
    #[must_use]
    pub fn as_texts(&self) -> Option<Vec<&str>> {
        if let Self::List(items) = self { items.iter().map(Self::as_text).collect() } else { None }
    }
}

/// An object: its members in their order, each named once.
#[derive(Debug)]
pub struct Object(Vec<(String, Json)>);

impl Object {
    /// The members, in their order.
    pub fn members(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The member of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.members().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// The member, which is text; `null` is as good as absent.
    pub fn text(&self, name: &str) -> Result<Option<&str>, JsonError> {
        match self.get(name) {
            None | Some(Json::Null) => Ok(None),
            Some(value) => value.as_text().map(Some).ok_or(JsonError::Unexpected),
        }
    }

    /// The member, which is text and must be there.
    pub fn required(&self, name: &str) -> Result<&str, JsonError> {
        self.text(name)?.ok_or(JsonError::Unexpected)
    }

    /// The member, which is text, without leaving a copy behind; `null` is as good as absent.
    pub fn take_secret(&mut self, name: &str) -> Result<Option<Secret>, JsonError> {
        let member = self.0.iter_mut().find(|(other, _)| other == name);
        match member.map(|(_, value)| core::mem::replace(value, Json::Null)) {
            None | Some(Json::Null) => Ok(None),
            Some(Json::Text(text)) => Ok(Some(text)),
            Some(_) => Err(JsonError::Unexpected),
        }
    }
}

/// The object in `bytes`, of at most `limit` bytes.
///
/// Refused are: invalid UTF-8, a byte order mark, lone surrogates, a member named twice in one object
/// (as compared after escapes are resolved; RFC 7519, 4), more than 32 levels or 1,024 members of one
/// object, anything behind the value, and any value but an object.
pub fn read(bytes: &[u8], limit: usize) -> Result<Object, JsonError> {
    if bytes.len() > limit {
        return Err(JsonError::TooLarge);
    }
    match parse::document(bytes)? {
        Json::Object(object) => Ok(object),
        _ => Err(JsonError::Unexpected),
    }
}

#[cfg(test)]
mod tests {
    use super::{parse::MEMBERS, *};

    fn strict(text: &str) -> Result<(), JsonError> {
        read(text.as_bytes(), 1 << 20).map(|_| ())
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
            assert_eq!(strict(text), Ok(()), "members that only look alike");
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
            assert_eq!(read(bytes, 100).err(), Some(JsonError::Malformed), "{bytes:?}");
        }
    }

    #[test]
    fn only_an_object_is_read_ds4() {
        for text in ["[]", "[1]", "null", "true", "1", "\"{}\"", "[{}]"] {
            assert_eq!(strict(text), Err(JsonError::Unexpected), "{text}");
        }
        assert_eq!(strict("\r\n\t {\"a\":1} "), Ok(()));
    }

    #[test]
    fn members_are_of_the_kind_asked_for_tk9() {
        let mut object = read(br#"{"a":"x","b":null,"c":1,"d":["y","z"],"e":[1]}"#, 100).unwrap();
        assert_eq!(
            (object.text("a"), object.text("b"), object.text("z")),
            (Ok(Some("x")), Ok(None), Ok(None))
        );
        assert_eq!(object.text("c"), Err(JsonError::Unexpected));
        assert_eq!(object.required("a"), Ok("x"));
        assert_eq!(object.required("b"), Err(JsonError::Unexpected));
        assert_eq!(object.get("d").and_then(Json::as_texts), Some(vec!["y", "z"]));
        assert!(object.get("e").is_some_and(|list| list.as_texts().is_none()));
        assert_eq!(object.take_secret("a"), Ok(Some(Secret::from("x"))));
        assert_eq!(object.take_secret("a"), Ok(None), "nothing is left of it");
        assert_eq!(object.take_secret("d"), Err(JsonError::Unexpected));
        let names: Vec<_> = object.members().map(|(name, _)| name).collect();
        assert_eq!(names, ["a", "b", "c", "d", "e"]);
    }

    #[test]
    fn nothing_of_a_document_is_shown_st9() {
        let object = read(br#"{"access_token":"hunter2"}"#, 100);
        assert!(!format!("{object:?}").contains("hunter2"));
    }

    #[test]
    fn size_and_depth_are_capped_t26() {
        assert!(read(br#"{"a":1}"#, 7).is_ok());
        assert_eq!(read(br#"{"a":1}"#, 6).err(), Some(JsonError::TooLarge));
        let nested = |levels: usize| {
            format!("{{\"a\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1))
        };
        assert!(strict(&nested(32)).is_ok());
        assert_eq!(strict(&nested(33)), Err(JsonError::Malformed));
        let opening = format!("{{\"a\":{}", "[".repeat(100_000));
        assert_eq!(strict(&opening), Err(JsonError::Malformed));
    }

    #[test]
    fn members_are_capped_t26_t30() {
        let members =
            |count| (0..count).map(|n| format!("\"{n:x}\":0")).collect::<Vec<_>>().join(",");
        assert_eq!(strict(&format!("{{{}}}", members(MEMBERS))), Ok(()));
        assert_eq!(strict(&format!("{{{}}}", members(MEMBERS + 1))), Err(JsonError::Malformed));
    }
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod vectors {
    use std::{collections::BTreeMap, fs, path::Path};

    use super::{Json, JsonError, read};

    const SUITE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/vectors/jsontestsuite");

    /// What the standard leaves open and is taken: numbers that a double holds nearly.
    const TAKEN: &[&str] = &[
        "i_number_double_huge_neg_exp.json",
        "i_number_real_underflow.json",
        "i_number_too_big_neg_int.json",
        "i_number_too_big_pos_int.json",
        "i_number_very_big_negative_int.json",
    ];

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
        match read(document, 1 << 20) {
            Ok(read) => matches!(read.get("known"), Some(Json::Number(1.0))),
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
