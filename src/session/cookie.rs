//! The refresh cookie: what of a session outlives its vault at a backend of the application's, which has the
//! refresh token and shows it to nobody (`refreshCookie`). Who its cookie stands for is found out by a refresh,
//! so a vault that has nothing asks for one. Nothing here knows a cookie: the browser adds it.

use std::rc::Rc;

use super::{
    flag::GUARD,
    grant::Grant,
    inputs::{TokenFailure, TokenRequest},
    machine::{Session, Standing},
    restore::offline,
    snapshot::{RestoredBy, SignedOutReason},
    tenure::Tenure,
};
use crate::{
    clock::{Deadline, Millis, Now},
    config::DEFAULT_AUDIENCE,
    error::Code,
};

/// How often a backend that does not answer is asked while the pages wait.
const TRIES: u32 = 3;
/// The longest that it may want to be left alone meanwhile.
const PATIENCE: Millis = Millis::from_secs(5);
/// How often the pause doubles in which it is left alone then.
const DOUBLINGS: u32 = 4;

/// What is known of the backend.
#[derive(Debug, Default)]
pub(super) struct Backend {
    /// Whether there is one.
    is_there: bool,
    attempt: Attempt,
    /// How often in a row it could not be reached.
    absences: u32,
    /// Until when it wants to be left alone.
    told: Option<Deadline>,
}

/// Whether it was asked whom its cookie stands for, since a session was last looked for.
#[derive(Debug, Default, PartialEq, Eq)]
enum Attempt {
    #[default]
    Made,
    /// Not yet.
    Due,
    /// It could not be reached.
    Failed,
    /// It is to be asked again, beside the pages: none waits for it.
    Again,
    /// It is being asked so.
    Beside,
}

impl Backend {
    /// It may be asked anew, if there is one.
    pub(super) fn again(&mut self) {
        self.attempt = if self.is_there { Attempt::Due } else { Attempt::Made };
    }

    /// It need not be asked.
    pub(super) fn pass(&mut self) {
        self.attempt = Attempt::Made;
    }

    /// Whether it is to be asked.
    pub(super) fn is_due(&self) -> bool {
        self.attempt == Attempt::Due
    }

    /// Whether it is to be asked beside the pages.
    pub(super) fn is_wanted_beside(&self) -> bool {
        self.attempt == Attempt::Again
    }

    /// Whether a page that arrives has it asked again: whoever loads a page would not wait for a pause of ours.
    pub(super) fn may_be_asked(&self, now: Now) -> bool {
        self.attempt == Attempt::Failed && self.told.is_none_or(|told| told.is_due(now))
    }

    /// Whether it could not be reached, and may still know who it is.
    pub(super) fn is_away(&self) -> bool {
        matches!(self.attempt, Attempt::Failed | Attempt::Again | Attempt::Beside)
    }
}

impl Session {
    /// The same, whose refresh token a backend has behind a cookie.
    #[must_use]
    pub fn with_cookie(mut self, has_cookie: bool) -> Self {
        self.restore.backend.is_there = has_cookie;
        self.restore.backend.again();
        self
    }

    /// Whether a backend has the refresh token.
    pub(super) fn has_cookie(&self) -> bool {
        self.restore.backend.is_there
    }

    /// Asks the backend whom its cookie stands for.
    pub(super) fn ask_backend(&mut self, now: Now) {
        self.restore.backend.pass();
        if self.is_online {
            self.begin_by_cookie(now);
        } else {
            self.went_out_of_reach(now);
        }
    }

    /// A session of whomever the cookie stands for.
    pub(super) fn begin_by_cookie(&mut self, now: Now) {
        let (grant, by) = (Rc::new(Grant::of_cookie()), RestoredBy::Cookie);
        let generation = self.next_generation();
        let tenure = Tenure::restored(grant, by, self.audiences.len(), generation, now);
        self.standing = Standing::SignedIn(Box::new(tenure));
    }

