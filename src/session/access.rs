//! The access token of one audience: until when it is lent, and which refusals of it count. It knows
//! neither the refresh token nor the other audiences.

use std::rc::Rc;

use super::{
    grant::Grant,
    inputs::{Generation, Lease},
    random::Random,
    refresh::{self, Plan},
};
use crate::{
    clock::{Deadline, Millis, Now},
    secret::Secret,
};

/// A clock is slow by less than one part in so many.
const DRIFT: u64 = 1000;
/// How many renewals resources may bring about by refusing a token that has not expired.
const REFUSALS: u32 = 5;
/// In how long a time.
const REFUSALS_WINDOW: Millis = Millis::from_secs(5 * 60);

/// One audience's access token, and when it is renewed. There is none before it is first wanted.
#[derive(Debug, Default)]
pub(super) struct Access {
    token: Option<Rc<Secret>>,
    pub(super) generation: Generation,
    pub(super) plan: Plan,
    /// When the access token expires, by the clock as it is set now.
    expiry: Option<Deadline>,
    /// How long it lives in all; known whenever `expiry` is.
    pub(super) lifetime: Option<Millis>,
    refusals: Refusals,
}

impl Access {
    /// Takes the grant's access token for its own.
    pub(super) fn renew(&mut self, grant: &Grant, generation: Generation, random: &mut Random) {
        self.plan = Plan::new(grant, random);
        self.expiry = grant.expiry;
        self.lifetime = grant.lifetime;
        self.token = Some(Rc::clone(&grant.access_token));
        self.generation = generation;
    }

    /// The current access token, where there is one.
    pub(super) fn lease(&self) -> Option<Lease> {
        let token = Rc::clone(self.token.as_ref()?);
        Some(Lease { generation: self.generation, token })
    }

    /// When the access token expires.
    pub(super) fn expiry(&self) -> Option<Deadline> {
        self.expiry
    }

    /// The wall clock was set back by so much.
    pub(super) fn set_back(&mut self, by: Millis) {
        self.expiry = self.expiry.map(|expiry| expiry.set_back(by));
        self.plan.set_back(by);
    }

    /// How long the access token is certainly still valid, though this device's clock may be slow;
    /// `None` where the provider did not say.
    pub(super) fn left(&self, now: Now) -> Option<Millis> {
        let drift = Millis(self.life().0 / DRIFT);
        self.expiry.map(|expiry| expiry.remaining(now).less(drift))
    }

    /// Whether so much of its life is left that it is lent without a second thought.
    pub(super) fn is_comfortable(&self, now: Now) -> bool {
        let leeway = refresh::leeway(self.life());
        self.left(now).is_none_or(|left| left > leeway)
    }

    fn life(&self) -> Millis {
        self.lifetime.unwrap_or_default()
    }

    /// A resource refused the current token: whether that may bring about a renewal. Every request
    /// that was refused the same token shares one.
    pub(super) fn accept_refusal(&mut self, now: Now) -> bool {
        self.refusals.accept(now, self.generation)
    }
}

/// Keeps a resource that refuses every token from making every call a renewal.
#[derive(Debug, Default)]
struct Refusals {
    accepted: Option<Generation>,
    window_ends: Option<Deadline>,
    spent: u32,
}

impl Refusals {
    fn accept(&mut self, now: Now, generation: Generation) -> bool {
        if self.accepted == Some(generation) {
            return true;
        }
        if self.window_ends.is_none_or(|end| end.is_due(now)) {
            self.window_ends = Some(now.after(REFUSALS_WINDOW));
            self.spent = 0;
        }
        let is_accepted = self.spent < REFUSALS;
        if is_accepted {
            self.spent += 1;
            self.accepted = Some(generation);
        }
        is_accepted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixMillis;

    #[test]
    fn refusals_bring_about_at_most_one_renewal_a_minute_br5() {
        let mut refusals = Refusals::default();
        let mut renewals = 0;
        let mut generation = Generation(1);
        for second in 0..3600_u32 {
            let now = Now {
                wall: UnixMillis(i64::from(second) * 1000),
                monotonic: Millis::from_secs(u64::from(second)),
            };
            if refusals.accept(now, generation) {
                assert!(refusals.accept(now, generation), "the same token is refused once");
                renewals += 1;
                generation = Generation(generation.0 + 1);
            }
        }
        assert_eq!(renewals, 60);
    }
}
