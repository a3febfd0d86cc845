//! Text to a tree, strictly (RFC 8259). It knows grammar and limits, and not what any member means.
//!
//! It is ours, and not `serde_json`'s, for three reasons: that one keeps the last of duplicate members,
//! leaves unwiped copies of texts with escapes in its scratch space, and was a tenth of the module.
//! `serde_json` is its oracle in the tests.

use super::{Json, JsonError, Object};
use crate::secret::Secret;

/// How deep arrays and objects may be nested.
const DEPTH: u8 = 32;

/// How many members an object may have: names are compared with each other.
pub(super) const MEMBERS: usize = 1024;

/// The one value in `bytes`, and nothing behind it.
pub(super) fn document(bytes: &[u8]) -> Result<Json, JsonError> {
    let text = core::str::from_utf8(bytes).map_err(|_| JsonError::Malformed)?;
    let mut parser = Parser { text, at: 0 };
    parser.document().ok_or(JsonError::Malformed)
}

/// Where in the text it is. Every `None` is the end of the reading: the document is malformed.
struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn document(&mut self) -> Option<Json> {
        let value = self.value(DEPTH)?;
        self.skip_space();
        (self.at == self.text.len()).then_some(value)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// Goes past `byte` if it is next.
    fn skip(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self, levels: u8) -> Option<Json> {
        self.skip_space();
        match self.peek()? {
            b'"' => Some(Json::Text(Secret::new(self.string()?))),
            b'{' => self.object(levels.checked_sub(1)?),
            b'[' => self.list(levels.checked_sub(1)?),
            b'n' => self.word("null", Json::Null),
            b't' => self.word("true", Json::Bool(true)),
            b'f' => self.word("false", Json::Bool(false)),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &str, value: Json) -> Option<Json> {
        let rest = self.text.as_bytes().get(self.at..)?;
        self.at += word.len();
        rest.starts_with(word.as_bytes()).then_some(value)
    }

    fn list(&mut self, levels: u8) -> Option<Json> {
        let mut items = Vec::new();
        self.each(b']', |parser| {
            items.push(parser.value(levels)?);
            Some(())
        })?;
        Some(Json::List(items))
    }

    fn object(&mut self, levels: u8) -> Option<Json> {
        let mut object = Object(Vec::new());
        self.each(b'}', |parser| {
            parser.skip_space();
            let name = parser.string()?;
            parser.skip_space();
            if !parser.skip(b':') || object.0.len() == MEMBERS || object.get(&name).is_some() {
                return None;
            }
            object.0.push((name, parser.value(levels)?));
            Some(())
        })?;
        Some(Json::Object(object))
    }

    /// What stands between the opening bracket here and `close`, with commas between.
    fn each(&mut self, close: u8, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.at += 1;
        self.skip_space();
        if self.skip(close) {
            return Some(());
        }
        loop {
            item(self)?;
            self.skip_space();
            match self.next()? {
                b',' => {}
                byte => return (byte == close).then_some(()),
            }
        }
    }

    /// A text in quotes, its escapes resolved, in one allocation: a growing one would leave copies of
    /// what may be a credential.
    fn string(&mut self) -> Option<String> {
        if !self.skip(b'"') {
            return None;
        }
        let mut text = String::with_capacity(self.length()?);
        loop {
            let start = self.at;
            while !matches!(self.peek()?, b'"' | b'\\' | 0..=0x1f) {
                self.at += 1;
            }
            text.push_str(self.text.get(start..self.at)?);
            match self.next()? {
                b'"' => return Some(text),
                b'\\' => text.push(self.escape()?),
                _ => return None,
            }
        }
    }

    /// How many bytes there are up to the closing quote: no fewer than the text will have.
    fn length(&self) -> Option<usize> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let mut is_escaped = false;
        rest.iter().position(|byte| {
            let is_end = *byte == b'"' && !is_escaped;
            is_escaped = *byte == b'\\' && !is_escaped;
            is_end
        })
    }

    fn escape(&mut self) -> Option<char> {
        Some(match self.next()? {
            byte @ (b'"' | b'\\' | b'/') => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.code_point(),
            _ => return None,
        })
    }

    /// The four digits behind `\u`, and the second half of a surrogate pair; a lone half is refused.
    fn code_point(&mut self) -> Option<char> {
        let first = self.four_digits()?;
        if first & 0xfc00 != 0xd800 {
            return char::from_u32(first);
        }
        if !self.skip(b'\\') || !self.skip(b'u') {
            return None;
        }
        let second = self.four_digits()?;
        let is_pair = second & 0xfc00 == 0xdc00;
        is_pair
            .then(|| 0x1_0000 + ((first & 0x3ff) << 10) + (second & 0x3ff))
            .and_then(char::from_u32)
    }

    fn four_digits(&mut self) -> Option<u32> {
        let mut value = 0;
        for _ in 0..4 {
            value = value * 16 + char::from(self.next()?).to_digit(16)?;
        }
        Some(value)
    }

    /// A number, as a double: exact for whole numbers up to 2⁵³ and for what has fifteen digits, else
    /// within a few units of the last place, which no date and no count of seconds comes near.
    fn number(&mut self) -> Option<Json> {
        let is_negative = self.skip(b'-');
        let mut digits = Digits::default();
        if !self.skip(b'0') {
            self.digits(&mut digits, 0)?;
        }
        if self.skip(b'.') {
            self.digits(&mut digits, -1)?;
        }
        if self.skip(b'e') || self.skip(b'E') {
            let is_small = self.skip(b'-');
            if !is_small {
                self.skip(b'+');
            }
            let mut exponent = Digits::default();
            self.digits(&mut exponent, 0)?;
            digits.raise(&exponent, is_small);
        }
        let value = digits.value();
        let value = if is_negative { -value } else { value };
        value.is_finite().then_some(Json::Number(value))
    }

    /// At least one digit; each moves the decimal point by `shift`.
    fn digits(&mut self, into: &mut Digits, shift: i32) -> Option<()> {
        let start = self.at;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            into.push(digit - b'0', shift);
            self.at += 1;
        }
        (self.at > start).then_some(())
    }
}

