//! The one token request at a time: the lock around it, the codes that wait for it, the request under
//! way. What is sent is decided when the lock is held, not when it was asked for.

use std::{collections::VecDeque, rc::Rc};

use super::{
    grant::Grant,
    inputs::{Ask, Epoch, Mark, Output, Reach, TokenFailure, TokenRequest},
    machine::{Session, Standing},
    sealed::Unreadable,
    snapshot::{RestoredBy, SignedOutReason},
    tabs::News,
    tenure::Tenure,
};
use crate::{
    clock::{Millis, Now},
    config::DEFAULT_AUDIENCE,
    error::{AuthError, Code, Phase},
    oauth::{revocation::Revocable, transaction::Mode},
    secret::Secret,
};

/// The token requests of a session.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    lock: Lock,
    /// The audience whose token is asked for, or whose turn it is.
    audience: usize,
    /// The codes to be exchanged, in the order in which they came.
    pub(super) codes: VecDeque<PendingCode>,
    flight: Option<Flight>,
}

/// A callback's code, or a password, to be exchanged once.
#[derive(Debug)]
pub(super) struct PendingCode {
    pub(super) ask: Ask,
    pub(super) request: TokenRequest,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Lock {
    #[default]
    Free,
    /// Since then.
    Asked(Now),
    /// By force, from one that hangs. That one may wake and be answered: what it gets renews its own
    /// session alone, so nothing of it needs to be undone.
    Stealing,
    /// Held since then, while the sealed record is read.
    Reading(Now),
    Held,
}

/// How far vaults spread that give up waiting for the same holder: the first takes the lock by force,
/// the others get it in their turn.
const TAKEOVER_SPREAD: Millis = Millis::from_secs(3);

/// For how long a lock is certainly not taken by force: nobody waits less for it.
const OWN: Millis = Millis::from_secs(2);

/// A token request under way.
#[derive(Debug)]
struct Flight {
    epoch: Epoch,
    sent: Now,
    purpose: Purpose,
}

#[derive(Debug)]
enum Purpose {
    Code(Arrived),
    /// The access token of this audience.
    Refresh(usize),
    /// Whoever a backend's cookie stands for, beside the pages.
    Beside,
}

/// What is left to do once a code was exchanged.
#[derive(Debug)]
struct Arrived {
    ask: Ask,
    way: Way,
    /// Where the application wants to be.
    return_to: Option<String>,
}

/// Who hears if it comes to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Everybody: a person came back from the provider.
    Callback,
    /// The page alone: a hidden frame or a password.
    Quiet,
    /// Whoever waits for the session to be restored, by this.
    Restore(RestoredBy),
}

impl PendingCode {
    fn arrived(&self) -> Arrived {
        let TokenRequest::Code { transaction, .. } = &self.request else {
            return Arrived { ask: self.ask, way: Way::Quiet, return_to: None };
        };
        let way = match transaction.mode {
            mode if transaction.is_restore => Way::Restore(RestoredBy::of(mode)),
            Mode::Silent => Way::Quiet,
            Mode::Redirect | Mode::Popup => Way::Callback,
        };
        Arrived { ask: self.ask, way, return_to: transaction.return_to.clone() }
    }
}

impl Exchange {
    /// Whether a token request is under way, or the lock for one is awaited.
    pub(super) fn is_busy(&self) -> bool {
        self.lock != Lock::Free
    }

    /// When the token request that is under way was sent.
    pub(super) fn sent(&self) -> Option<Now> {
        self.flight.as_ref().map(|flight| flight.sent)
    }

    /// Whether the sealed record is being read.
    pub(super) fn is_reading(&self) -> bool {
        matches!(self.lock, Lock::Reading(_))
    }

    /// Whether a code of this epoch waits or is under way.
    pub(super) fn has_code(&self, epoch: Epoch) -> bool {
        !self.codes.is_empty() || self.code_under_way(epoch).is_some()
    }

    /// Who waits for the code that is under way in this epoch.
    pub(super) fn code_under_way(&self, epoch: Epoch) -> Option<Ask> {
        match &self.flight {
            Some(Flight { epoch: sent, purpose: Purpose::Code(arrived), .. }) if *sent == epoch => {
                Some(arrived.ask)
            }
            _ => None,
        }
    }

    /// The wall clock was set back by so much.
    pub(super) fn set_back(&mut self, by: Millis) {
        if let Some(flight) = &mut self.flight {
            flight.sent.wall.0 = flight.sent.wall.0.saturating_sub_unsigned(by.0);
        }
    }

    fn refresh_under_way(&self, epoch: Epoch, audience: usize) -> bool {
        self.flight.as_ref().is_some_and(|flight| {
            flight.epoch == epoch
                && matches!(flight.purpose, Purpose::Refresh(other) if other == audience)
        })
    }
}

