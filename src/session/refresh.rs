//! When an access token is renewed: the deadline, and the pauses after failures. It knows moments,
//! not requests.

use super::{
    grant::{Grant, RefreshEnd},
    inputs::TokenFailure,
    random::Random,
};
use crate::{
    clock::{Deadline, Millis, Now},
    error::{AuthError, Code},
};

/// The longest time before its expiry at which a token is renewed, jitter aside.
const LEAD: Millis = Millis::from_secs(60);
/// The longest time before its expiry at which a token is no longer lent if a renewal can be awaited.
const LEEWAY: Millis = Millis::from_secs(5);
/// Providers count in whole seconds, so a token may end up to one earlier than its `expires_in` says.
const WHOLE_SECONDS: Millis = Millis::from_secs(1);
/// The first pause after a failure is drawn from zero to this; each failure doubles it.
const FIRST_PAUSE: Millis = Millis::from_secs(5);
/// No pause is shorter.
const SHORTEST_PAUSE: Millis = Millis::from_secs(1);
/// The longest pause is 0.8 of the token's life, and at least this. A shorter one makes a fleet of
/// clients that outlived an outage come back in one wave.
const LONGEST_PAUSE_AT_LEAST: Millis = Millis::from_secs(60);
/// A waiting call brings an attempt forward, but not sooner than this after a failure.
const CALLS_PAUSE: Millis = Millis::from_secs(5);
/// An audience that the provider refuses a token for is asked for again by a call, but not sooner.
const DENIED_PAUSE: Millis = Millis::from_secs(60);
/// After the device came online, one attempt follows within this time.
const ONLINE_SPREAD: Millis = Millis::from_secs(5);

/// How much of a token's life must be left for it to be lent while a renewal can be awaited.
pub(super) fn leeway(life: Millis) -> Millis {
    // Never more than half: a fresh token must be one that is lent.
    (Millis(life.0 / 10) + WHOLE_SECONDS).min(Millis(life.0 / 2)).min(LEEWAY)
}

/// When to renew one access token.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// When it is first due; `None` where the provider told no expiry.
    due: Option<Deadline>,
    /// The life of the token, if it is known.
    life: Millis,
    /// How often it failed since the token came.
    failures: u32,
    /// After a failure: when the next attempt is due by itself.
    retry_at: Option<Deadline>,
    /// After a failure: when a waiting call may bring an attempt forward.
    calls_from: Option<Deadline>,
    /// The provider's `Retry-After`: nothing is sent before.
    told_to_wait: Option<Deadline>,
    /// The last failure.
    error: Option<AuthError>,
}

impl Plan {
    /// The plan for a fresh access token, or for its refresh token where that ends sooner. Lead and
    /// jitter follow the token's life, so that a fleet that signed in together spreads out.
    pub(super) fn new(grant: &Grant, random: &mut Random) -> Self {
        let (mut expiry, mut life) = (grant.expiry, grant.lifetime.unwrap_or_default());
        if let Some(RefreshEnd { at, life: Some(whole) }) = grant.refresh_end.as_deref()
            && expiry.is_none_or(|expiry| at.is_before(&expiry))
        {
            (expiry, life) = (Some(*at), *whole);
        }
        let lead = Millis(life.0 / 10).min(LEAD);
        let jitter = random.up_to(Millis(life.0 / 4));
        let due = expiry.map(|expiry| expiry.earlier(lead + jitter));
        Self { due, life, ..Self::default() }
    }

    /// The plan for an access token that is still to come.
    pub(super) fn due(now: Now) -> Self {
        Self { due: Some(now.after(Millis(0))), ..Self::default() }
    }

    /// The wall clock was set back by so much. What calls wait for after a failure is short enough for the
    /// monotonic one.
    pub(super) fn set_back(&mut self, by: Millis) {
        self.due = self.due.map(|due| due.set_back(by));
        self.retry_at = self.retry_at.map(|retry_at| retry_at.set_back(by));
        self.told_to_wait = self.told_to_wait.map(|told| told.set_back(by));
    }

    /// When the next attempt is due by itself; `None` where none is planned.
    pub(super) fn next_attempt(&self) -> Option<Deadline> {
        let next = self.retry_at.or(self.due)?;
        Some(self.told_to_wait.filter(|told| next.is_before(told)).unwrap_or(next))
    }

    /// Whether an attempt is due by itself.
    pub(super) fn is_due(&self, now: Now) -> bool {
        self.next_attempt().is_some_and(|deadline| deadline.is_due(now))
    }

