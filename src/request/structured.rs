//! Structured fields (RFC 9651): what they hold. It must not know what for.
//!
//! [`parse`] reads them as strictly as the standard does, [`write`](mod@write) has one text for each.

pub mod parse;
pub mod write;

/// A bare item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bare {
    /// An integer of at most 15 digits.
    Integer(i64),
    /// A decimal, in thousandths: it has no finer ones.
    Decimal(i64),
    /// A string of printable ASCII.
    String(String),
    /// A token: a word without quotes.
    Token(String),
    /// A byte sequence.
    Bytes(Vec<u8>),
    /// True or false.
    Boolean(bool),
    /// A date, in seconds since 1970.
    Date(i64),
    /// A string of any characters.
    Display(String),
}

/// Parameters in their order, each key once.
pub type Parameters = Vec<(String, Bare)>;

/// An item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its value.
    pub bare: Bare,
    /// What is said of it.
    pub parameters: Parameters,
}

/// What a member of a list or a dictionary has for a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// An item's.
    Bare(Bare),
    /// An inner list.
    Inner(Vec<Item>),
}

/// A member of a list or a dictionary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its value.
    pub value: Value,
    /// What is said of it as a whole.
    pub parameters: Parameters,
}

/// Members in their order, each key once.
pub type Dictionary = Vec<(String, Member)>;

/// The largest integer, and the largest number of thousandths (RFC 9651, 3.3.1 and 3.3.2).
const LARGEST: i64 = 999_999_999_999_999;

impl Bare {
    /// The decimal that is nearest, the even one of two (RFC 9651, 4.1.5).
    #[must_use]
    pub fn nearest(number: f64) -> Self {
        #[allow(clippy::cast_possible_truncation, reason = "`as` saturates, which is too large")]
        Self::Decimal((number * 1000.0).round_ties_even() as i64)
    }
}

/// What stands beside that key.
#[must_use]
pub fn get<'a, T>(of: &'a [(String, T)], key: &str) -> Option<&'a T> {
    of.iter().find(|(other, _)| other == key).map(|(_, value)| value)
}

fn starts_key(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte == b'*'
}

fn continues_key(byte: u8) -> bool {
    starts_key(byte) || byte.is_ascii_digit() || b"_-.".contains(&byte)
}

fn starts_token(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'*'
}

fn continues_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/".contains(&byte)
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;
