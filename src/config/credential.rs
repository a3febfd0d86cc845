//! What a resource may take in place of an access token: API keys and signatures (RFC 9421), by the names
//! that the configuration gives them; and what may be written into, or covered of, a request that a browser
//! sends. It must not know the keys themselves.

/// A credential whose key is handed in, and is nobody's session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// How resources name it: `apiKey:billing`, `signature:billing`.
    pub name: String,
    /// Where the vault fetches the key; `None` where only the page hands it in.
    pub endpoint: Option<String>,
    /// What is done with the key.
    pub usage: Usage,
}

impl Key {
    /// An API key that is written into `header` as it is.
    #[must_use]
    pub fn api_key(name: &str, header: &str) -> Self {
        let usage = Usage::ApiKey { header: header.to_owned(), prefix: String::new() };
        Self { name: ["apiKey:", name].concat(), endpoint: None, usage }
    }

    /// A key that signs requests, which servers find by `key_id`: method, authority, path, query and body,
    /// for five minutes.
    #[must_use]
    pub fn signature(name: &str, key_id: &str) -> Self {
        let derived = |name: &&str| Component { name: (*name).to_owned(), parameter: None };
        let usage = Usage::Signature(Profile {
            key_id: key_id.to_owned(),
            components: COMPONENTS.iter().map(derived).collect(),
            tag: None,
            expires_in_s: EXPIRES_IN_S,
            label: LABEL.to_owned(),
            answers: Answers::Unsigned,
        });
        Self { name: ["signature:", name].concat(), endpoint: None, usage }
    }

    /// The same, where answers must be signed, too: nothing changes for what is no signature.
    #[must_use]
    pub fn with_answers(mut self, answers: Answers) -> Self {
        if let Usage::Signature(profile) = &mut self.usage {
            profile.answers = answers;
        }
        self
    }
}

/// What is done with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Usage {
    /// It is written into a header field.
    ApiKey {
        /// The field's name.
        header: String,
        /// What stands before the key, with its own space.
        prefix: String,
    },
    /// It signs each request.
    Signature(Profile),
}

/// What a signature says and covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// `keyid`: by which the server finds the key.
    pub key_id: String,
    /// What is signed of a request, in this order. The digest of a body always is.
    pub components: Vec<Component>,
    /// `tag`: which application the signature is for.
    pub tag: Option<String>,
    /// For how long it is good, in seconds.
    pub expires_in_s: u32,
    /// The name that it has in `Signature-Input` and `Signature`.
    pub label: String,
    /// Whether answers must be signed, too, with the same key.
    pub answers: Answers,
}

/// What must be signed of an answer before a page gets it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Answers {
    /// Nothing.
    #[default]
    Unsigned,
    /// Its status and its content.
    Signed,
    /// The signature of the request that it answers, too (RFC 9421, 2.4): no answer to another one will do.
    Bound,
}

impl Answers {
    /// The option's text.
    #[must_use]
    pub const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Unsigned => None,
            Self::Signed => Some("signed"),
            Self::Bound => Some("bound"),
        }
    }
}

/// A part of a message that is signed (RFC 9421, 2): a header field, or what is derived from the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// The field's name in lower case, or the derived component's with its `@`.
    pub name: String,
    /// For `@query-param` the parameter's name, encoded as it is signed.
    pub parameter: Option<String>,
}

/// The header field with the digest of a body (RFC 9530).
pub const CONTENT_DIGEST: &str = "content-digest";

/// What is signed where the configuration does not say: what every server sees of a request, whatever stands
/// before it.
pub(super) const COMPONENTS: &[&str] = &["@method", "@authority", "@path", "@query"];

/// For how long a signature is good where the configuration does not say, in seconds: as long as clocks may
/// differ.
pub(super) const EXPIRES_IN_S: u32 = 300;

/// What a signature is called where the configuration does not say.
pub(super) const LABEL: &str = "sig1";

/// What is derived from a request (RFC 9421, 2.2), `@query-param` aside.
const DERIVED: &[&str] =
    &["@method", "@target-uri", "@authority", "@scheme", "@request-target", "@path", "@query"];

/// What a browser sets itself or leaves out without a word (Fetch, 2.2.2), so that nobody can say what will
/// be sent.
const FORBIDDEN: &[&str] = &[
    "accept-charset",
    "accept-encoding",
    "access-control-request-headers",
    "access-control-request-method",
    "access-control-request-private-network",
    "connection",
    "content-length",
    "cookie",
    "cookie2",
    "date",
    "dnt",
    "expect",
    "host",
    "keep-alive",
    "origin",
    "referer",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
];

/// What has a meaning of its own, and is no place for an API key.
const TAKEN: &[&str] = &[CONTENT_DIGEST, "content-type", "dpop", "signature", "signature-input"];

