//! When the provider's metadata are asked for: a cache with one request under way, however many need
//! them. It performs nothing and reads no clock.

use std::rc::Rc;

use super::metadata::Metadata;
use crate::{
    clock::{Deadline, Millis, Now},
    error::AuthError,
};

/// How long metadata are taken for current.
const TTL: Millis = Millis::from_secs(60 * 60);
/// How soon they are asked for again, where that failed.
const AGAIN: Millis = Millis::from_secs(60);

/// What the metadata are needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// A sign-in begins: they must be current.
    Current,
    /// A session goes on: what is known will do, and is renewed meanwhile.
    Known,
}

/// What is known of a provider, and whether it is being asked.
#[derive(Debug, Default)]
pub struct Discovery {
    known: Option<Rc<Metadata>>,
    current_until: Option<Deadline>,
    is_asking: bool,
}

/// What whoever needs metadata does.
#[derive(Debug, PartialEq, Eq)]
pub struct Step {
    /// Go on with these; where there are none, wait for the answer.
    pub known: Option<Rc<Metadata>>,
    /// Ask the provider, and tell the answer (`answered`): nobody else does.
    pub ask: bool,
}

impl Discovery {
    /// What is known, current or not.
    #[must_use]
    pub fn known(&self) -> Option<Rc<Metadata>> {
        self.known.clone()
    }

    /// Somebody needs the metadata.
    pub fn needed(&mut self, now: Now, need: Need) -> Step {
        let is_current = self.current_until.is_some_and(|until| !until.is_due(now));
        let known = self.known().filter(|_| is_current || need == Need::Known);
        let ask = !is_current && !core::mem::replace(&mut self.is_asking, true);
        Step { known, ask }
    }

    /// The provider answered, or did not. A failure takes nothing away that was known before.
    pub fn answered(
        &mut self,
        now: Now,
        outcome: Result<Metadata, AuthError>,
    ) -> Result<Rc<Metadata>, AuthError> {
        self.is_asking = false;
        let (known, until) = match (outcome, self.known()) {
            (Ok(metadata), _) => (Rc::new(metadata), TTL),
            (Err(_), Some(old)) => (old, AGAIN),
            (Err(error), None) => return Err(error),
        };
        self.current_until = Some(now.after(until));
        self.known = Some(Rc::clone(&known));
        Ok(known)
    }
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use super::*;
    use crate::{
        clock::UnixMillis,
        error::{Code, Phase},
        oauth::fixtures::metadata,
    };

    fn at(seconds: u64) -> Now {
        let ms = seconds * 1000;
        let wall = UnixMillis(1_700_000_000_000 + i64::try_from(ms).unwrap());
        Now { wall, monotonic: Millis(ms) }
    }

    fn other() -> Metadata {
        let token_endpoint = "https://id.example.com/new/token".to_owned();
        Metadata { token_endpoint, ..metadata() }
    }

    fn down() -> AuthError {
        AuthError::transient(Code::ProviderUnreachable, Phase::Discovery, "down")
    }

    /// A cache that learned the metadata at zero.
    fn learned() -> Discovery {
        let mut discovery = Discovery::default();
        assert!(discovery.needed(at(0), Need::Current).ask);
        discovery.answered(at(0), Ok(metadata())).unwrap();
        discovery
    }

    #[test]
    fn a_thousand_at_once_are_one_request_ds8() {
        let mut discovery = Discovery::default();
        let steps = |discovery: &mut Discovery, seconds, need| {
            let steps = (0..1000).map(|_| discovery.needed(at(seconds), need));
            let steps: Vec<_> = steps.collect();
            (steps.iter().filter(|step| step.ask).count(), steps.last().unwrap().known.clone())
        };
        for need in [Need::Current, Need::Known] {
            assert_eq!(steps(&mut discovery, 0, need).1, None);
        }
        let mut discovery = Discovery::default();
        assert_eq!(steps(&mut discovery, 0, Need::Current).0, 1);
        let found = discovery.answered(at(1), Ok(metadata())).unwrap();
        for need in [Need::Current, Need::Known] {
            assert_eq!(steps(&mut discovery, 3600, need), (0, Some(Rc::clone(&found))));
        }
        // An hour later, once more: whoever signs in waits, whoever is signed in does not.
        assert_eq!(steps(&mut discovery, 3601, Need::Known), (1, Some(found)));
        assert_eq!(steps(&mut discovery, 3601, Need::Current), (0, None));
        let renewed = discovery.answered(at(3602), Ok(other())).unwrap();
        assert_eq!(steps(&mut discovery, 3603, Need::Current), (0, Some(renewed)));
    }

    #[test]
    fn a_failure_takes_nothing_away_ds8_ds9() {
        let mut discovery = learned();
        assert!(discovery.needed(at(4000), Need::Current).ask);
        for error in [down(), AuthError::new(Code::MetadataInvalid, Phase::Discovery, "lies")] {
            let stale = discovery.answered(at(4000), Err(error));
            assert_eq!(stale.as_deref(), Ok(&metadata()));
        }
        // Not with every call: a provider that is down is left alone for a minute.
        let step = discovery.needed(at(4059), Need::Current);
        assert_eq!((step.ask, step.known.as_deref()), (false, Some(&metadata())));
        assert!(discovery.needed(at(4060), Need::Current).ask);
    }

    #[test]
    fn a_failure_is_not_remembered_where_nothing_was_known_ds8() {
        let mut discovery = Discovery::default();
        assert!(discovery.needed(at(0), Need::Current).ask);
        assert_eq!(discovery.answered(at(1), Err(down())), Err(down()));
        let step = discovery.needed(at(1), Need::Known);
        assert_eq!((step.ask, step.known), (true, None));
        assert_eq!(discovery.known(), None);
    }

    #[test]
    fn a_clock_that_is_set_back_makes_nothing_last_for_ever_t29() {
        let mut discovery = learned();
        let set_back = Now { wall: UnixMillis(0), monotonic: Millis::from_secs(3600) };
        assert!(discovery.needed(set_back, Need::Known).ask);
        let mut discovery = learned();
        let slept = Now { monotonic: Millis(1), ..at(3600) };
        assert!(discovery.needed(slept, Need::Known).ask);
    }
}
