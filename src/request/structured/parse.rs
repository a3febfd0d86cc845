//! Structured fields, read (RFC 9651, 4.2). A field that is wrong anywhere is wrong as a whole: `None`.
//!
//! It takes what the standard lets every reader take, byte sequences without their padding among it.

use base64ct::{Base64UrlUnpadded, Encoding};

use super::{
    Bare, Dictionary, Item, Member, Parameters, Value, continues_key, continues_token, starts_key,
    starts_token,
};

/// Reads a dictionary. Several lines of one field are joined with commas before.
#[must_use]
pub fn dictionary(text: &str) -> Option<Dictionary> {
    let mut members = Vec::new();
    members_of(text, |parser| {
        let key = parser.key()?;
        let member = if parser.take(b'=') {
            parser.member()?
        } else {
            let value = Value::Bare(Bare::Boolean(true));
            Member { value, parameters: parser.parameters()? }
        };
        put(&mut members, key, member);
        Some(())
    })?;
    Some(members)
}

/// Reads a list.
#[must_use]
pub fn list(text: &str) -> Option<Vec<Member>> {
    let mut members = Vec::new();
    members_of(text, |parser| {
        members.push(parser.member()?);
        Some(())
    })?;
    Some(members)
}

/// Reads an item.
#[must_use]
pub fn item(text: &str) -> Option<Item> {
    let mut parser = Parser::of(text);
    let item = parser.item()?;
    parser.skip(b" ");
    parser.rest.is_empty().then_some(item)
}

fn members_of(text: &str, mut read: impl FnMut(&mut Parser<'_>) -> Option<()>) -> Option<()> {
    let mut parser = Parser::of(text);
    let mut is_more = false;
    while is_more || !parser.rest.is_empty() {
        read(&mut parser)?;
        parser.skip(b" \t");
        is_more = parser.take(b',');
        if !is_more && !parser.rest.is_empty() {
            return None;
        }
        parser.skip(b" \t");
    }
    Some(())
}

/// The later one of a name stands, where the first one stood.
fn put<T>(to: &mut Vec<(String, T)>, key: String, value: T) {
    match to.iter_mut().find(|(other, _)| *other == key) {
        Some((_, old)) => *old = value,
        None => to.push((key, value)),
    }
}

struct Parser<'a> {
    rest: &'a [u8],
}

impl<'a> Parser<'a> {
    /// Spaces before a field are none of it.
    fn of(text: &'a str) -> Self {
        let mut parser = Self { rest: text.as_bytes() };
        parser.skip(b" ");
        parser
    }

    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn take(&mut self, wanted: u8) -> bool {
        let is_it = self.peek() == Some(wanted);
        if is_it {
            self.next();
        }
        is_it
    }

    fn skip(&mut self, what: &[u8]) {
        while self.peek().is_some_and(|byte| what.contains(&byte)) {
            self.next();
        }
    }

    fn member(&mut self) -> Option<Member> {
        let value =
            if self.take(b'(') { Value::Inner(self.inner()?) } else { Value::Bare(self.bare()?) };
        Some(Member { value, parameters: self.parameters()? })
    }

    fn inner(&mut self) -> Option<Vec<Item>> {
        let mut items = Vec::new();
        loop {
            self.skip(b" ");
            if self.take(b')') {
                return Some(items);
            }
            items.push(self.item()?);
            if !matches!(self.peek()?, b' ' | b')') {
                return None;
            }
        }
    }

    fn item(&mut self) -> Option<Item> {
        Some(Item { bare: self.bare()?, parameters: self.parameters()? })
    }

    fn parameters(&mut self) -> Option<Parameters> {
        let mut parameters = Vec::new();
        while self.take(b';') {
            self.skip(b" ");
            let key = self.key()?;
            let value = if self.take(b'=') { self.bare()? } else { Bare::Boolean(true) };
            put(&mut parameters, key, value);
        }
        Some(parameters)
    }

