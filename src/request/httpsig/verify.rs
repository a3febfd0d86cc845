//! Whether an answer is signed as the configuration wants it (RFC 9421, 3.2): by the key that signed the
//! request, lately, over its status and its content. It computes nothing itself.
//!
//! The key is shared, so what the resource signs must be no request's: no request has a status.

use super::{
    ALGORITHM, INPUT, Message, SIGNATURE, Start,
    base::{Flaw, Identifier, MISSING, signature_base},
};
use crate::{
    clock::UnixMillis,
    config::credential::{Answers, CONTENT_DIGEST, Profile},
    error::{AuthError, Code, Phase, inert},
    json,
    request::structured::{Bare, Dictionary, Item, Member, Parameters, Value, get, parse, write},
};

/// The longest body that is kept to be verified, in bytes.
pub const LONGEST: u32 = 16 * 1024 * 1024;

/// The longest header field that is read.
const FIELD: usize = 16 * 1024;

/// What is borne beside, in seconds: clocks differ, and answers take their time.
const LEEWAY: i64 = 60;

/// The member of `Content-Digest` that counts.
const SHA_256: &str = "sha-256";

/// What is left to be checked of an answer whose head is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The signature base.
    pub base: String,
    /// What must be its HMAC.
    pub signature: Vec<u8>,
    digest: Option<Vec<u8>>,
    status: u16,
}

/// What there is to check of an answer, by its head; `response_signature_invalid` where that is wrong.
pub fn check(
    profile: &Profile,
    (status, fields): (u16, &[(String, String)]),
    request: &Message<'_>,
    server_now: UnixMillis,
) -> Result<Check, AuthError> {
    let answer = Message { start: Start::Response(status, request), fields };
    of(profile, status, &answer, server_now.0.div_euclid(1000)).map_err(|p| refused(status, &p))
}

fn of(profile: &Profile, status: u16, answer: &Message<'_>, now: i64) -> Result<Check, String> {
    let (inputs, signatures) = (dictionary(answer, INPUT)?, dictionary(answer, SIGNATURE)?);
    let (label, input, covered) =
        ours(profile, &inputs).ok_or("none of its signatures has our key's `keyid`")?;
    let Some(Member { value: Value::Bare(Bare::Bytes(signature)), .. }) = get(&signatures, label)
    else {
        return Err("its `Signature-Input` has no `Signature` beside it".to_owned());
    };
    is_timely(profile, &input.parameters, now)?;
    let identifiers: Vec<_> = covered.iter().filter_map(Identifier::read).collect();
    let covers = |name: &str, of_request: bool, key: &str| {
        let is_it = |it: &Identifier<'_>| it.name == name && it.of_request == of_request;
        identifiers.iter().any(|it| is_it(it) && it.key.is_none_or(|it| it == key))
    };
    if !covers("@status", false, "") {
        return Err("its signature does not cover `@status`".to_owned());
    }
    if profile.answers == Answers::Bound && !covers(SIGNATURE, true, &profile.label) {
        let it = ["`\"signature\";req;key=\"", &profile.label, "\"`"].concat();
        return Err(["its signature does not cover the request's, ", &it].concat());
    }
    let is_digest = |it: &Identifier<'_>| it.name == CONTENT_DIGEST && !it.of_request;
    let digest = if covers(CONTENT_DIGEST, false, SHA_256) {
        Some(digest(answer)?)
    } else if identifiers.iter().any(is_digest) {
        // There was a content, of which nothing may be taken away.
        return Err(UNDIGESTED.to_owned());
    } else {
        None
    };
    let mut parameters = String::new();
    write::member(&mut parameters, input).ok_or(UNREADABLE)?;
    let base = signature_base(answer, covered, &parameters).map_err(|flaw| {
        let Flaw { component, problem } = flaw;
        let advice = if problem == MISSING {
            ": where it is a header field, `Access-Control-Expose-Headers` must list it"
        } else {
            ""
        };
        let component = inert(&component, 64);
        ["its signature covers `", &component, "`, which ", problem, advice].concat()
    })?;
    Ok(Check { base, signature: signature.clone(), digest, status })
}

