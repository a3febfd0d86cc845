//! Structured fields (RFC 9651), written: as much of them as signatures need. It must not know what for.

use base64ct::{Base64UrlUnpadded, Encoding};

/// A bare item.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bare<'a> {
    /// An integer of at most 15 digits.
    Integer(i64),
    /// A string of printable ASCII.
    String(&'a str),
    /// A byte sequence.
    Bytes(&'a [u8]),
}

/// The largest integer (RFC 9651, 3.3.1).
const LARGEST: i64 = 999_999_999_999_999;

/// Whether that can be the key of a dictionary or a parameter (RFC 9651, 3.1.2).
#[must_use]
pub fn is_key(key: &str) -> bool {
    let is_first = |byte: &u8| byte.is_ascii_lowercase() || *byte == b'*';
    let is_one =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.*".contains(&byte);
    key.as_bytes().first().is_some_and(is_first) && key.bytes().all(is_one)
}

/// Writes an item (RFC 9651, 4.1.3.1); `None` where it has no such form.
pub fn bare(to: &mut String, item: Bare<'_>) -> Option<()> {
    match item {
        Bare::Integer(number) => {
            if number.saturating_abs() > LARGEST {
                return None;
            }
            to.push_str(&crate::json::decimal(number));
        }
        Bare::String(text) => {
            to.push('"');
            for character in text.chars() {
                match character {
                    '"' | '\\' => to.push('\\'),
                    ' '..='~' => {}
                    _ => return None,
                }
                to.push(character);
            }
            to.push('"');
        }
        Bare::Bytes(bytes) => {
            to.push(':');
            // In the other alphabet and padded: a second encoder would be a kilobyte.
            let url = Base64UrlUnpadded::encode_string(bytes);
            to.extend(url.chars().map(|character| match character {
                '-' => '+',
                '_' => '/',
                other => other,
            }));
            to.push_str(["", "", "==", "="].get(url.len() % 4).copied().unwrap_or_default());
            to.push(':');
        }
    }
    Some(())
}

/// Writes a parameter (RFC 9651, 4.1.1.2).
pub fn parameter(to: &mut String, key: &str, value: Bare<'_>) -> Option<()> {
    if !is_key(key) {
        return None;
    }
    to.push(';');
    to.push_str(key);
    to.push('=');
    bare(to, value)
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;