/// Digits of a number, and where its decimal point is.
#[derive(Default)]
struct Digits {
    mantissa: u64,
    exponent: i32,
}

impl Digits {
    /// The largest exponent that is told from a larger one: beyond it a double is zero or infinite,
    /// whatever the mantissa, of which a document has no more digits than this either.
    const FAR: i32 = 1_000_000;

    fn push(&mut self, digit: u8, shift: i32) {
        if self.mantissa < u64::MAX / 100 {
            self.mantissa = self.mantissa * 10 + u64::from(digit);
            self.exponent += shift;
        } else {
            // Digits past the eighteenth only move the point.
            self.exponent += shift + 1;
        }
    }

    fn raise(&mut self, by: &Self, is_small: bool) {
        let by = i32::try_from(by.mantissa).unwrap_or(Self::FAR).min(Self::FAR);
        self.exponent = self.exponent.saturating_add(if is_small { -by } else { by });
    }

    #[allow(clippy::cast_precision_loss, reason = "as JavaScript would have it")]
    fn value(&self) -> f64 {
        let (mut mantissa, mut exponent) = (self.mantissa, self.exponent);
        // `7370085629580743.0` is a whole number too.
        while exponent < 0 && mantissa != 0 && mantissa.is_multiple_of(10) {
            mantissa /= 10;
            exponent += 1;
        }
        let mut value = mantissa as f64;
        // In steps that a double holds exactly; past 400 nothing changes any more.
        let mut left = exponent.unsigned_abs().min(400);
        while left > 0 && value != 0.0 {
            let step = left.min(22);
            let power = (0..step).fold(1.0, |power, _| power * 10.0);
            value = if exponent < 0 { value / power } else { value * power };
            left -= step;
        }
        value
    }
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Number, Value};

    use super::{Json, document};

    fn oracle(value: &Json) -> Value {
        match value {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(number) => Value::Number(Number::from_f64(*number).unwrap()),
            Json::Text(text) => Value::String(text.expose().to_owned()), // exposed: a test's own.
            Json::List(items) => Value::Array(items.iter().map(oracle).collect()),
            Json::Object(object) => {
                let members =
                    object.members().map(|(name, value)| (name.to_owned(), oracle(value)));
                Value::Object(members.collect::<Map<_, _>>())
            }
        }
    }

    fn number(text: &str) -> Option<f64> {
        match document(text.as_bytes()).ok()? {
            Json::Number(number) => Some(number),
            _ => None,
        }
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (any::<i32>(), any::<u16>())
                .prop_map(|(a, b)| Value::from(f64::from(a) * f64::from(b))),
            "(.|[\\x00-\\x1f\u{2028}\u{10ffff}\"\\\\/]){0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(".{0,6}", inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    #[test]
    fn numbers_are_what_javascript_makes_of_them_id11() {
        for text in [
            "0",
            "-0",
            "0.0",
            "1",
            "-1",
            "10",
            "1.5",
            "1e3",
            "1E+3",
            "1e-3",
            "0.1",
            "123.456e2",
            "1700000000",
            "1700000000.25",
            "9007199254740991",
            "9007199254740993",
            "1e22",
            "1e308",
            "-1e308",
            "5e-324",
            "1e-400",
            "0e999999999999",
            "18446744073709551615",
            "0.000000000000000000000001e24",
            "100000000000000000000000000000000000000e-38",
        ] {
            let expected: f64 = text.parse().unwrap();
            let found = number(text).unwrap();
            let is_near = (found - expected).abs() <= expected.abs() * 1e-15;
            assert!(is_near, "{text}: {found:e}, not {expected:e}");
        }
        for text in
            ["1e309", "-1e999", "1e99999999999", "01", "1.", ".1", "1e", "+1", "-", "1e+", "0x1"]
        {
            assert_eq!(number(text), None, "{text}");
        }
        let digits = "9".repeat(400);
        assert_eq!(number(&digits), None, "past a double");
        assert_eq!(number(&format!("{digits}e-399")), Some(10.0));
        assert_eq!(number(&format!("0.{}1e400", "0".repeat(399))), Some(1.0));
    }

    proptest! {
        #[test]
        fn reads_what_serde_json_writes_t31(value in any_value(), is_pretty: bool) {
            let write = if is_pretty { serde_json::to_string_pretty } else { serde_json::to_string };
            let read = document(write(&value).unwrap().as_bytes()).unwrap();
            prop_assert_eq!(oracle(&read), value);
        }

        #[test]
        fn takes_what_serde_json_takes_t31(
            // No comma: serde_json would take a member named twice.
            text in "[\\[\\]{}:\"\\\\u0123456789abcdefnrtl eE+. -]{0,24}",
        ) {
            let other = serde_json::from_str::<Value>(&text);
            prop_assert_eq!(document(text.as_bytes()).is_ok(), other.is_ok(), "{}", text);
        }

        #[test]
        fn short_decimals_are_exact(mantissa in 0u64..1 << 53, exponent in -22i32..=22) {
            let text = format!("{mantissa}e{exponent}");
            prop_assert_eq!(number(&text), text.parse().ok());
        }

        #[test]
        fn any_bytes_are_read_or_refused_t31(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = document(&bytes);
        }
    }
}
