//! HTTP Message Signatures (RFC 9421): what is signed, and how a signature is written. It computes none
//! and knows no key.

use super::structured::{Bare, bare, parameter};
use crate::{
    clock::UnixMillis,
    config::credential::{CONTENT_DIGEST, Component, Profile},
    error::{AuthError, Code, Phase, inert},
    url::ParsedUrl,
};

/// The only algorithm (RFC 9421, 3.3.3): the key is a shared secret.
const ALGORITHM: &str = "hmac-sha256";

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
    /// A response's status.
    Response(u16),
}

/// What is to be signed for a request, and the header fields that go with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The signature base: these bytes are signed.
    pub base: String,
    parameters: String,
    digest: Option<String>,
}

/// Whether the signature covers the digest of the content, also of none.
#[must_use]
pub fn covers_content(profile: &Profile, has_body: bool) -> bool {
    has_body || profile.components.iter().any(|component| component.name == CONTENT_DIGEST)
}

/// What is to be signed for a request. `content` is the SHA-256 of its body where [`covers_content`];
/// `request_invalid` where the request lacks what the signature is to cover.
pub fn draft(
    profile: &Profile,
    (method, url, headers): (&str, &ParsedUrl, &[(String, String)]),
    content: Option<&[u8]>,
    server_now: UnixMillis,
    nonce: &str,
) -> Result<Draft, AuthError> {
    let (mut fields, mut components) = (headers.to_vec(), profile.components.clone());
    let mut digest = None;
    if let Some(content) = content {
        // RFC 9530, 2.
        let mut value = "sha-256=".to_owned();
        let _ = bare(&mut value, Bare::Bytes(content));
        fields.push((CONTENT_DIGEST.to_owned(), value.clone()));
        digest = Some(value);
        if !components.iter().any(|component| component.name == CONTENT_DIGEST) {
            components.push(Component { name: CONTENT_DIGEST.to_owned(), parameter: None });
        }
    }
    let created = server_now.0.div_euclid(1000);
    let expires = created.saturating_add(profile.expires_in_s.into());
    let given = [
        ("created", Some(Bare::Integer(created))),
        ("expires", Some(Bare::Integer(expires))),
        ("nonce", Some(Bare::String(nonce))),
        ("alg", Some(Bare::String(ALGORITHM))),
        ("keyid", Some(Bare::String(&profile.key_id))),
        ("tag", profile.tag.as_deref().map(Bare::String)),
    ];
    let parameters = signature_params(&components, &given)
        .ok_or_else(|| invalid("a signature's `keyId`, `tag` or `nonce` is not printable ASCII"))?;
    let message = Message { start: Start::Request(method, url), fields: &fields };
    let base = signature_base(&message, &components, &parameters)?;
    Ok(Draft { base, parameters, digest })
}

impl Draft {
    /// The header fields of the signed request: one label in both (RFC 9421, 4).
    #[must_use]
    pub fn headers(self, label: &str, signature: &[u8]) -> Vec<(&'static str, String)> {
        let mut value = [label, "="].concat();
        let _ = bare(&mut value, Bare::Bytes(signature));
        let input = [label, "=", &self.parameters].concat();
        let digest = self.digest.map(|digest| (CONTENT_DIGEST, digest));
        digest.into_iter().chain([("signature-input", input), ("signature", value)]).collect()
    }
}

/// The header fields that a signed request gets, and that a caller must not have set.
#[must_use]
pub fn is_ours(field: &str) -> bool {
    ["signature", "signature-input", CONTENT_DIGEST].contains(&field)
}

/// `@signature-params` (RFC 9421, 2.3): what is covered and what is said beside, in this order; `None`
/// where a value has no such form.
#[must_use]
pub fn signature_params(
    components: &[Component],
    parameters: &[(&str, Option<Bare<'_>>)],
) -> Option<String> {
    let mut text = "(".to_owned();
    for (at, component) in components.iter().enumerate() {
        if at > 0 {
            text.push(' ');
        }
        identifier(&mut text, component)?;
    }
    text.push(')');
    for (key, value) in parameters {
        if let Some(value) = value {
            parameter(&mut text, key, *value)?;
        }
    }
    Some(text)
}

/// The signature base (RFC 9421, 2.5). `request_invalid` where a component is named twice, or the message
/// does not have it, or not in a form that every reader takes alike.
pub fn signature_base(
    message: &Message<'_>,
    components: &[Component],
    parameters: &str,
) -> Result<String, AuthError> {
    let mut base = String::new();
    for (at, component) in components.iter().enumerate() {
        let flaw = |problem: &str| {
            let name = inert(&component.name, 64);
            invalid([COVERS, &name, "`, which ", problem, ", so nothing was sent"].concat())
        };
        if components.iter().take(at).any(|other| other == component) {
            return Err(flaw("is named twice"));
        }
        let value =
            value(message, component).ok_or_else(|| flaw("the message has not, or twice"))?;
        if !value.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) {
            return Err(flaw("is not plain ASCII in one line"));
        }
        identifier(&mut base, component).ok_or_else(|| flaw("is no component"))?;
        base.push_str(": ");
        base.push_str(&value);
        base.push('\n');
    }
    base.push_str("\"@signature-params\": ");
    base.push_str(parameters);
    Ok(base)
}

const COVERS: &str = "the signature covers `";

fn identifier(to: &mut String, component: &Component) -> Option<()> {
    bare(to, Bare::String(&component.name))?;
    match &component.parameter {
        Some(name) => parameter(to, "name", Bare::String(name)),
        None => Some(()),
    }
}

/// A component's value (RFC 9421, 2.1 and 2.2); `None` where the message does not have it, or where it is
/// ambiguous.
fn value(message: &Message<'_>, component: &Component) -> Option<String> {
    if !component.name.starts_with('@') {
        let is_it = |field: &&(String, String)| field.0.eq_ignore_ascii_case(&component.name);
        let values: Vec<_> = message.fields.iter().filter(is_it).map(|(_, v)| trim(v)).collect();
        return (!values.is_empty()).then(|| values.join(", "));
    }
    let (method, url) = match message.start {
        Start::Request(method, url) => (method, url),
        Start::Response(status) => {
            let is_status = component.name == "@status";
            return is_status.then(|| crate::json::decimal(status.into()));
        }
    };
    // Of what will be fetched: the fragment stays in the browser.
    let target = url.href.split('#').next().unwrap_or_default();
    Some(match &*component.name {
        "@method" => method.to_owned(),
        "@target-uri" => target.to_owned(),
        // In lower case, without a default port: so the parser writes it.
        "@authority" => url.origin.split_once("://")?.1.to_owned(),
        "@scheme" => url.protocol.trim_end_matches(':').to_owned(),
        "@request-target" => target.get(url.origin.len()..)?.to_owned(),
        "@path" => url.pathname.clone(),
        "@query" => ["?", url.search.strip_prefix('?').unwrap_or_default()].concat(),
        "@query-param" => {
            let wanted = component.parameter.as_deref()?;
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

/// Its content is not there when it would have to be signed.
#[must_use]
pub fn not_coverable() -> AuthError {
    invalid(
        "nothing was sent: the signature covers the body (`content-digest`), so a stream of over 1 MiB \
         cannot be signed: pass a `Blob` or an `ArrayBuffer` as `body`",
    )
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> AuthError {
    AuthError::new(Code::RequestInvalid, Phase::Fetch, message)
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;