    /// Whether the pages wait for it to be asked.
    pub(super) fn is_asking_backend(&self) -> bool {
        self.tenure().is_some_and(|tenure| tenure.is_unheard && tenure.grant.has_cookie)
    }

    /// It has no session, or did not answer: what comes next in the order, or the same once more. Where it still
    /// does not answer, nobody is sent to the provider: the code that comes back would go to the backend, too.
    pub(super) fn backend_failed(&mut self, now: Now, audience: usize, failure: TokenFailure) {
        if is_refusal(&failure) {
            return self.restore_otherwise();
        }
        self.refresh_delayed(now, audience, &failure);
        let failures = self.tenure().map(|tenure| tenure.default().plan.failures());
        let told = failure.retry_after.unwrap_or_default();
        if failures >= Some(TRIES) || told > PATIENCE {
            self.backend_is_away(now, told);
            self.give_up(now, SignedOutReason::VaultGone, Some(failure.error));
        }
    }

    /// The device is offline: nobody waits for an answer that does not come.
    pub(super) fn went_out_of_reach(&mut self, now: Now) {
        self.restore.backend.attempt = Attempt::Failed;
        self.restore.retry_at = Some(now.after(Millis(0)));
        self.give_up(now, SignedOutReason::VaultGone, Some(offline()));
    }

    /// The device is online again.
    pub(super) fn came_in_reach(&mut self, now: Now) {
        if self.restore.backend.attempt == Attempt::Failed {
            self.restore.retry_at = Some(now.after(Millis(0)));
        }
        self.ask_beside(now);
    }

    /// A backend that could not be reached is asked once more, when it is time, and the pages see what they saw
    /// until it has answered: none has to leave for it.
    pub(super) fn ask_beside(&mut self, now: Now) {
        if self.next_beside().is_some_and(|at| at.is_due(now)) {
            self.restore.retry_at = None;
            self.restore.backend.attempt = Attempt::Again;
        }
    }

    /// When that is.
    pub(super) fn next_beside(&self) -> Option<Deadline> {
        let is_away = self.restore.backend.attempt == Attempt::Failed;
        let may_ask = self.has_pages && self.is_online && !self.is_signing_in();
        self.restore.retry_at.filter(|_| is_away && may_ask && self.wants_restore())
    }

    /// The refresh that finds out, if it is wanted still.
    pub(super) fn asked_beside(&mut self) -> Option<TokenRequest> {
        if !self.restore.backend.is_wanted_beside() {
            return None;
        }
        self.restore.backend.attempt = Attempt::Beside;
        let grant = Rc::new(Grant::of_cookie());
        Some(TokenRequest::Refresh { grant, refresh_token: None, audience: DEFAULT_AUDIENCE })
    }

    /// It came to nothing, and no page heard of it.
    pub(super) fn failed_beside(&mut self, now: Now, failure: &TokenFailure) {
        if !self.restore.backend.is_away() {
            return;
        }
        if is_refusal(failure) {
            self.restore.backend.pass();
            self.restore_later(now);
        } else {
            self.backend_is_away(now, failure.retry_after.unwrap_or_default());
        }
    }

    /// It is left alone for as long as it wants, and for longer each time.
    fn backend_is_away(&mut self, now: Now, told: Millis) {
        let backend = &mut self.restore.backend;
        backend.attempt = Attempt::Failed;
        let pause = Millis(GUARD.0 << backend.absences.min(DOUBLINGS));
        backend.absences += 1;
        backend.told = Some(now.after(told));
        let jitter = self.random.up_to(Millis(pause.0 / 4));
        self.restore.retry_at = Some(now.after(told.max(pause) + jitter));
    }

    /// It has answered, or is not wanted any more.
    pub(super) fn forget_backend(&mut self) {
        self.restore.backend.absences = 0;
        self.restore.backend.pass();
    }
}

/// Whether it has no session: also where it has no access token for whom the default one is for.
fn is_refusal(failure: &TokenFailure) -> bool {
    failure.is_final || failure.error.code == Code::AudienceUnavailable
}
