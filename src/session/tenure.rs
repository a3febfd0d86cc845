//! Who is signed in: the grant, its generation and when it is renewed. It holds the tokens and shows
//! none.

use std::rc::Rc;

use super::{
    grant::Grant,
    inputs::{Generation, Lease},
    random::Random,
    refresh::{self, Plan},
    snapshot::RestoredBy,
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

/// One user's time, from a sign-in to its end or the next sign-in.
#[derive(Debug)]
pub(super) struct Tenure {
    pub(super) grant: Rc<Grant>,
    pub(super) generation: Generation,
    pub(super) plan: Plan,
    /// When the access token expires, by the clock as it is set now.
    expiry: Option<Deadline>,
    /// The first generation that is this user's. A request that held an older lease is not this
    /// user's, and is never retried with a token of this one.
    first: Generation,
    /// What restored it, if nobody signed in.
    pub(super) restored_by: Option<RestoredBy>,
    refusals: Refusals,
}

impl Tenure {
    /// A tenure that begins. `first` is where the same user's earlier tenure began, if it did.
    pub(super) fn begin(
        grant: Grant,
        generation: Generation,
        first: Option<Generation>,
        random: &mut Random,
    ) -> Self {
        Self {
            plan: Plan::new(&grant, random),
            expiry: grant.expiry,
            grant: Rc::new(grant),
            generation,
            first: first.unwrap_or(generation),
            restored_by: None,
            refusals: Refusals::default(),
        }
    }

    /// The same tenure with a renewed grant.
    pub(super) fn renew(&mut self, grant: Grant, generation: Generation, random: &mut Random) {
        self.plan = Plan::new(&grant, random);
        self.expiry = grant.expiry;
        self.grant = Rc::new(grant);
        self.generation = generation;
    }

    /// Where this user's generations begin.
    pub(super) fn first(&self) -> Generation {
        self.first
    }

    /// The current access token.
    pub(super) fn lease(&self) -> Lease {
        Lease { generation: self.generation, token: Rc::clone(&self.grant.access_token) }
    }

    /// The refresh token, where there is one.
    pub(super) fn refresh_token(&self) -> Option<Rc<Secret>> {
        self.grant.refresh_token.clone()
    }

    /// When it ends by itself: at the expiry, where nothing can renew it.
    pub(super) fn end(&self) -> Option<Deadline> {
        self.expiry.filter(|_| self.grant.refresh_token.is_none())
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
        self.grant.lifetime.unwrap_or_default()
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