    fn key(&mut self) -> Option<String> {
        self.word(starts_key, continues_key)
    }

    fn word(&mut self, starts: fn(u8) -> bool, goes_on: fn(u8) -> bool) -> Option<String> {
        if !starts(self.peek()?) {
            return None;
        }
        let mut word = String::new();
        while let Some(byte) = self.peek().filter(|byte| goes_on(*byte)) {
            word.push(byte.into());
            self.next();
        }
        Some(word)
    }

    fn bare(&mut self) -> Option<Bare> {
        let first = self.peek()?;
        if starts_token(first) {
            return self.word(starts_token, continues_token).map(Bare::Token);
        }
        if first == b'-' || first.is_ascii_digit() {
            return self.number();
        }
        self.next();
        match first {
            b'"' => self.string().map(Bare::String),
            b':' => self.bytes().map(Bare::Bytes),
            b'?' => match self.next()? {
                b'0' => Some(Bare::Boolean(false)),
                b'1' => Some(Bare::Boolean(true)),
                _ => None,
            },
            b'@' => match self.number()? {
                Bare::Integer(seconds) => Some(Bare::Date(seconds)),
                _ => None,
            },
            b'%' if self.take(b'"') => self.display().map(Bare::Display),
            _ => None,
        }
    }

    fn number(&mut self) -> Option<Bare> {
        let sign = if self.take(b'-') { -1 } else { 1 };
        let (whole, length) = self.digits(0)?;
        if !self.take(b'.') {
            return Some(Bare::Integer(sign * whole));
        }
        if length > 12 {
            return None;
        }
        let (mut thousandths, behind) = self.digits(whole)?;
        for _ in behind..3 {
            thousandths *= 10;
        }
        (behind <= 3).then_some(Bare::Decimal(sign * thousandths))
    }

    /// The digits that stand there, after those of `number`, and how many: at least one, at most 15 (RFC 9651,
    /// 4.2.4).
    fn digits(&mut self, mut number: i64) -> Option<(i64, usize)> {
        let mut length = 0;
        while let Some(digit) = self.peek().filter(u8::is_ascii_digit) {
            length += 1;
            number = number.saturating_mul(10).saturating_add(i64::from(digit - b'0'));
            self.next();
        }
        (1..=15).contains(&length).then_some((number, length))
    }

    fn string(&mut self) -> Option<String> {
        let mut text = String::new();
        loop {
            let byte = match self.next()? {
                b'"' => return Some(text),
                b'\\' => self.next().filter(|byte| b"\"\\".contains(byte))?,
                plain @ b' '..=b'~' => plain,
                _ => return None,
            };
            text.push(byte.into());
        }
    }

    fn bytes(&mut self) -> Option<Vec<u8>> {
        let (mut url, mut padding) = (String::new(), 0);
        loop {
            match self.next()? {
                b':' => break,
                b'=' => padding += 1,
                _ if padding > 0 => return None,
                b'+' => url.push('-'),
                b'/' => url.push('_'),
                // Of the decoder's alphabet and not of this one.
                b'-' | b'_' => return None,
                other => url.push(other.into()),
            }
        }
        let is_padded = padding == 0 || padding < 3 && (url.len() + padding) % 4 == 0;
        is_padded.then(|| Base64UrlUnpadded::decode_vec(&url).ok()).flatten()
    }

    fn display(&mut self) -> Option<String> {
        let mut bytes = Vec::new();
        loop {
            bytes.push(match self.next()? {
                b'"' => return String::from_utf8(bytes).ok(),
                b'%' => self.half()? << 4 | self.half()?,
                plain @ b' '..=b'~' => plain,
                _ => return None,
            });
        }
    }

    fn half(&mut self) -> Option<u8> {
        match self.next()? {
            digit @ b'0'..=b'9' => Some(digit - b'0'),
            letter @ b'a'..=b'f' => Some(letter - b'a' + 10),
            _ => None,
        }
    }
}