impl Component {
    /// A component as RFC 9421 writes it, less the quotes around its name: `@method`, `content-type`,
    /// `@query-param;name="id"`. What is wrong with it otherwise.
    pub fn read(text: &str) -> Result<Self, &'static str> {
        let (name, parameters) = match text.split_once(';') {
            Some((name, parameters)) => (name, Some(parameters)),
            None => (text, None),
        };
        let parameter = match (name, parameters) {
            ("@query-param", Some(parameters)) => {
                let value = parameters.strip_prefix("name=\"").and_then(|it| it.strip_suffix('"'));
                Some(value.filter(|value| is_encoded(value)).ok_or(
                    "must be `@query-param;name=\"…\"`, the name percent-encoded (RFC 9421, 2.2.8)",
                )?)
            }
            ("@query-param", None) => return Err("must say which: `@query-param;name=\"…\"`"),
            (_, Some(_)) => {
                return Err("has a parameter: none but `name` of `@query-param` is supported");
            }
            (name, None) if name.starts_with('@') => {
                if !DERIVED.contains(&name) {
                    return Err("is no component of a request that is known here (RFC 9421, 2.2)");
                }
                None
            }
            (name, None) if !is_field(name) || name.bytes().any(|b| b.is_ascii_uppercase()) => {
                return Err("must be a header's name in lower case, or a component like `@method`");
            }
            ("signature" | "signature-input" | "authorization", None) => {
                return Err("is written by the vault, after what is signed");
            }
            (name, None) if is_forbidden(name) => return Err(NOT_OURS),
            (_, None) => None,
        };
        Ok(Self { name: name.to_owned(), parameter: parameter.map(str::to_owned) })
    }

    /// The text that [`Component::read`] reads.
    #[must_use]
    pub fn to_text(&self) -> String {
        match &self.parameter {
            Some(parameter) => [&self.name, ";name=\"", parameter, "\""].concat(),
            None => self.name.clone(),
        }
    }
}

const NOT_OURS: &str = "is a header that browsers set themselves, so nothing can be said of it";

/// Why a header of this name cannot hold an API key; `None` where it can.
pub(super) fn header_problem(name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    if !is_field(name) {
        Some("must be a header's name, like \"X-API-Key\"")
    } else if is_forbidden(&lower) {
        Some(NOT_OURS)
    } else if TAKEN.contains(&&*lower) {
        Some("is a header with a meaning of its own")
    } else {
        None
    }
}

/// A token (RFC 9110, 5.6.2): what a header can be called.
fn is_field(name: &str) -> bool {
    let is_one = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.len() <= 128 && name.bytes().all(is_one)
}

fn is_forbidden(name: &str) -> bool {
    FORBIDDEN.contains(&name) || name.starts_with("proxy-") || name.starts_with("sec-")
}

/// What is left of a name when it is percent-encoded (URL standard, the
/// `application/x-www-form-urlencoded` percent-encode set).
fn is_encoded(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"*-._%".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hs3_a_component_is_known_or_refused() {
        for name in DERIVED.iter().chain(&["content-type", "x-b3", "content-digest"]) {
            let component = Component { name: (*name).to_owned(), parameter: None };
            assert_eq!(component.to_text(), *name);
            assert_eq!(Component::read(name), Ok(component));
        }
        let query = Component::read("@query-param;name=\"a%20b\"").unwrap();
        assert_eq!(
            (query.name.as_str(), query.parameter.as_deref()),
            ("@query-param", Some("a%20b"))
        );
        for refused in [
            "",
            "@",
            "@signature-params",
            "@status",
            "@methods",
            "@METHOD",
            "Content-Type",
            "a b",
            "x\n",
            "\"@method\"",
            "@query-param",
            "@query-param;name=a",
            "@query-param;name=\"a b\"",
            "@query-param;name=\"a\"b\"",
            "@query-param;name=\"a\";req",
            "@method;req",
            "content-type;sf",
            "x;key=\"a\"",
            "x;bs",
            "x;tr",
            "signature",
            "signature-input",
            "authorization",
        ] {
            assert!(Component::read(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn hs11_what_a_browser_sets_itself_is_never_covered() {
        for name in FORBIDDEN.iter().chain(&["proxy-authorization", "sec-fetch-mode"]) {
            assert_eq!(Component::read(name), Err(NOT_OURS), "{name}");
            assert_eq!(header_problem(&name.to_ascii_uppercase()), Some(NOT_OURS), "{name}");
        }
    }

    #[test]
    fn ak1_a_key_has_a_header_of_its_own() {
        for name in ["X-API-Key", "authorization", "Ocp-Apim-Subscription-Key", "apikey"] {
            assert_eq!(header_problem(name), None, "{name}");
        }
        for name in ["", "a b", "a:", "Ä", "Signature", "DPoP", "content-type"] {
            assert!(header_problem(name).is_some(), "{name}");
        }
    }
}
