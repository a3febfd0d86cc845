//! One key that is nobody's session: whether it is there, and when its endpoint is asked for it. A machine
//! without IO, in whose time a fetch is one that its holder makes.

use std::rc::Rc;

use super::call::Generation;
use crate::{
    error::{AuthError, Code, Phase},
    json,
    secret::Secret,
};

/// A key of whatever kind, and who may get it.
#[derive(Debug)]
pub struct KeyState<K> {
    held: Option<Rc<K>>,
    /// Counts what changes who holds what, so that an answer which comes too late is known.
    generation: Generation,
    /// The generation in which a fetch began that is under way.
    fetching: Option<Generation>,
    /// Why the latest fetch failed.
    failed: Option<AuthError>,
}

impl<K> Default for KeyState<K> {
    fn default() -> Self {
        Self { held: None, generation: 0, fetching: None, failed: None }
    }
}

/// What becomes of a wish for a key.
#[derive(Debug)]
pub enum Wanted<K> {
    /// Here it is, and its number.
    Key(Rc<K>, Generation),
    /// It is to be fetched: tell `fetched`, then ask `answer`.
    Fetch,
    /// It is being fetched: then ask `answer`.
    Wait,
    /// There is none.
    None(AuthError),
}

impl<K> KeyState<K> {
    /// A request wants the key: a later one than `beyond`, which its resource refused, where that is given.
    pub fn wanted(&mut self, beyond: Option<Generation>, has_endpoint: bool) -> Wanted<K> {
        match self.answer(beyond) {
            Ok((key, generation)) => Wanted::Key(key, generation),
            Err(_) if self.fetching == Some(self.generation) => Wanted::Wait,
            Err(_) if has_endpoint => {
                self.fetching = Some(self.generation);
                self.failed = None;
                Wanted::Fetch
            }
            Err(error) => Wanted::None(error),
        }
    }

    /// A page handed a key in, or wants it forgotten.
    pub fn set(&mut self, key: Option<K>) {
        self.held = key.map(Rc::new);
        self.generation += 1;
        self.failed = None;
    }

    /// The fetch that was begun as the key had this number ended. What was handed in or forgotten meanwhile
    /// stands.
    pub fn fetched(&mut self, began: Generation, outcome: Result<K, AuthError>) {
        if self.fetching == Some(began) {
            self.fetching = None;
        }
        if began == self.generation {
            match outcome {
                Ok(key) => self.set(Some(key)),
                Err(error) => self.failed = Some(error),
            }
        }
    }

    /// The number of what is there now.
    #[must_use]
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// What whoever waited for a fetch gets.
    pub fn answer(&self, beyond: Option<Generation>) -> Result<(Rc<K>, Generation), AuthError> {
        match &self.held {
            Some(key) if beyond.is_none_or(|beyond| self.generation > beyond) => {
                Ok((Rc::clone(key), self.generation))
            }
            _ => Err(self.failed.clone().unwrap_or_else(missing)),
        }
    }
}

/// The key in what an endpoint answered: `{ "key": "…" }`.
pub fn read(status: u16, body: &[u8]) -> Result<Secret, AuthError> {
    let key = match json::read(body, body.len()) {
        Ok(mut answer) if status == 200 => answer.take_secret("key").ok().flatten(),
        _ => None,
    };
    key.ok_or_else(|| {
        let problem = "the key's `endpoint` must answer with status 200 and {\"key\": \"…\"}";
        unavailable(problem, status >= 500)
    })
}

/// The endpoint did not give the key.
#[must_use]
pub fn unavailable(problem: &'static str, is_transient: bool) -> AuthError {
    let make = if is_transient { AuthError::transient } else { AuthError::new };
    make(Code::KeyUnavailable, Phase::Fetch, problem)
}

/// What a page names is no key of the configuration, or not of that kind.
#[must_use]
pub fn unknown() -> AuthError {
    AuthError::new(
        Code::KeyInvalid,
        Phase::Config,
        "no key has that name: `apiKeys` or `signatures` must have it",
    )
}