    /// How long a waiting call may not bring an attempt forward: zero when it may.
    pub(super) fn pause_for_calls(&self, now: Now) -> Millis {
        let left = |deadline: Option<Deadline>| deadline.map_or(Millis(0), |d| d.remaining(now));
        left(self.calls_from).max(left(self.told_to_wait))
    }

    /// Why the last attempt failed, while no other succeeded.
    pub(super) fn error(&self) -> Option<&AuthError> {
        self.error.as_ref()
    }

    /// How often it failed since the token came.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// An attempt failed, and another may succeed: full-jitter exponential backoff. Where the provider
    /// issues no token for this audience, nothing is asked by itself any more.
    pub(super) fn failed(&mut self, now: Now, failure: &TokenFailure, random: &mut Random) {
        let longest = Millis(self.life.0.saturating_mul(4) / 5).max(LONGEST_PAUSE_AT_LEAST);
        let doubled = FIRST_PAUSE.0.saturating_mul(1 << self.failures.min(32));
        let pause = random.up_to(Millis(doubled).min(longest)).max(SHORTEST_PAUSE);
        let told = failure.retry_after.unwrap_or_default();
        self.failures = self.failures.saturating_add(1);
        self.retry_at = Some(now.after(told + pause));
        self.calls_from = Some(now.after(CALLS_PAUSE));
        self.told_to_wait = failure.retry_after.map(|told| now.after(told));
        self.error = Some(failure.error.clone());
        if failure.error.code == Code::AudienceUnavailable {
            (self.due, self.retry_at) = (None, None);
            self.calls_from = Some(now.after(DENIED_PAUSE));
        }
    }

    /// The provider wants to be left alone, as it said to another audience's request.
    pub(super) fn leave_alone(&mut self, now: Now, wait: Millis) {
        self.told_to_wait = Some(now.after(wait));
    }