impl Session {
    /// Whether the current access token of this audience is being renewed.
    pub(super) fn is_refreshing(&self, audience: usize) -> bool {
        self.exchange.refresh_under_way(self.epoch, audience)
            || (matches!(self.exchange.lock, Lock::Asked(_) | Lock::Stealing | Lock::Reading(_))
                && self.exchange.audience == audience
                && self.exchange.codes.is_empty()
                && self.tenure().is_some())
    }

    /// Asks for the lock if something is to be sent.
    pub(super) fn start(&mut self, now: Now) {
        if self.exchange.lock != Lock::Free {
            return;
        }
        let wanted = self.wanted(now);
        let is_beside = self.restore.backend.is_wanted_beside();
        let has_job = wanted.is_some() || is_beside || !self.exchange.codes.is_empty();
        if has_job || self.is_unsealing() {
            self.exchange.audience = wanted.unwrap_or_default();
            self.exchange.lock = Lock::Asked(now);
            let jitter = self.random.up_to(TAKEOVER_SPREAD);
            self.outputs.push_back(Output::TakeLock { jitter });
        }
    }

    pub(super) fn lock_taken(&mut self, now: Now) {
        match self.exchange.lock {
            Lock::Asked(_) | Lock::Stealing if self.needs_record(now) => {
                self.exchange.lock = Lock::Reading(now);
                self.outputs.push_back(Output::Unseal);
            }
            Lock::Asked(_) | Lock::Stealing => self.send(now),
            // Not asked for: it is not kept.
            Lock::Free => self.outputs.push_back(Output::ReleaseLock),
            Lock::Held | Lock::Reading(_) => {}
        }
    }

    /// Whether what is sent next depends on what the vaults of other tabs did with the refresh token.
    fn needs_record(&self, now: Now) -> bool {
        let is_refresh = self.exchange.codes.is_empty() && self.wanted(now).is_some();
        self.is_unsealing() || (is_refresh && self.is_sealed)
    }

    /// The sealed record was read, under the lock.
    pub(super) fn record_read(&mut self, now: Now, outcome: Result<Option<Secret>, Unreadable>) {
        let Lock::Reading(since) = self.exchange.lock else { return };
        if elapsed(since, now) < OWN {
            self.unsealed(now, outcome);
            return self.send(now);
        }
        // It stood still: the lock may have been taken by force, and the token used.
        self.exchange.lock = Lock::Free;
        self.outputs.push_back(Output::ReleaseLock);
    }

    pub(super) fn lock_missed(&mut self, now: Now) {
        match self.exchange.lock {
            // Whoever holds it may be alive, and use the token that all share.
            Lock::Asked(since) if self.is_sealed && elapsed(since, now) < OWN => {}
            // Nobody holds it so long who is alive: a request has its time limit.
            Lock::Asked(_) => {
                self.exchange.lock = Lock::Stealing;
                return self.outputs.push_back(Output::StealLock);
            }
            Lock::Stealing => {}
            Lock::Free | Lock::Reading(_) | Lock::Held => return,
        }
        self.exchange.lock = Lock::Free;
        let failure = |phase| TokenFailure {
            error: AuthError::transient(
                Code::Timeout,
                phase,
                "the browser withholds the lock around token requests",
            ),
            reach: Reach::NotSent,
            is_final: false,
            retry_after: None,
            issued: None,
        };
        if let Some(code) = self.exchange.codes.pop_front() {
            self.code_failed(now, code.arrived(), failure(Phase::Callback));
        } else if let Some(audience) = self.wanted(now) {
            self.refresh_failed(now, audience, failure(Phase::Refresh));
        } else if self.is_unsealing() {
            self.restore_otherwise();
        } else {
            self.failed_beside(now, &failure(Phase::Refresh));
        }
    }

