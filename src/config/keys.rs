//! The options `apiKeys` and `signatures`, and which of them a resource takes.

use super::{
    credential::{
        Answers, COMPONENTS, Component, EXPIRES_IN_S, Key, LABEL, Profile, Usage, header_problem,
    },
    options::{API_KEY, SIGNATURE},
    reader::Reader,
    scalars,
};
use crate::{
    error::inert,
    url::{ParseUrl, ParsedUrl},
};

/// Every key that the options name.
pub(super) fn keys(from: &Reader<'_>, page: &ParsedUrl, urls: &dyn ParseUrl) -> Vec<Key> {
    let mut keys = Vec::new();
    let mut add = |kind: &str, name: &str, from: &Reader<'_>, usage: Usage| {
        let name = [kind, name].concat();
        keys.push(Key {
            name,
            endpoint: scalars::redirect_uri(from, "endpoint", page, urls),
            usage,
        });
    };
    for (name, from) in from.named("apiKeys", API_KEY) {
        add("apiKey:", name, &from, api_key(&from));
    }
    for (name, from) in from.named("signatures", SIGNATURE) {
        add("signature:", name, &from, Usage::Signature(signature(&from)));
    }
    keys
}

/// Which of them a resource takes; `None` for the access token.
pub(super) fn of(resource: &Reader<'_>, keys: &[Key]) -> Option<String> {
    let wanted = resource.text("credential").filter(|wanted| *wanted != "bearer")?;
    if !keys.iter().any(|key| key.name == wanted) {
        let problem = "must be \"bearer\", or \"apiKey:…\" or \"signature:…\" with a name that is in \
                       `apiKeys` or `signatures`";
        resource.problem("credential", problem);
    }
    Some(wanted.to_owned())
}

fn api_key(from: &Reader<'_>) -> Usage {
    let header = from.text("header").unwrap_or("X-API-Key");
    if let Some(problem) = header_problem(header) {
        from.problem("header", problem);
    }
    let prefix = printable(from, "prefix").unwrap_or_default();
    Usage::ApiKey { header: header.to_owned(), prefix }
}

fn signature(from: &Reader<'_>) -> Profile {
    let given = from.texts("components");
    let mut components: Vec<Component> = Vec::new();
    for text in given.as_deref().unwrap_or(COMPONENTS) {
        let problem = match Component::read(text) {
            Ok(component) if components.contains(&component) => "is named twice (RFC 9421, 2)",
            Ok(component) => {
                components.push(component);
                continue;
            }
            Err(problem) => problem,
        };
        from.problem(&["components: ", &inert(text, 64)].concat(), problem);
    }
    if components.is_empty() && given.is_some_and(|given| given.is_empty()) {
        from.problem("components", "is empty, so anybody could send the signature with anything");
    }
    let expires_in_s = from.number("expiresInS").unwrap_or(EXPIRES_IN_S);
    if !(1..=86_400).contains(&expires_in_s) {
        from.problem("expiresInS", "must be from 1 to 86400 seconds");
    }
    let label = from.text("label").unwrap_or(LABEL);
    let is_one = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-');
    if !label.starts_with(|c: char| c.is_ascii_lowercase()) || !label.bytes().all(is_one) {
        from.problem(
            "label",
            "must be like \"sig1\": a lower-case letter, then letters and digits",
        );
    }
    let answers = match from.text("responses") {
        None => Answers::Unsigned,
        Some("signed") => Answers::Signed,
        Some("bound") => Answers::Bound,
        Some(_) => {
            from.problem("responses", "must be \"signed\" or \"bound\"");
            Answers::Bound
        }
    };
    Profile {
        key_id: printable(from, "keyId").unwrap_or_default(),
        components,
        tag: printable(from, "tag"),
        expires_in_s,
        label: label.to_owned(),
        answers,
    }
}

fn printable(from: &Reader<'_>, name: &str) -> Option<String> {
    let text = from.text(name)?;
    if text.is_empty() && name != "prefix"
        || text.len() > 256
        || !text.bytes().all(|b| matches!(b, b' '..=b'~'))
    {
        from.problem(name, "must be printable ASCII, of at most 256 characters");
    }
    Some(text.to_owned())
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;
