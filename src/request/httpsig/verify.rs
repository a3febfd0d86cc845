//! Whether an answer is signed as the configuration wants it (RFC 9421, 3.2): by the key that signed the
//! request, lately, over its status and its content. It computes nothing itself.
//!
//! The key is shared, so what the resource signs must be no request's: no request has a status.

use sha2::{Digest, Sha256};

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
pub const LONGEST: usize = 4 * 1024 * 1024;

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
    of(profile, status, &answer, server_now.0.div_euclid(1000))
        .map_err(|flaw| refused(status, flaw))
}

fn of(profile: &Profile, status: u16, answer: &Message<'_>, now: i64) -> Result<Check, Flaw> {
    let (inputs, signatures) = (dictionary(answer, INPUT)?, dictionary(answer, SIGNATURE)?);
    let (label, input, covered) =
        ours(profile, &inputs).ok_or("none of its signatures has our `keyid`")?;
    let signature =
        bytes(&signatures, label).ok_or("its `Signature-Input` has no `Signature` beside it")?;
    is_timely(profile, &input.parameters, now)?;
    if !covers(covered, "@status", false, None) {
        return Err("its signature does not cover `@status`".into());
    }
    if profile.answers == Answers::Bound && !covers(covered, SIGNATURE, true, Some(&profile.label))
    {
        return Err("its signature does not cover the request's, `\"signature\";req`".into());
    }
    // Where something of the content is covered there was one, of which nothing may be taken away.
    let digest = if covers(covered, CONTENT_DIGEST, false, None) {
        let digests = dictionary(answer, CONTENT_DIGEST)?;
        let digest = bytes(&digests, SHA_256);
        Some(
            digest
                .filter(|_| covers(covered, CONTENT_DIGEST, false, Some(SHA_256)))
                .ok_or(UNDIGESTED)?,
        )
    } else {
        None
    };
    let mut parameters = String::new();
    write::member(&mut parameters, input).ok_or(UNREADABLE)?;
    let base = signature_base(answer, covered, &parameters).map_err(|flaw| {
        let component = inert(&flaw.component, 64);
        let component = ["its signature covers `", &component, "`, which "].concat();
        Flaw { component, problem: if flaw.problem == MISSING { HIDDEN } else { flaw.problem } }
    })?;
    Ok(Check { base, signature, digest, status })
}

impl Check {
    /// Whether the content is what was signed.
    pub fn content(&self, content: &[u8]) -> Result<(), AuthError> {
        match &self.digest {
            Some(digest) if **digest == *Sha256::digest(content) => Ok(()),
            None if content.is_empty() => Ok(()),
            Some(_) => {
                Err(self
                    .refused("its body is not that of its `Content-Digest`, or is sent compressed"))
            }
            None => Err(self.refused(UNDIGESTED)),
        }
    }

    /// The HMAC is another one.
    #[must_use]
    pub fn forged(&self) -> AuthError {
        self.refused("its signature is wrong")
    }

    /// The body is longer than [`LONGEST`].
    #[must_use]
    pub fn too_long(&self) -> AuthError {
        self.refused("its body is longer than 4 MiB")
    }

    fn refused(&self, problem: &'static str) -> AuthError {
        refused(self.status, problem.into())
    }
}

const UNDIGESTED: &str = "its signature does not cover a `Content-Digest` with `sha-256`";

const UNREADABLE: &str = "its header fields of the signature are no dictionaries (RFC 9651)";

const UNSIGNED: &str = "it has no signature that this page can see: the resource must sign it, and list \
                        `Signature, Signature-Input, Content-Digest` in `Access-Control-Expose-Headers`";

const HIDDEN: &str = "is not there: `Access-Control-Expose-Headers` must list header fields";

impl From<&'static str> for Flaw {
    fn from(problem: &'static str) -> Self {
        Self { component: String::new(), problem }
    }
}

fn dictionary(answer: &Message<'_>, field: &str) -> Result<Dictionary, &'static str> {
    let text = answer.field(field).ok_or(UNSIGNED)?;
    let text = Some(text).filter(|text| text.len() <= FIELD);
    text.and_then(|text| parse::dictionary(&text)).ok_or(UNREADABLE)
}

/// The byte sequence of that name.
fn bytes(dictionary: &Dictionary, key: &str) -> Option<Vec<u8>> {
    match &get(dictionary, key)?.value {
        Value::Bare(Bare::Bytes(bytes)) => Some(bytes.clone()),
        _ => None,
    }
}

/// Whether that is covered, of the answer or of its request: whole, or the member `key` of it; some of it at
/// all where there is none.
fn covers(covered: &[Item], name: &str, of_request: bool, key: Option<&str>) -> bool {
    covered.iter().filter_map(Identifier::read).any(|it| {
        let is_it = it.name == name && it.of_request == of_request;
        is_it && (key.is_none() || it.key.is_none() || it.key == key)
    })
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
        return Err("its signature does not say when it was `created`, or `expires`");
    };
    let expires = match get(said, "expires") {
        Some(Bare::Integer(expires)) => *expires,
        None => created + i64::from(profile.expires_in_s),
        Some(_) => return Err("its signature does not say when it was `created`, or `expires`"),
    };
    // A clock may be wrong by as much as the request's own signature bears.
    let ahead = created - now - i64::from(profile.expires_in_s);
    if ahead > LEEWAY || now - expires > LEEWAY {
        return Err("its signature is not of this time");
    }
    Ok(())
}

fn refused(status: u16, Flaw { component, problem }: Flaw) -> AuthError {
    let status = json::decimal(status.into());
    let start = ["the answer (status ", &status, ") was not handed out: "].concat();
    let message = [start, component, problem.to_owned()].concat();
    AuthError::new(Code::ResponseSignatureInvalid, Phase::Fetch, message)
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;