    pub(super) fn token_answered(
        &mut self,
        now: Now,
        epoch: Epoch,
        outcome: Result<Grant, TokenFailure>,
    ) {
        let Some(flight) = self.exchange.flight.take_if(|flight| flight.epoch == epoch) else {
            return;
        };
        self.exchange.lock = Lock::Free;
        self.exchange.audience += 1;
        self.outputs.push_back(Output::ReleaseLock);
        let outcome = outcome.map(|grant| grant.aged(elapsed(flight.sent, now)));
        // Where a restore fails, other tabs may live by the same grant.
        let wastes = |failure: &&TokenFailure| self.wastes(&flight.purpose, failure);
        let issued = outcome.as_ref().err().filter(wastes);
        let issued = issued.and_then(|failure| failure.issued.clone());
        if epoch != self.epoch {
            // Too late: somebody signed in or out meanwhile.
            let issued = issued.or_else(|| Some(outcome.ok()?.revocable()));
            return self.revoke_unused(issued, true);
        }
        let is_final = outcome.as_ref().is_err_and(|failure| failure.is_final);
        match (flight.purpose, outcome) {
            (Purpose::Code(arrived), Ok(grant)) => self.signed_in(arrived, grant),
            (Purpose::Code(arrived), Err(failure)) => self.code_failed(now, arrived, failure),
            (Purpose::Refresh(audience), Ok(grant)) => self.renewed(now, audience, grant),
            (Purpose::Beside, Ok(grant)) => self.renewed(now, DEFAULT_AUDIENCE, grant),
            (Purpose::Beside, Err(failure)) => self.failed_beside(now, &failure),
            (Purpose::Refresh(audience), Err(failure)) => {
                self.refresh_failed(now, audience, failure);
            }
        }
        self.revoke_unused(issued, is_final);
    }

    /// Whether what was issued all the same is of no use to anybody. A restore's may be what other tabs live by, and
    /// what a cookie stood for the next person's.
    fn wastes(&self, purpose: &Purpose, failure: &TokenFailure) -> bool {
        match purpose {
            Purpose::Code(arrived) => !matches!(arrived.way, Way::Restore(_)),
            Purpose::Refresh(_) => failure.is_final && !self.has_cookie(),
            Purpose::Beside => false,
        }
    }

    /// Revokes what was issued for nobody. Not while somebody is signed in: at many providers it hangs on
    /// one grant with what that session has. A backend's cookie stands for it by now, though: unless it may be whose
    /// the session is, it goes.
    fn revoke_unused(&mut self, issued: Option<Revocable>, is_final: bool) {
        let Some(token) = issued else { return };
        let is_nobodys = self.tenure().is_none();
        if self.has_cookie() && (is_nobodys || is_final) {
            self.outputs.push_back(Output::Revoke(Revocable::behind_cookie()));
        }
        if is_nobodys {
            self.outputs.push_back(Output::Revoke(token));
        }
    }

    fn send(&mut self, now: Now) {
        let job = self.next_job(now);
        let Some((request, purpose)) = job else {
            self.exchange.lock = Lock::Free;
            return self.outputs.push_back(Output::ReleaseLock);
        };
        self.exchange.lock = Lock::Held;
        self.exchange.flight = Some(Flight { epoch: self.epoch, sent: now, purpose });
        self.outputs.push_back(Output::Send { epoch: self.epoch, request });
    }

    fn next_job(&mut self, now: Now) -> Option<(TokenRequest, Purpose)> {
        if let Some(pending) = self.exchange.codes.pop_front() {
            let purpose = Purpose::Code(pending.arrived());
            return Some((pending.request, purpose));
        }
        if let Some(request) = self.asked_beside() {
            return Some((request, Purpose::Beside));
        }
        let audience = self.wanted(now)?;
        let tenure = self.tenure()?;
        let grant = Rc::clone(&tenure.grant);
        let refresh_token = grant.refresh_token.clone();
        self.exchange.audience = audience;
        self.seal(false, true);
        let request = TokenRequest::Refresh { grant, refresh_token, audience };
        Some((request, Purpose::Refresh(audience)))
    }

    /// The audience whose access token is to be asked for next. All have one refresh token, so they take
    /// turns: one that the provider fails does not stand in the way of the others.
    fn wanted(&self, now: Now) -> Option<usize> {
        let count = self.audiences.len();
        let mut turns = (0..count).map(|turn| (self.exchange.audience + turn) % count);
        turns.find(|audience| self.wants(now, *audience))
    }

    /// Whether a refresh is to be sent for it: for whoever waits at once, else when it is due and a page
    /// is there to need it.
    fn wants(&self, now: Now, audience: usize) -> bool {
        let Some(tenure) = self.tenure() else { return false };
        if audience != DEFAULT_AUDIENCE && self.is_asking_backend() {
            // Who it is comes first.
            return false;
        }
        let plan = &tenure.accesses[audience].plan;
        let is_needed = self.waiting.iter().any(|(_, need)| need.audience == audience)
            && plan.pause_for_calls(now).0 == 0;
        self.is_online
            && tenure.grant.is_renewable()
            && (is_needed || (self.has_pages && plan.is_due(now)))
    }

    fn renewed(&mut self, now: Now, audience: usize, grant: Grant) {
        if self.tenure().is_none() && self.has_cookie() && self.wants_restore() {
            // It was asked beside the pages, or given up too soon.
            self.begin_by_cookie(now);
        }
        self.provider_heard();
        let generation = self.next_generation();
        match &mut self.standing {
            Standing::SignedIn(tenure) => {
                tenure.renew(audience, grant, generation, &mut self.random);
                self.seal(false, false);
            }
            Standing::Restoring | Standing::SignedOut { .. } => {
                self.outputs.push_back(Output::Revoke(grant.revocable()));
            }
        }
    }