/// The key cannot sign.
#[must_use]
pub fn unfit() -> AuthError {
    AuthError::new(
        Code::KeyInvalid,
        Phase::Fetch,
        "a key that signs must be 32 to 4096 random bytes, and an endpoint must give it in base64url \
         without padding",
    )
}

fn missing() -> AuthError {
    AuthError::new(
        Code::KeyMissing,
        Phase::Fetch,
        "the resource takes a key that is not there, so nothing was sent: hand it in with `setApiKey` \
         or `setSigningKey`, again after a sign-out, or configure its `endpoint`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(wanted: Wanted<&'static str>) -> Option<(&'static str, Generation)> {
        if let Wanted::Key(key, generation) = wanted { Some((*key, generation)) } else { None }
    }

    fn code(wanted: Wanted<&'static str>) -> Option<Code> {
        if let Wanted::None(error) = wanted { Some(error.code) } else { None }
    }

    #[test]
    fn ak1_a_key_is_handed_in_rotated_and_forgotten() {
        let mut state = KeyState::default();
        assert_eq!(code(state.wanted(None, false)), Some(Code::KeyMissing));
        state.set(Some("a"));
        assert_eq!(key(state.wanted(None, false)), Some(("a", 1)));
        assert_eq!(code(state.wanted(Some(1), false)), Some(Code::KeyMissing), "it was refused");
        state.set(Some("b"));
        assert_eq!(key(state.wanted(Some(1), false)), Some(("b", 2)), "rotated meanwhile");
        state.set(None);
        assert_eq!(code(state.wanted(None, false)), Some(Code::KeyMissing));
    }

    #[test]
    fn ak1_one_fetch_is_under_way_and_its_failure_is_told() {
        let mut state = KeyState::default();
        assert!(matches!(state.wanted(None, true), Wanted::Fetch));
        assert!(matches!(state.wanted(None, true), Wanted::Wait));
        state.fetched(0, Err(unavailable("x", true)));
        assert_eq!(state.answer(None).unwrap_err().code, Code::KeyUnavailable);
        assert!(matches!(state.wanted(None, true), Wanted::Fetch), "the next request asks again");
        state.fetched(0, Ok("a"));
        assert_eq!(key(state.wanted(None, true)), Some(("a", 1)));
        assert!(matches!(state.wanted(Some(1), true), Wanted::Fetch), "after a 401");
        assert_eq!(key(state.wanted(None, true)), Some(("a", 1)), "others need not wait");
        assert!(matches!(state.wanted(Some(1), true), Wanted::Wait));
        state.fetched(1, Ok("b"));
        assert_eq!(state.answer(Some(1)).unwrap().1, 2);
    }

    #[test]
    fn ak1_what_was_fetched_before_a_sign_out_is_dropped() {
        let mut state = KeyState::default();
        assert!(matches!(state.wanted(None, true), Wanted::Fetch));
        state.set(None);
        assert!(matches!(state.wanted(None, true), Wanted::Fetch), "for whoever comes next");
        state.fetched(0, Ok("old"));
        assert!(state.answer(None).is_err());
        assert!(matches!(state.wanted(None, true), Wanted::Wait));
        state.fetched(1, Ok("new"));
        assert_eq!(key(state.wanted(None, true)), Some(("new", 2)));
    }

    #[test]
    fn ak1_an_endpoint_answers_with_one_key() {
        assert_eq!(read(200, br#"{"key": "abc", "more": 1}"#), Ok(Secret::from("abc")));
        for (status, body, retryable) in [
            (200, "", false),
            (200, "{}", false),
            (200, r#"{"key": null}"#, false),
            (200, r#"{"key": 1}"#, false),
            (200, r#"{"key": "a", "key": "b"}"#, false),
            (200, r#"["key"]"#, false),
            (401, r#"{"key": "a"}"#, false),
            (503, r#"{"key": "a"}"#, true),
        ] {
            let error = read(status, body.as_bytes()).unwrap_err();
            assert_eq!((error.code, error.retryable), (Code::KeyUnavailable, retryable), "{body}");
            assert!(!error.message.contains("abc"));
        }
    }
}
