//! One ID token's way to be believed: the key that its issuer published, its signature, the hashes of
//! what came beside it. A machine without IO: it says what is wanted next, and hears what came of it.

use std::rc::Rc;

use super::{
    algorithm::{Algorithm, Algorithms, Hash},
    compact, hash, id_token,
    jwks::{Jwk, KeySet},
    verify::{self, Check, Verdict},
};
use crate::{
    error::{AuthError, Code, Phase},
    json::JsonError,
    secret::Secret,
};

/// A token that is being verified. Tell it what came of each step, and it says the next.
#[derive(Debug)]
pub struct Verification {
    token: Rc<Secret>,
    allowed: Algorithms,
    /// What came beside it, by the claims that may name its hash.
    beside: Vec<(&'static str, Rc<Secret>)>,
    /// The set of the latest check, and what was checked.
    keys: Option<Rc<KeySet>>,
    checked: Option<(Algorithm, Rc<Jwk>)>,
    /// Whether no newer set would help.
    is_last: bool,
}

/// What a verification wants next.
#[derive(Debug)]
pub enum Step {
    /// The issuer's keys: others than these, where some are given.
    Keys(Option<Rc<KeySet>>),
    /// Whether this signature is good.
    Check(Check),
    /// This digest.
    Digest(Hash, Rc<Secret>),
    /// Nothing more.
    Done(Result<(), Doubt>),
}

/// Why a token is not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// It is not what it says.
    Wrong(AuthError),
    /// It cannot be verified now: its key is not to be had, or this browser cannot use it.
    Unproven(AuthError),
}

/// The browser lacks the algorithm, or does not take the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsupported;

const BAD: &str = "has a signature that is not its issuer's: somebody changed it, or made it up";

const OF_ANOTHER: &str = "belongs to another access token or code (`at_hash`, `c_hash`)";

impl Verification {
    /// A verification of `token`, by one of the algorithms that are allowed. It came beside this access
    /// token, and for this code. Its first step is `Step::Keys(None)`.
    #[must_use]
    pub fn new(
        token: Rc<Secret>,
        allowed: Algorithms,
        access_token: Rc<Secret>,
        code: Option<Rc<Secret>>,
    ) -> Self {
        let mut beside = vec![("at_hash", access_token)];
        beside.extend(code.map(|code| ("c_hash", code)));
        Self { beside, ..Self::alone(token, allowed) }
    }

    /// A verification of a token that came with nothing whose hash it could name.
    #[must_use]
    pub fn alone(token: Rc<Secret>, allowed: Algorithms) -> Self {
        Self { token, allowed, beside: Vec::new(), keys: None, checked: None, is_last: false }
    }

    /// The keys are there, or are not to be had. A set that was fetched since the token came
    /// (`is_new`) has its key, if any has.
    pub fn keys(&mut self, keys: Result<Rc<KeySet>, AuthError>, is_new: bool) -> Step {
        let keys = match keys {
            Ok(keys) => keys,
            Err(error) => return Step::Done(Err(Doubt::Unproven(error))),
        };
        // exposed: to be split into its parts.
        let verdict = verify::judge(self.token.expose(), &keys, self.allowed);
        self.keys = Some(keys);
        self.is_last |= is_new;
        match verdict {
            Verdict::Check(check) => {
                self.checked = Some((check.algorithm, Rc::clone(&check.jwk)));
                // A key without a name may have been replaced by another.
                self.is_last |= check.is_named;
                Step::Check(check)
            }
            Verdict::Refused(why) => wrong(why),
            Verdict::Unknown => self.newer().unwrap_or_else(|| {
                Step::Done(Err(Doubt::Unproven(id_token::invalid(
                    "is signed with a key that the provider does not publish at its `jwks_uri`",
                ))))
            }),
        }
    }

    /// The signature is good or not, or the browser cannot say.
    pub fn checked(&mut self, outcome: Result<bool, Unsupported>) -> Step {
        match (outcome, &self.keys, &self.checked) {
            (Ok(true), Some(keys), Some((algorithm, jwk))) => {
                keys.settle(jwk, *algorithm);
                self.next_hash()
            }
            (Err(Unsupported), ..) => Step::Done(Err(Doubt::Unproven(unsupported()))),
            _ => self.newer().unwrap_or_else(|| wrong(BAD)),
        }
    }

    /// The digest that was asked for.
    pub fn digested(&mut self, digest: &[u8]) -> Step {
        let claimed = self.beside.pop().map(|(claim, _)| self.claimed(claim));
        // exposed: a hash.
        let is_its = |value: &Secret| hash::is_left_half(value.expose(), digest);
        if matches!(claimed, Some(Ok(Some(value))) if is_its(&value)) {
            self.next_hash()
        } else {
            wrong(OF_ANOTHER)
        }
    }

    fn next_hash(&mut self) -> Step {
        while let (Some((claim, of)), Some((algorithm, _))) = (self.beside.last(), &self.checked) {
            match self.claimed(claim) {
                Ok(None) => drop(self.beside.pop()),
                Ok(Some(_)) => return Step::Digest(algorithm.hash(), Rc::clone(of)),
                Err(_) => return wrong(OF_ANOTHER),
            }
        }
        Step::Done(Ok(()))
    }

    /// What the token claims of something beside it.
    fn claimed(&self, claim: &str) -> Result<Option<Secret>, &'static str> {
        // exposed: to be split into its parts.
        let mut token = compact::read(self.token.expose())?;
        token.payload.take_secret(claim).map_err(JsonError::as_str)
    }

    fn newer(&mut self) -> Option<Step> {
        let is_first = !core::mem::replace(&mut self.is_last, true);
        is_first.then(|| Step::Keys(self.keys.clone()))
    }
}

fn wrong(why: &'static str) -> Step {
    Step::Done(Err(Doubt::Wrong(id_token::invalid(why))))
}

fn unsupported() -> AuthError {
    AuthError::new(
        Code::AlgorithmUnsupported,
        Phase::Callback,
        "this browser cannot check the algorithm or the key that the ID token is signed with: set the \
         client's signing algorithm at the provider to RS256 or ES256",
    )
}
