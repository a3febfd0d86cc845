//! Structured fields, written (RFC 9651, 4.1): each value has one text, or none. `None` leaves behind what
//! was written until then.

use base64ct::{Base64UrlUnpadded, Encoding};

use super::{
    Bare, Dictionary, Item, LARGEST, Member, Parameters, Value, continues_key, continues_token,
    starts_key, starts_token,
};

/// Writes a dictionary; nothing where it has no members.
pub fn dictionary(to: &mut String, members: &Dictionary) -> Option<()> {
    for (at, (name, it)) in members.iter().enumerate() {
        if at > 0 {
            to.push_str(", ");
        }
        key(to, name)?;
        if it.value == Value::Bare(Bare::Boolean(true)) {
            parameters(to, &it.parameters)?;
        } else {
            to.push('=');
            member(to, it)?;
        }
    }
    Some(())
}

/// Writes a list; nothing where it has no members.
pub fn list(to: &mut String, members: &[Member]) -> Option<()> {
    for (at, it) in members.iter().enumerate() {
        if at > 0 {
            to.push_str(", ");
        }
        member(to, it)?;
    }
    Some(())
}

/// Writes a member of a list, or what a member of a dictionary is.
pub fn member(to: &mut String, member: &Member) -> Option<()> {
    match &member.value {
        Value::Bare(value) => bare(to, value)?,
        Value::Inner(items) => inner(to, items)?,
    }
    parameters(to, &member.parameters)
}

/// Writes an inner list, less its parameters.
pub fn inner(to: &mut String, items: &[Item]) -> Option<()> {
    to.push('(');
    for (at, it) in items.iter().enumerate() {
        if at > 0 {
            to.push(' ');
        }
        item(to, it)?;
    }
    to.push(')');
    Some(())
}

/// Writes an item.
pub fn item(to: &mut String, item: &Item) -> Option<()> {
    bare(to, &item.bare)?;
    parameters(to, &item.parameters)
}

/// Writes parameters.
pub fn parameters(to: &mut String, parameters: &Parameters) -> Option<()> {
    for (name, value) in parameters {
        to.push(';');
        key(to, name)?;
        if *value != Bare::Boolean(true) {
            to.push('=');
            bare(to, value)?;
        }
    }
    Some(())
}

fn key(to: &mut String, key: &str) -> Option<()> {
    word(to, key, starts_key, continues_key)
}

fn word(
    to: &mut String,
    word: &str,
    starts: fn(u8) -> bool,
    goes_on: fn(u8) -> bool,
) -> Option<()> {
    let is_one = starts(*word.as_bytes().first()?) && word.bytes().all(goes_on);
    is_one.then(|| to.push_str(word))
}

/// Writes a bare item.
pub fn bare(to: &mut String, item: &Bare) -> Option<()> {
    match item {
        Bare::Integer(number) => integer(to, *number)?,
        Bare::Decimal(thousandths) => decimal(to, *thousandths)?,
        Bare::Date(seconds) => {
            to.push('@');
            integer(to, *seconds)?;
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
        Bare::Token(text) => word(to, text, starts_token, continues_token)?,
        Bare::Boolean(is_true) => to.push_str(if *is_true { "?1" } else { "?0" }),
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
        Bare::Display(text) => {
            to.push_str("%\"");
            for byte in text.bytes() {
                match byte {
                    b'%' | b'"' | ..b' ' | 0x7f.. => {
                        to.push('%');
                        for half in [byte >> 4, byte & 15] {
                            to.push(char::from(b"0123456789abcdef"[usize::from(half)]));
                        }
                    }
                    plain => to.push(char::from(plain)),
                }
            }
            to.push('"');
        }
    }
    Some(())
}

fn integer(to: &mut String, number: i64) -> Option<()> {
    (number.saturating_abs() <= LARGEST).then(|| to.push_str(&crate::json::decimal(number)))
}

fn decimal(to: &mut String, thousandths: i64) -> Option<()> {
    if thousandths < 0 {
        to.push('-');
    }
    let size = thousandths.saturating_abs();
    integer(to, size / 1000).filter(|()| size <= LARGEST)?;
    // The digits behind the point, without the zeros that end them, but for one.
    let digits = crate::json::decimal(1000 + size % 1000);
    let digits = digits.get(1..)?;
    let rest = digits.get(1..)?.trim_end_matches('0');
    to.push('.');
    to.push_str(digits.get(..=rest.len())?);
    Some(())
}
