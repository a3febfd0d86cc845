//! Writing JSON, for what crosses to the pages and into the store. Serde's writers would bring more
//! than these few kinds of members need, a table of floats among it.

use crate::secret::Secret;

/// An object under construction. What it writes is wiped by whoever takes it, where it must be.
#[derive(Debug)]
pub struct Writer(String);

impl Default for Writer {
    fn default() -> Self {
        Self("{".to_owned())
    }
}

/// Whoever is told the members of an object, one after the other.
pub trait Members {
    /// A member that is text.
    fn text(&mut self, name: &str, value: &str);
    /// A member that is a whole number, or `null`.
    fn number(&mut self, name: &str, value: Option<i64>);
    /// A member that is `true` or `false`.
    fn flag(&mut self, name: &str, value: bool);
    /// A member that is a list of pairs of texts.
    fn pairs(&mut self, name: &str, pairs: &[(String, String)]);
    /// A member that is an object of its own.
    fn object(&mut self, name: &str, tell: &dyn Fn(&mut dyn Members));

    /// A member that is text, left out where there is none.
    fn optional(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }
}

impl Members for Writer {
    fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        quote(&mut self.0, value);
    }

    fn number(&mut self, name: &str, value: Option<i64>) {
        match value {
            Some(value) => self.raw(name, &decimal(value)),
            None => self.raw(name, "null"),
        }
    }

    fn flag(&mut self, name: &str, value: bool) {
        self.raw(name, if value { "true" } else { "false" });
    }

    fn pairs(&mut self, name: &str, pairs: &[(String, String)]) {
        self.list(name, pairs, |to, (first, second)| {
            to.push('[');
            quote(to, first);
            to.push(',');
            quote(to, second);
            to.push(']');
        });
    }

    fn object(&mut self, name: &str, tell: &dyn Fn(&mut dyn Members)) {
        self.name(name);
        self.0.push('{');
        tell(self);
        self.0.push('}');
    }
}

impl Writer {
    /// A member that is a list of texts.
    pub fn texts(&mut self, name: &str, values: &[String]) {
        self.list(name, values, |to, value| quote(to, value));
    }

    /// A member whose value is JSON already.
    pub fn raw(&mut self, name: &str, json: &str) {
        self.name(name);
        self.0.push_str(json);
    }

    /// The object's text, with a secret for its last member: a text that grew afterwards would leave a copy.
    #[must_use]
    pub fn finish_with(mut self, name: &str, secret: &Secret) -> Secret {
        // exposed: the caller decides where the text goes.
        let value = secret.expose();
        // An escape takes six bytes.
        self.0.reserve(6 * value.len() + name.len() + ",\"\":\"\"}".len());
        self.text(name, value);
        Secret::new(self.finish())
    }

    /// The object's text.
    #[must_use]
    pub fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }

    fn list<T>(&mut self, name: &str, items: &[T], write: impl Fn(&mut String, &T)) {
        self.name(name);
        self.0.push('[');
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.0.push(',');
            }
            write(&mut self.0, item);
        }
        self.0.push(']');
    }

    fn name(&mut self, name: &str) {
        if !self.0.ends_with('{') {
            self.0.push(',');
        }
        quote(&mut self.0, name);
        self.0.push(':');
    }
}

/// A number in digits, without the standard library's formatting, which the module has for nothing else.
#[must_use]
pub fn decimal(value: i64) -> String {
    let mut left = value.unsigned_abs();
    let mut digits = Vec::new();
    loop {
        let digit = u32::try_from(left % 10).unwrap_or_default();
        digits.extend(char::from_digit(digit, 10));
        left /= 10;
        if left == 0 {
            break;
        }
    }
    if value < 0 {
        digits.push('-');
    }
    digits.into_iter().rev().collect()
}

fn quote(to: &mut String, text: &str) {
    to.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => to.extend(['\\', letter]),
            ' '.. => to.push(letter),
            control => {
                to.push_str("\\u00");
                let code = u32::from(control);
                to.extend(
                    [code >> 4, code & 15].map(|digit| char::from_digit(digit, 16).unwrap_or('0')),
                );
            }
        }
    }
    to.push('"');
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{Members, Writer};

    fn written(write: impl FnOnce(&mut Writer)) -> Value {
        let mut json = Writer::default();
        write(&mut json);
        serde_json::from_str(&json.finish()).unwrap()
    }

    #[test]
    fn writes_every_kind_of_member() {
        let found = written(|json| {
            json.text("a", "\"\\\n\u{1f}\u{7f}\u{2028}é");
            json.number("b", Some(-5));
            json.number("c", None);
            json.flag("d", true);
            json.texts("e", &["x".to_owned(), "y".to_owned()]);
            json.pairs("n", &[("a".to_owned(), "\"".to_owned()), (String::new(), "b".to_owned())]);
            json.optional("f", None);
            json.optional("g", Some("z{"));
            json.raw("h", r#"{"sub":1}"#);
            json.object("i", &|inner| {
                inner.text("j", "{");
                inner.flag("k", false);
                inner.object("l", &|_| {});
            });
            json.text("m", "");
        });
        let expected = json!({
            "a": "\"\\\n\u{1f}\u{7f}\u{2028}é", "b": -5, "c": null, "d": true,
            "e": ["x", "y"], "n": [["a", "\""], ["", "b"]], "g": "z{", "h": { "sub": 1 },
            "i": { "j": "{", "k": false, "l": {} }, "m": ""
        });
        assert_eq!(found, expected);
        assert_eq!(written(|_| {}), json!({}));
    }

    proptest! {
        #[test]
        fn any_number_is_written_in_digits(value: i64) {
            prop_assert_eq!(super::decimal(value), value.to_string());
        }

        #[test]
        fn any_text_comes_back(name in ".*", value in "(.|[\\x00-\\x1f])*") {
            prop_assert_eq!(written(|json| json.text(&name, &value)), json!({ name: value }));
        }
    }
}