    fn refresh_failed(&mut self, now: Now, audience: usize, failure: TokenFailure) {
        if self.is_asking_backend() {
            return self.backend_failed(now, audience, failure);
        }
        if !failure.is_final {
            self.provider_heard();
            return self.refresh_delayed(now, audience, &failure);
        }
        self.seal_the_end();
        if self.is_asked_next() {
            return self.restore_otherwise();
        }
        let Standing::SignedIn(tenure) = &mut self.standing else { return };
        let has_ended = tenure.grant.refresh_end.as_deref().is_some_and(|end| end.at.is_due(now));
        // The cookie is whoever's signed in last, in whichever tab.
        let is_others = tenure.grant.has_cookie && failure.error.code == Code::IdTokenInvalid;
        let reason = match (tenure.is_lost, has_ended) {
            _ if is_others => SignedOutReason::SignedInElsewhere,
            (true, _) => SignedOutReason::RefreshLost,
            // As foretold.
            (false, true) => SignedOutReason::Expired,
            (false, false) => SignedOutReason::SessionEnded,
        };
        self.end(reason, Some(failure.error));
        self.restore_later(now);
    }

    /// Another attempt may succeed. What the provider as a whole is at fault for, or the way to it, is the
    /// end of every attempt that was to be made now.
    pub(super) fn refresh_delayed(&mut self, now: Now, audience: usize, failure: &TokenFailure) {
        let is_denied = failure.error.code == Code::AudienceUnavailable;
        let is_general = failure.reach != Reach::Answered || failure.error.retryable;
        for other in 0..self.audiences.len() {
            let fails = other == audience || (is_general && self.wants(now, other));
            let Standing::SignedIn(tenure) = &mut self.standing else { return };
            // Some providers rotate the refresh token before they look at whom the access token is for.
            tenure.is_lost |= is_denied || failure.reach == Reach::Lost;
            let plan = &mut tenure.accesses[other].plan;
            if fails {
                plan.failed(now, failure, &mut self.random);
            } else if let Some(wait) = failure.retry_after {
                plan.leave_alone(now, wait);
            }
        }
    }

    fn code_failed(&mut self, now: Now, arrived: Arrived, failure: TokenFailure) {
        let Arrived { ask, way, return_to } = arrived;
        match way {
            Way::Restore(by) => {
                self.restore_refused(now, ask, by, return_to, failure.error, failure.is_final);
            }
            Way::Callback => self.conclude_failed(ask, failure.error),
            Way::Quiet => self.fail_quietly(ask, failure.error),
        }
    }

    /// Somebody gave their name and password to the page.
    pub(super) fn password_given(&mut self, now: Now, ask: Ask, request: TokenRequest) {
        // Before nobody is said to be signed in: calls wait for it.
        self.exchange.codes.push_back(PendingCode { ask, request });
        self.yield_to_sign_in(now);
    }

    fn signed_in(&mut self, arrived: Arrived, grant: Grant) {
        let mut first = None;
        if let Standing::SignedIn(old) = &self.standing {
            let is_same_user = grant.is_same_user(&old.grant);
            if is_same_user == Some(true) {
                first = Some(old.first());
            }
            // Not the same user's: at many providers both refresh tokens hang on one grant, and
            // revoking the old one would end the session that has just begun.
            if is_same_user == Some(false) {
                self.outputs.push_back(Output::Revoke(old.grant.revocable()));
            }
            // Whoever waits for a backend's word waits for whoever it is.
            if first.is_none() && !old.grant.is_unknown() {
                self.refuse_all();
            }
        }
        self.epoch = Epoch(self.epoch.0 + 1);
        let generation = self.next_generation();
        let audiences = self.audiences.len();
        let mut tenure = Tenure::begin(grant, audiences, generation, first, &mut self.random);
        let Arrived { ask, way, return_to } = arrived;
        tenure.restored_by = if let Way::Restore(by) = way { Some(by) } else { None };
        self.standing = Standing::SignedIn(Box::new(tenure));
        self.stop_restoring();
        self.seal(true, false);
        self.outputs.push_back(Output::Tell(News::SignedIn));
        self.outputs.push_back(Output::Conclude { ask, outcome: Ok(return_to), mark: Mark::Set });
    }
}

/// How long ago it was, by the clock that says the longer.
pub(super) fn elapsed(since: Now, now: Now) -> Millis {
    let wall = u64::try_from(now.wall.0.saturating_sub(since.wall.0)).unwrap_or(0);
    Millis(wall).max(now.monotonic.less(since.monotonic))
}
