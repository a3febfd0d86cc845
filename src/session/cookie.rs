//! The refresh cookie: what of a session outlives its vault at a backend of the application's, which has the
//! refresh token and shows it to nobody (`refreshCookie`). Who its cookie stands for is found out by a refresh,
//! so a vault that has nothing asks for one. Nothing here knows a cookie: the browser adds it.

use std::rc::Rc;

use super::{
    grant::Grant,
    inputs::TokenFailure,
    machine::{Session, Standing},
    restore::{GUARD, offline},
    snapshot::{RestoredBy, SignedOutReason},
    tenure::Tenure,
};
use crate::{
    clock::{Millis, Now},
    error::AuthError,
};

/// How often a backend that does not answer is asked while the pages wait.
const TRIES: u32 = 3;

/// What is known of the backend.
#[derive(Debug, Default)]
pub(super) struct Backend {
    /// Whether there is one.
    is_there: bool,
    attempt: Attempt,
    /// Whether it is asked again though no page waits for what would come next.
    pub(super) is_quiet: bool,
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
}

impl Backend {
    /// It may be asked anew, if there is one.
    pub(super) fn again(&mut self) {
        self.attempt = if self.is_there { Attempt::Due } else { Attempt::Made };
        self.is_quiet = false;
    }

    /// It need not be asked.
    pub(super) fn pass(&mut self) {
        self.attempt = Attempt::Made;
    }

    /// Whether it is to be asked.
    pub(super) fn is_due(&self) -> bool {
        self.attempt == Attempt::Due
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
        if !self.is_online {
            return self.backend_is_away(now, Millis(0), offline());
        }
        let (grant, by) = (Rc::new(Grant::of_cookie()), RestoredBy::Cookie);
        let generation = self.next_generation();
        let tenure = Tenure::restored(grant, by, self.audiences.len(), generation, now);
        self.standing = Standing::SignedIn(Box::new(tenure));
    }

    /// Whether it is being asked.
    pub(super) fn is_asking_backend(&self) -> bool {
        self.tenure().is_some_and(|tenure| tenure.is_unheard && tenure.grant.has_cookie)
    }

    /// It has no session, or did not answer: what comes next in the order, or the same once more. Where it still
    /// does not answer, nobody is sent to the provider: the code that comes back would go to the backend, too.
    pub(super) fn backend_failed(&mut self, now: Now, audience: usize, failure: TokenFailure) {
        if !failure.is_final {
            self.refresh_delayed(now, audience, &failure);
            let failures = self.tenure().map(|tenure| tenure.default().plan.failures());
            if failures >= Some(TRIES) {
                self.backend_is_away(now, GUARD, failure.error);
            }
        } else if self.restore.backend.is_quiet {
            self.give_up(now, SignedOutReason::VaultGone, Some(failure.error));
            self.restore_later(now);
        } else {
            self.restore_otherwise();
        }
    }

    /// The device went offline.
    pub(super) fn went_out_of_reach(&mut self, now: Now) {
        if self.is_asking_backend() {
            self.backend_is_away(now, Millis(0), offline());
        }
    }

    /// The device is online again.
    pub(super) fn came_in_reach(&mut self, now: Now) {
        if self.restore.backend.attempt == Attempt::Failed {
            self.restore.retry_at = Some(now.after(Millis(0)));
        }
        self.ask_backend_again(now);
    }

    /// A page is looked at again, or the device is online: a backend that could not be reached is asked once more,
    /// since no page has to leave for that.
    pub(super) fn ask_backend_again(&mut self, now: Now) {
        let is_away = self.restore.backend.attempt == Attempt::Failed;
        let may_ask = is_away && self.has_pages && self.is_online;
        if may_ask && self.restore_again(now) {
            self.restore.backend.is_quiet = true;
        }
    }

    fn backend_is_away(&mut self, now: Now, pause: Millis, error: AuthError) {
        self.restore.backend.attempt = Attempt::Failed;
        self.restore.retry_at = Some(now.after(pause));
        self.give_up(now, SignedOutReason::VaultGone, Some(error));
    }
}
