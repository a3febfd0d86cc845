//! The keys of one issuer, kept: when they are asked for again, and who may use what is there. A
//! machine without IO, in whose time a fetch is one that its holder makes.

use std::rc::Rc;

use super::jwks::KeySet;
use crate::{
    clock::{Deadline, Millis, Now},
    error::{AuthError, Code, Phase},
};

/// How long a set is used before it is fetched again.
const FRESH: Millis = Millis::from_secs(60 * 60);
/// How long it is used where it cannot be fetched again: the keys of an issuer outlive its outages.
const STALE: Millis = Millis::from_secs(24 * 60 * 60);
/// How long after a fetch for the sake of a key that was not in the set none is made for another's. However
/// many tokens name keys that nobody has, the issuer is asked once in that time.
const PAUSE: Millis = Millis::from_secs(60);

/// An issuer's keys.
#[derive(Debug, Default)]
pub struct Keys {
    held: Option<Held>,
    /// Whether a fetch is under way.
    is_fetching: bool,
    /// After a fetch for a key that was not there: when there may be another.
    paused: Option<Deadline>,
    /// Why the latest fetch failed, and until when none is made where there still is a set.
    failed: Option<(AuthError, Deadline)>,
}

#[derive(Debug)]
struct Held {
    /// Where they are from: keys of another address are another issuer's (RFC 8725, 3.8).
    uri: String,
    keys: Rc<KeySet>,
    fresh: Deadline,
    stale: Deadline,
}

/// What becomes of a wish for keys.
#[derive(Debug)]
pub enum Wanted {
    /// Here they are.
    Keys(Rc<KeySet>),
    /// They are to be fetched: tell `fetched`, then ask `answer`.
    Fetch,
    /// They are being fetched: then ask `answer`.
    Wait,
    /// There are none, and none are fetched now.
    None(AuthError),
}

impl Keys {
    /// Somebody wants the keys at `uri`: others than `beyond`, where that is given.
    pub fn wanted(&mut self, now: Now, uri: &str, beyond: Option<&Rc<KeySet>>) -> Wanted {
        self.held = self.held.take().filter(|held| held.uri == uri);
        if self.is_fetching {
            return Wanted::Wait;
        }
        let is_due = |deadline: &Deadline| deadline.is_due(now);
        match (&self.held, &self.failed) {
            (Some(held), _) if is_beyond(&held.keys, beyond) => {
                let is_excused = self.failed.as_ref().is_some_and(|(_, until)| !is_due(until));
                if !is_due(&held.fresh) || (is_excused && !is_due(&held.stale)) {
                    return Wanted::Keys(Rc::clone(&held.keys));
                }
            }
            (Some(_), _) => {
                if let Some(paused) = self.paused.filter(|paused| !is_due(paused)) {
                    return Wanted::None(self.why(paused.remaining(now)));
                }
                self.paused = Some(now.after(PAUSE));
            }
            (None, _) => {}
        }
        self.is_fetching = true;
        Wanted::Fetch
    }

    /// A fetch ended.
    pub fn fetched(&mut self, now: Now, uri: &str, outcome: Result<KeySet, AuthError>) {
        self.is_fetching = false;
        match outcome {
            Ok(keys) => {
                let (fresh, stale) = (now.after(FRESH), now.after(STALE));
                self.held = Some(Held { uri: uri.to_owned(), keys: Rc::new(keys), fresh, stale });
                self.failed = None;
            }
            Err(error) => self.failed = Some((error, now.after(PAUSE))),
        }
    }

    /// What whoever waited for a fetch gets.
    pub fn answer(&self, now: Now, beyond: Option<&Rc<KeySet>>) -> Result<Rc<KeySet>, AuthError> {
        match &self.held {
            Some(held) if is_beyond(&held.keys, beyond) && !held.stale.is_due(now) => {
                Ok(Rc::clone(&held.keys))
            }
            _ => Err(self.why(PAUSE)),
        }
    }

    /// Why there are none now: the latest fetch failed, or is not to be repeated yet.
    fn why(&self, wait: Millis) -> AuthError {
        if let Some((error, _)) = &self.failed {
            return error.clone();
        }
        let mut error =
            unavailable("they were fetched just now, without the one that it is signed with");
        error.retry_after_ms = Some(wait);
        error
    }
}

fn is_beyond(keys: &Rc<KeySet>, beyond: Option<&Rc<KeySet>>) -> bool {
    beyond.is_none_or(|beyond| !Rc::ptr_eq(keys, beyond))
}

/// That the keys of an issuer are not to be had, and why.
#[must_use]
pub fn unavailable(why: &str) -> AuthError {
    let message = ["the ID token could not be verified, for want of the provider's keys: ", why];
    AuthError::transient(Code::KeysUnavailable, Phase::Callback, message.concat())
}

/// The same, where what was fetched is no key set; `why` ends a sentence: "it …".
#[must_use]
pub fn unreadable(why: &str) -> AuthError {
    unavailable(&["what is at its `jwks_uri` ", why].concat())
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests;
