//! The signature base of a message (RFC 9421, 2): what of it is signed, for who signs and for who verifies.

use crate::{
    request::structured::{Bare, Item, get, parse, write},
    url::ParsedUrl,
};

/// A message, as far as it can be signed.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// What it begins with.
    pub start: Start<'a>,
    /// Its header fields, in order, as they are sent.
    pub fields: &'a [(String, String)],
}

/// What a message begins with.
#[derive(Clone, Copy, Debug)]
pub enum Start<'a> {
    /// A request's method and target.
    Request(&'a str, &'a ParsedUrl),
    /// A response's status, and the request that it answers.
    Response(u16, &'a Message<'a>),
}

impl Message<'_> {
    /// A field's value, several of one name combined; `None` where there is none (RFC 9421, 2.1).
    #[must_use]
    pub fn field(&self, name: &str) -> Option<String> {
        let mut whole = None::<String>;
        for (_, value) in self.fields.iter().filter(|(it, _)| it.eq_ignore_ascii_case(name)) {
            if let Some(whole) = &mut whole {
                whole.push_str(", ");
            }
            whole.get_or_insert_default().push_str(trim(value));
        }
        whole
    }
}

/// Why a message has no signature base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// What was to be signed.
    pub component: String,
    /// What is wrong with it: "is …".
    pub problem: &'static str,
}

/// What is wrong with what the message does not have, or has in a way that could mean two things.
pub(super) const MISSING: &str = "is not there, or not once";

/// A component's identifier (RFC 9421, 2), in whatever order its parameters stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identifier<'a> {
    /// A field in lower case, or what is derived from the message.
    pub name: &'a str,
    /// Whether it is that of the request which is answered (`req`).
    pub of_request: bool,
    /// Which member of a field that is a dictionary (`key`).
    pub key: Option<&'a str>,
    /// For `@query-param` the parameter's name.
    parameter: Option<&'a str>,
}

impl<'a> Identifier<'a> {
    /// What an item of a signature's list means; `None` where it has a parameter that is not known here, since
    /// another value would be signed than was meant.
    #[must_use]
    pub fn read(item: &'a Item) -> Option<Self> {
        let Bare::String(name) = &item.bare else { return None };
        if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return None;
        }
        let mut read = Self { name, of_request: false, key: None, parameter: None };
        for (parameter, value) in &item.parameters {
            match (&**parameter, value) {
                ("req", Bare::Boolean(true)) => read.of_request = true,
                ("key", Bare::String(key)) if !name.starts_with('@') => read.key = Some(key),
                ("name", Bare::String(it)) if name == "@query-param" => read.parameter = Some(it),
                _ => return None,
            }
        }
        Some(read)
    }

    /// Its value (RFC 9421, 2.1, 2.2 and 2.4); `None` where the message does not have it, or where it is
    /// ambiguous.
    fn value(&self, of: &Message<'_>) -> Option<String> {
        let message = match (self.of_request, of.start) {
            (false, _) => of,
            (true, Start::Response(_, request)) => request,
            (true, Start::Request(..)) => return None,
        };
        if !self.name.starts_with('@') {
            let whole = message.field(self.name)?;
            let Some(key) = self.key else { return Some(whole) };
            let mut one = String::new();
            write::member(&mut one, get(&parse::dictionary(&whole)?, key)?)?;
            return Some(one);
        }
        let (method, url) = match message.start {
            Start::Request(method, url) => (method, url),
            Start::Response(status, _) => {
                let is_status = self.name == "@status";
                return is_status.then(|| crate::json::decimal(status.into()));
            }
        };
        // Of what will be fetched: the fragment stays in the browser.
        let target = url.href.split('#').next().unwrap_or_default();
        Some(match self.name {
            "@method" => method.to_owned(),
            "@target-uri" => target.to_owned(),
            // In lower case, without a default port: so the parser writes it.
            "@authority" => url.origin.split_once("://")?.1.to_owned(),
            "@scheme" => url.protocol.trim_end_matches(':').to_owned(),
            "@request-target" => target.get(url.origin.len()..)?.to_owned(),
            "@path" => url.pathname.clone(),
            "@query" => ["?", url.search.strip_prefix('?').unwrap_or_default()].concat(),
            "@query-param" => {
                let wanted = self.parameter?;
                let all = url.parameters();
                let mut found = all.iter().filter(|(name, _)| encoded(name) == wanted);
                let one = found.next()?;
                // Which of two is meant, servers do not agree on.
                if found.next().is_some() {
                    return None;
                }
                encoded(&one.1)
            }
            _ => return None,
        })
    }
}

/// The signature base (RFC 9421, 2.5) of what is covered, with `parameters` as its last line's value. A flaw
/// where a component is named twice, or the message does not have it, or not in a form that every reader
/// takes alike.
pub fn signature_base(
    message: &Message<'_>,
    covered: &[Item],
    parameters: &str,
) -> Result<String, Flaw> {
    let mut base = String::new();
    let mut seen = Vec::new();
    for item in covered {
        let start = base.len();
        let is_written = write::item(&mut base, item).is_some();
        let flaw = |problem| {
            let component = base.get(start..).unwrap_or_default().to_owned();
            Err(Flaw { component, problem })
        };
        let Some(identifier) = Identifier::read(item).filter(|_| is_written) else {
            return flaw("is no component that is known here");
        };
        if seen.contains(&identifier) {
            return flaw("is named twice");
        }
        seen.push(identifier);
        let Some(value) = identifier.value(message) else {
            return flaw(MISSING);
        };
        if !value.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) {
            return flaw("is not plain ASCII in one line");
        }
        base.push_str(": ");
        base.push_str(&value);
        base.push('\n');
    }
    base.push_str("\"@signature-params\": ");
    base.push_str(parameters);
    Ok(base)
}

/// Without the optional white space around it (RFC 9110, 5.6.3).
fn trim(value: &str) -> &str {
    value.trim_matches([' ', '\t'])
}

/// Percent-encoded as forms are, but for the space (RFC 9421, 2.2.8).
fn encoded(text: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"*-._".contains(&byte) {
            encoded.push(byte.into());
        } else {
            encoded.push('%');
            for half in [byte >> 4, byte & 15] {
                encoded.push(DIGITS[usize::from(half)].into());
            }
        }
    }
    encoded
}
