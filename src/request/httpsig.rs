//! HTTP Message Signatures (RFC 9421): what is signed of a request, how a signature is written, and
//! ([`verify`]) what makes one of an answer good. It computes none and knows no key.

pub mod address;
pub mod base;
pub mod verify;

pub use base::{Message, Start, signature_base};

use super::structured::{Bare, Item, write};
use crate::{
    clock::UnixMillis,
    config::credential::{CONTENT_DIGEST, Component, Profile},
    error::{AuthError, Code, Phase, inert},
    url::ParsedUrl,
};

/// The only algorithm (RFC 9421, 3.3.3): the key is a shared secret.
const ALGORITHM: &str = "hmac-sha256";

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
    let mut fields = headers.to_vec();
    let mut covered: Vec<_> = profile.components.iter().map(item).collect();
    let mut digest = None;
    if let Some(content) = content {
        // RFC 9530, 2.
        let mut value = "sha-256=".to_owned();
        let _ = write::bare(&mut value, &Bare::Bytes(content.to_vec()));
        fields.push((CONTENT_DIGEST.to_owned(), value.clone()));
        digest = Some(value);
        if !profile.components.iter().any(|component| component.name == CONTENT_DIGEST) {
            let whole = Component { name: CONTENT_DIGEST.to_owned(), parameter: None };
            covered.push(item(&whole));
        }
    }
    let created = server_now.0.div_euclid(1000);
    let expires = created.saturating_add(profile.expires_in_s.into());
    let string = |text: &str| Bare::String(text.to_owned());
    let mut said = Vec::new();
    let mut say = |key: &str, value| said.push((key.to_owned(), value));
    say("created", Bare::Integer(created));
    say("expires", Bare::Integer(expires));
    say("nonce", string(nonce));
    say("alg", string(ALGORITHM));
    say("keyid", string(&profile.key_id));
    if let Some(tag) = &profile.tag {
        say("tag", string(tag));
    }
    let mut parameters = String::new();
    // RFC 9421, 2.3.
    write::inner(&mut parameters, &covered)
        .and_then(|()| write::parameters(&mut parameters, &said))
        .ok_or_else(|| invalid("a signature's `keyId`, `tag` or `nonce` is not printable ASCII"))?;
    let message = Message { start: Start::Request(method, url), fields: &fields };
    let base = signature_base(&message, &covered, &parameters).map_err(|flaw| {
        let component = inert(&flaw.component, 64);
        let words = ["the signature covers `", &component, "`, which ", flaw.problem];
        invalid([&words.concat(), ", so nothing was sent"].concat())
    })?;
    Ok(Draft { base, parameters, digest })
}

impl Draft {
    /// The header fields of the signed request: one label in both (RFC 9421, 4).
    #[must_use]
    pub fn headers(self, label: &str, signature: &[u8]) -> Vec<(&'static str, String)> {
        let mut value = [label, "="].concat();
        let _ = write::bare(&mut value, &Bare::Bytes(signature.to_vec()));
        let input = [label, "=", &self.parameters].concat();
        let digest = self.digest.map(|digest| (CONTENT_DIGEST, digest));
        digest.into_iter().chain([(INPUT, input), (SIGNATURE, value)]).collect()
    }
}

const SIGNATURE: &str = "signature";
const INPUT: &str = "signature-input";

/// The header fields that a signed request gets, and that a caller must not have set.
#[must_use]
pub fn is_ours(field: &str) -> bool {
    [SIGNATURE, INPUT, CONTENT_DIGEST].contains(&field)
}

fn item(component: &Component) -> Item {
    let name = component.parameter.as_deref();
    let name = name.map(|name| ("name".to_owned(), Bare::String(name.to_owned())));
    Item { bare: Bare::String(component.name.clone()), parameters: name.into_iter().collect() }
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