    /// The device is online again: an attempt that failed or came due meanwhile follows soon, but not in
    /// the same instant as that of every other client of the network that came back.
    pub(super) fn came_online(&mut self, now: Now, random: &mut Random) {
        let told = self.told_to_wait.map_or(Millis(0), |deadline| deadline.remaining(now));
        let soon = told + random.up_to(ONLINE_SPREAD);
        if self.retry_at.is_some() {
            self.retry_at = Some(now.after(soon));
        } else if self.is_due(now) {
            self.due = Some(now.after(soon));
        }
        self.calls_from = None;
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::{
        clock::{ServerOffset, UnixMillis},
        error::Phase,
        secret::Secret,
        session::inputs::Reach,
    };

    const NOW: Now = Now { wall: UnixMillis(1_000_000_000), monotonic: Millis(1_000_000) };

    fn plan(life: u64, seed: u64) -> (Plan, Random) {
        let mut random = Random::new(seed);
        let life = Millis::from_secs(life);
        (Plan::new(&grant(Some(life), None), &mut random), random)
    }

    fn grant(life: Option<Millis>, refresh_life: Option<Millis>) -> Grant {
        Grant {
            access_token: Rc::new(Secret::from("at")),
            refresh_token: Some(Rc::new(Secret::from("rt"))),
            has_cookie: false,
            id_token: None,
            claims: None,
            scopes: Vec::new(),
            expiry: life.map(|life| NOW.after(life)),
            lifetime: life,
            refresh_end: refresh_life
                .map(|life| Box::new(RefreshEnd { at: NOW.after(life), life: Some(life) })),
            offset: ServerOffset::default(),
        }
    }

    fn failure(retry_after: Option<Millis>) -> TokenFailure {
        TokenFailure {
            error: AuthError::transient(Code::ProviderUnreachable, Phase::Refresh, "down"),
            reach: Reach::Answered,
            is_final: false,
            retry_after,
            issued: None,
        }
    }

    fn later(seconds: u64) -> Now {
        Now {
            wall: UnixMillis(NOW.wall.0 + i64::try_from(seconds * 1000).unwrap()),
            monotonic: NOW.monotonic + Millis::from_secs(seconds),
        }
    }

    #[test]
    fn rf7_due_between_065_and_09_of_its_life() {
        for life in [5, 60, 300, 900, 864_000] {
            let attempts: Vec<u64> = (0..500)
                .map(|seed| plan(life, seed).0.next_attempt().unwrap().remaining(NOW).0)
                .collect();
            let (first, last) = (attempts.iter().min().unwrap(), attempts.iter().max().unwrap());
            let life = life * 1000;
            let latest = life - (life / 10).min(60_000);
            assert!(*first >= latest - life / 4 && *last <= latest, "{life}: {first}..{last}");
            assert!(last - first > life / 5, "a fleet does not spread: {life}: {first}..{last}");
        }
    }

    #[test]
    fn rf7_the_leeway_allows_for_whole_seconds_and_leaves_half_a_life() {
        let leeway = |millis| leeway(Millis(millis)).0;
        assert_eq!([leeway(1000), leeway(5000), leeway(20_000)], [500, 1500, 3000]);
        assert_eq!([leeway(40_000), leeway(3_600_000)], [5000, 5000]);
    }

    #[test]
    fn rf12_due_before_the_refresh_token_ends() {
        let hour = Some(Millis::from_secs(3600));
        for (life, refresh_life, latest) in [
            (hour, Millis::from_secs(600), 540),
            (None, Millis::from_secs(600), 540),
            (hour, Millis::from_secs(86_400), 3540),
        ] {
            for seed in 0..100 {
                let plan = Plan::new(&grant(life, Some(refresh_life)), &mut Random::new(seed));
                let due = plan.next_attempt().unwrap().remaining(NOW);
                let window = Millis::from_secs(latest * 65 / 100)..=Millis::from_secs(latest);
                assert!(window.contains(&due), "{life:?} {refresh_life:?}: {due:?}");
            }
        }
    }

    #[test]
    fn t29_attempts_move_with_a_clock_that_was_set_back() {
        let (mut plan, mut random) = plan(300, 3);
        let back = Millis::from_secs(86_400);
        let before = plan.next_attempt().unwrap();
        plan.set_back(back);
        assert_eq!(plan.next_attempt(), Some(before.set_back(back)));
        plan.failed(NOW, &failure(Some(Millis::from_secs(120))), &mut random);
        let before = plan.next_attempt().unwrap();
        plan.set_back(back);
        assert_eq!(plan.next_attempt(), Some(before.set_back(back)));
    }

    #[test]
    fn rf8_a_life_of_weeks_and_beyond_is_no_timer_at_once() {
        for life in [30 * 86_400, u64::MAX / 1000] {
            assert!(!plan(life, 1).0.is_due(later(86_400)), "{life}");
        }
    }

    #[test]
    fn rf6_pauses_grow_with_full_jitter_to_their_cap() {
        for (life, cap) in [(10, 60_000), (3600, 2_880_000)] {
            let mut longest = vec![0; 14];
            for seed in 0..200 {
                let (mut plan, mut random) = plan(life, seed);
                for longest in &mut longest {
                    plan.failed(NOW, &failure(None), &mut random);
                    let pause = plan.next_attempt().unwrap().remaining(NOW).0;
                    assert!((1000..=cap).contains(&pause), "{pause}");
                    *longest = pause.max(*longest);
                }
            }
            assert!(longest[0] <= 5000 && longest[1] <= 10_000, "{longest:?}");
            assert!(longest[13] > cap / 10 * 9, "{longest:?}");
        }
    }

    #[test]
    fn rf6_retry_after_is_obeyed_by_timer_and_calls() {
        let (mut plan, mut random) = plan(300, 3);
        plan.failed(NOW, &failure(Some(Millis::from_secs(120))), &mut random);
        assert!(!plan.is_due(later(119)));
        assert_eq!(plan.pause_for_calls(later(100)), Millis::from_secs(20));
        assert_eq!(plan.pause_for_calls(later(120)), Millis(0));
        plan.came_online(later(1), &mut random);
        assert!(!plan.is_due(later(119)), "coming online does not shorten it");
    }

    #[test]
    fn a_call_brings_an_attempt_forward_after_5_s() {
        let (mut plan, mut random) = plan(300, 3);
        assert_eq!(plan.pause_for_calls(NOW), Millis(0));
        plan.failed(NOW, &failure(None), &mut random);
        assert_eq!(plan.pause_for_calls(later(1)), Millis::from_secs(4));
        assert_eq!(plan.pause_for_calls(later(5)), Millis(0));
    }

    #[test]
    fn online_is_followed_by_one_jittered_attempt() {
        for seed in 0..100 {
            let (mut plan, mut random) = plan(300, seed);
            plan.came_online(later(290), &mut random);
            let soon = plan.next_attempt().unwrap().remaining(later(290));
            assert!(soon <= ONLINE_SPREAD);
            for _ in 0..9 {
                plan.failed(later(291), &failure(None), &mut random);
            }
            plan.came_online(later(291), &mut random);
            assert!(plan.next_attempt().unwrap().remaining(later(291)) <= ONLINE_SPREAD);
        }
        let (mut early, mut random) = plan(300, 1);
        let before = early.next_attempt();
        early.came_online(later(1), &mut random);
        assert_eq!(early.next_attempt(), before, "nothing was due");
    }
}