impl Check {
    /// Whether the content is what was signed, by its SHA-256.
    pub fn content(&self, sha256: &[u8], is_empty: bool) -> Result<(), AuthError> {
        let problem = match &self.digest {
            Some(digest) if digest == sha256 => return Ok(()),
            None if is_empty => return Ok(()),
            Some(_) => {
                "its body is not that of its `Content-Digest`: it was changed, or is sent compressed, which \
                 this cannot be checked with"
            }
            None => UNDIGESTED,
        };
        Err(refused(self.status, problem))
    }

    /// The HMAC is another one.
    #[must_use]
    pub fn forged(&self) -> AuthError {
        refused(self.status, "its signature is wrong: it was changed, or signed with another key")
    }

    /// The body is longer than [`LONGEST`].
    #[must_use]
    pub fn too_long(&self) -> AuthError {
        refused(self.status, "its body is of more than 16 MiB, which is not kept to be verified")
    }
}

const UNDIGESTED: &str = "its signature does not cover a `Content-Digest` with `sha-256`";

const UNREADABLE: &str =
    "its `Signature-Input`, `Signature` or `Content-Digest` is no dictionary (RFC 9651)";

fn dictionary(answer: &Message<'_>, field: &str) -> Result<Dictionary, String> {
    let text = answer.field(field).ok_or(
        "it has no signature that this page can see: the resource must sign its answers, and list \
         `Signature, Signature-Input, Content-Digest` in `Access-Control-Expose-Headers`",
    )?;
    let is_short = text.len() <= FIELD;
    is_short.then(|| parse::dictionary(&text)).flatten().ok_or_else(|| UNREADABLE.to_owned())
}

/// The signature that is by our key: of two the one that is called as ours are. Others are not ours to judge.
fn ours<'a>(
    profile: &Profile,
    inputs: &'a Dictionary,
) -> Option<(&'a str, &'a Member, &'a [Item])> {
    let mut found = None;
    for (label, input) in inputs {
        let Value::Inner(covered) = &input.value else { continue };
        let said = |name: &str| get(&input.parameters, name);
        let is_label = *label == profile.label;
        let is_key = said("keyid").map_or(is_label, |id| is_string(id, &profile.key_id));
        let tag = profile.tag.as_deref();
        let is_tag = said("tag").is_none_or(|it| tag.is_some_and(|tag| is_string(it, tag)));
        if is_key && is_tag && (is_label || found.is_none()) {
            found = Some((&**label, input, &**covered));
        }
    }
    found
}

fn is_string(bare: &Bare, text: &str) -> bool {
    matches!(bare, Bare::String(it) if it == text)
}

fn is_timely(profile: &Profile, said: &Parameters, now: i64) -> Result<(), &'static str> {
    if get(said, "alg").is_some_and(|alg| !is_string(alg, ALGORITHM)) {
        return Err("its signature's `alg` is not `hmac-sha256`");
    }
    let Some(Bare::Integer(created)) = get(said, "created") else {
        return Err("its signature does not say when it was `created`");
    };
    let expires = match get(said, "expires") {
        Some(Bare::Integer(expires)) => *expires,
        None => created + i64::from(profile.expires_in_s),
        Some(_) => return Err("its signature's `expires` is no time"),
    };
    // A clock may be wrong by as much as the request's own signature bears.
    let ahead = created - now - i64::from(profile.expires_in_s);
    if ahead > LEEWAY || now - expires > LEEWAY {
        return Err("its signature is not of this time: it has expired, or a clock is wrong");
    }
    Ok(())
}

/// The SHA-256 in `Content-Digest` (RFC 9530, 2).
fn digest(answer: &Message<'_>) -> Result<Vec<u8>, String> {
    match get(&dictionary(answer, CONTENT_DIGEST)?, SHA_256) {
        Some(Member { value: Value::Bare(Bare::Bytes(digest)), .. }) => Ok(digest.clone()),
        _ => Err(UNDIGESTED.to_owned()),
    }
}

fn refused(status: u16, problem: &str) -> AuthError {
    let status = json::decimal(status.into());
    let message = ["the answer (status ", &status, ") was not handed out: ", problem].concat();
    AuthError::new(Code::ResponseSignatureInvalid, Phase::Fetch, message)
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;
