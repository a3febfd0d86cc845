//! Writing JSON, for what crosses to the pages and into the store. Serde's writers would bring more
//! than these few kinds of members need, a table of floats among it.

/// An object under construction. What it writes is wiped by whoever takes it, where it must be.
#[derive(Debug)]
pub struct Writer(String);

impl Default for Writer {
    fn default() -> Self {
        Self("{".to_owned())
    }
}

impl Writer {
    /// A member that is text.
    #[must_use]
    pub fn text(mut self, name: &str, value: &str) -> Self {
        self.name(name);
        quote(&mut self.0, value);
        self
    }

    /// A member that is text, left out where there is none.
    #[must_use]
    pub fn optional(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    /// A member that is a whole number, or `null`.
    #[must_use]
    pub fn number(self, name: &str, value: Option<i64>) -> Self {
        match value {
            Some(value) => self.raw(name, &value.to_string()),
            None => self.raw(name, "null"),
        }
    }

    /// A member that is `true` or `false`.
    #[must_use]
    pub fn flag(self, name: &str, value: bool) -> Self {
        self.raw(name, if value { "true" } else { "false" })
    }

    /// A member that is a list of texts.
    #[must_use]
    pub fn texts(mut self, name: &str, values: &[String]) -> Self {
        self.name(name);
        self.0.push('[');
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                self.0.push(',');
            }
            quote(&mut self.0, value);
        }
        self.0.push(']');
        self
    }

    /// A member whose value is JSON already.
    #[must_use]
    pub fn raw(mut self, name: &str, json: &str) -> Self {
        self.name(name);
        self.0.push_str(json);
        self
    }

    /// The object's text.
    #[must_use]
    pub fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }

    fn name(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        quote(&mut self.0, name);
        self.0.push(':');
    }
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

    use super::Writer;

    #[test]
    fn writes_every_kind_of_member() {
        let text = Writer::default()
            .text("a", "\"\\\n\u{1f}\u{7f}\u{2028}é")
            .number("b", Some(-5))
            .number("c", None)
            .flag("d", true)
            .texts("e", &["x".to_owned(), "y".to_owned()])
            .optional("f", None)
            .optional("g", Some("z"))
            .raw("h", r#"{"sub":1}"#)
            .finish();
        let expected = json!({
            "a": "\"\\\n\u{1f}\u{7f}\u{2028}é", "b": -5, "c": null, "d": true,
            "e": ["x", "y"], "g": "z", "h": { "sub": 1 }
        });
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
        assert_eq!(Writer::default().finish(), "{}");
    }

    proptest! {
        #[test]
        fn any_text_comes_back(name in ".*", value in "(.|[\\x00-\\x1f])*") {
            let text = Writer::default().text(&name, &value).finish();
            prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), json!({ name: value }));
        }
    }
}
