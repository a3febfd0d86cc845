//! What a vault does that begins where another one ended: it looks for the flag that somebody was
//! signed in (`flag`), and has one page ask the provider who that is (`prompt=none`), in a hidden frame or by going
//! there. Nothing secret outlives a vault, so the provider alone knows.

use super::{
    cookie::Backend,
    flag::{Flag, GUARD},
    inputs::{Ask, Mark, Output},
    machine::{Session, Standing},
    snapshot::{RestoredBy, SignedOutReason},
};
use crate::{
    clock::{Deadline, Millis, Now},
    config::Restore,
    error::{AuthError, Code, Phase},
    oauth::transaction::{Mode, Transaction},
};

/// How long a page may be at the provider before the others stop waiting for it.
const TRIP: Millis = Millis::from_secs(20);
/// How soon the flag is looked at again, where another vault's page is at the provider.
const LOOK: Millis = Millis::from_secs(1);

/// What is known of a session that may be restored.
#[derive(Debug)]
pub(super) struct Restoring {
    policy: Restore,
    stage: Stage,
    /// Whether the flag was seen once. Until then no callback is judged, for one that restores is
    /// worth nothing without it.
    pub(super) has_read_flag: bool,
    /// Whether there may be a sealed record that was not tried yet.
    pub(super) has_record: bool,
    /// What of it is a backend's, by its cookie.
    pub(super) backend: Backend,
    /// Whether a hidden frame may still find out who it is: it was not tried yet.
    has_frame: bool,
    /// The pages that wait, the latest last.
    pages: Vec<Waiting>,
    /// Why another callback failed: the reason to tell, if nothing is restored.
    failed: Option<AuthError>,
    /// When a page that arrives brings about another attempt.
    pub(super) retry_at: Option<Deadline>,
}

/// A page that waits, and what it can do so that the provider is asked.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    ask: Ask,
    can_leave: bool,
    can_frame: bool,
}

impl Waiting {
    fn can(&self, mode: Mode) -> bool {
        if mode == Mode::Silent { self.can_frame } else { self.can_leave }
    }
}

/// How far it is; means nothing unless the session is restoring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The flag is looked for.
    Looking,
    /// A callback is being judged; if it fails, the flag is looked for again.
    Judging,
    /// The sealed record is to be read, under the lock.
    Unsealing,
    /// Another vault's page may be at the provider: when to look again.
    Elsewhere(Deadline),
    /// Any page may go; where none asks to, until when one is waited for that has just arrived.
    Ready(Deadline),
    /// The authorization request is being made.
    Preparing,
    /// A page shows a hidden frame: until when that is waited for.
    Framed(Deadline),
    /// A page is at the provider: until when it is waited for.
    Away(Deadline),
}

impl Stage {
    fn ready(now: Now) -> Self {
        Self::Ready(now.after(TRIP))
    }
}

impl Restoring {
    pub(super) fn new(policy: Restore) -> Self {
        Self {
            policy,
            stage: Stage::Looking,
            has_read_flag: false,
            has_record: false,
            backend: Backend::default(),
            has_frame: policy == Restore::Frame,
            pages: Vec::new(),
            failed: None,
            retry_at: None,
        }
    }

    /// How the provider is asked next, by one of the pages that wait; `None` where none of them can.
    fn way(&self) -> Option<Mode> {
        let can = |mode| self.pages.iter().any(|page| page.can(mode));
        let frame = (self.has_frame && can(Mode::Silent)).then_some(Mode::Silent);
        frame.or_else(|| can(Mode::Redirect).then_some(Mode::Redirect))
    }
}

impl Session {
    /// The store was asked for the flag.
    pub(super) fn flag_read(&mut self, now: Now, flag: Option<Flag>) {
        if !self.restore.has_read_flag {
            self.restore.has_read_flag = true;
            self.find_callbacks();
        }
        let is_restoring = matches!(self.standing, Standing::Restoring);
        if flag.is_some_and(|flag| flag.age(now).is_some()) {
            // Whoever made that attempt asked the backend before.
            self.restore.backend.pass();
        }
        match flag {
            _ if !is_restoring => {}
            None => self.give_up(now, SignedOutReason::NoSession, None),
            Some(_) if self.restore.stage != Stage::Looking => {}
            Some(_) if self.restore.has_record && !self.is_signing_in() => {
                self.restore.stage = Stage::Unsealing;
            }
            Some(_) if self.restore.backend.is_due() && !self.is_signing_in() => {
                self.ask_backend(now);
            }
            Some(_)
                if self.restore.policy == Restore::None
                    && !self.restore.has_record
                    && !self.restore.backend.is_due() =>
            {
                self.give_up(now, SignedOutReason::VaultGone, None);
            }
            Some(_) if self.is_signing_in() => self.restore.stage = Stage::Judging,
            Some(flag) => {
                match flag.age(now) {
                    None => self.restore.stage = Stage::ready(now),
                    // It went with its page, or came to nothing: what comes next in the order.
                    Some(age) if flag.in_frame && (age >= TRIP || !flag.is_shown) => {
                        self.restore.has_frame = false;
                        self.restore.stage = Stage::ready(now);
                    }
                    Some(age) if age < TRIP => {
                        let look = LOOK.min(TRIP.less(age));
                        self.restore.stage = Stage::Elsewhere(now.after(look));
                    }
                    Some(age) => {
                        self.restore.retry_at = Some(now.after(GUARD.less(age)));
                        self.give_up(now, SignedOutReason::VaultGone, Some(no_way_back()));
                    }
                }
                self.send_page(now);
            }
        }
    }

    /// A page waits until nothing is left to restore; it may have to show a hidden frame, or be sent to the
    /// provider, if it can.
    pub(super) fn restore_asked(&mut self, now: Now, ask: Ask, can_leave: bool, can_frame: bool) {
        self.restore.pages.push(Waiting { ask, can_leave, can_frame });
        match &self.standing {
            Standing::Restoring => self.send_page(now),
            Standing::SignedIn(tenure) if tenure.is_unheard => {}
            _ => self.answer_pages(),
        }
    }

    /// Whether the sealed record is to be read.
    pub(super) fn is_unsealing(&self) -> bool {
        matches!(self.standing, Standing::Restoring) && self.restore.stage == Stage::Unsealing
    }

    /// Whether the provider is asked for whom it knows, now that it takes the record's token no more.
    pub(super) fn is_asked_next(&self) -> bool {
        self.restore.policy != Restore::None
            && self.tenure().is_some_and(|tenure| tenure.is_unheard)
    }

    /// There is no sealed record, or it is worth nothing: what comes next in the order.
    pub(super) fn restore_otherwise(&mut self) {
        self.standing = Standing::Restoring;
        self.restore.has_record = false;
        self.restore.stage = Stage::Looking;
        self.outputs.push_back(Output::ReadFlag);
    }

    /// The authorization request was made, or could not be.
    pub(super) fn restore_prepared(&mut self, now: Now, outcome: Result<Transaction, AuthError>) {
        let is_wanted = matches!(self.standing, Standing::Restoring);
        if !is_wanted || self.restore.stage != Stage::Preparing {
            return;
        }
        if self.is_signing_in() {
            self.restore.stage = Stage::Judging;
            return;
        }
        match outcome {
            Ok(transaction) => {
                let mode = transaction.mode;
                // The latest: a page that asked earlier may have been reloaded since.
                let latest = self.restore.pages.iter().rposition(|page| page.can(mode));
                let Some(index) = latest else {
                    self.restore.stage = Stage::ready(now);
                    // It is gone: another may go, or none can.
                    return self.send_page(now);
                };
                let Waiting { ask, .. } = self.restore.pages.remove(index);
                let transaction = Transaction { is_restore: true, ..transaction };
                let until = now.after(TRIP);
                self.restore.stage = if mode == Mode::Silent {
                    self.restore.has_frame = false;
                    // The page stays, and this vault with it.
                    self.sign_ins.remember(transaction.clone(), now.wall);
                    Stage::Framed(until)
                } else {
                    Stage::Away(until)
                };
                self.outputs.push_back(Output::Navigate { ask, transaction });
            }
            Err(error) => self.put_off(now, error),
        }
    }

    /// The hidden frame came to nothing, or went with its page: what comes next in the order.
    pub(super) fn frame_failed(&mut self, now: Now) {
        if let (Standing::Restoring, Stage::Framed(_)) = (&self.standing, self.restore.stage) {
            self.restore.stage = Stage::ready(now);
            self.send_page(now);
        }
    }

    /// The provider, or the way to it, did not restore the session. Final is what the provider said, unless
    /// it said so in a frame, from which the browser may have withheld its cookies: then it is asked once
    /// more, by whoever showed the frame and can leave. Anything else may pass, and the next page tries again.
    pub(super) fn restore_refused(
        &mut self,
        now: Now,
        ask: Ask,
        by: RestoredBy,
        return_to: Option<String>,
        error: AuthError,
        is_final: bool,
    ) {
        if is_final && by == RestoredBy::Frame {
            let outcome = Err(error);
            self.outputs.push_back(Output::Conclude { ask, outcome, mark: Mark::Keep });
            if self.restore.stage == Stage::Judging && !self.is_signing_in() {
                return self.look_again();
            }
            // Unless whoever showed it is still there, and about to ask again.
            return self.send_page(now);
        }
        if self.is_asking_backend() || self.restore.backend.is_away() {
            // It may still know who it is.
            return self.drop_restore(ask, return_to);
        }
        let mark = if is_final { Mark::Clear } else { Mark::Keep };
        if self.wants_restore() {
            self.restore.failed = None;
            self.restore.retry_at = (!is_final).then(|| now.after(GUARD));
            self.give_up(now, SignedOutReason::VaultGone, Some(error));
            self.outputs.push_back(Output::Conclude { ask, outcome: Ok(return_to), mark });
        } else {
            self.drop_restore(ask, return_to);
        }
    }

    /// Nobody waits for this way back any more: the page is put where it was, and that is all.
    pub(super) fn drop_restore(&mut self, ask: Ask, return_to: Option<String>) {
        let outcome = Ok(return_to);
        self.outputs.push_back(Output::Conclude { ask, outcome, mark: Mark::Keep });
    }

    /// Whether the answer to a restore is still worth something: nobody signed in or out meanwhile, in
    /// this vault or in an earlier one.
    pub(super) fn wants_restore(&self) -> bool {
        match &self.standing {
            Standing::Restoring => true,
            Standing::SignedOut { reason, .. } => matches!(
                reason,
                SignedOutReason::VaultGone
                    | SignedOutReason::SealedUnreadable
                    | SignedOutReason::RefreshLost
                    | SignedOutReason::Expired
                    | SignedOutReason::SessionEnded
            ),
            Standing::SignedIn(_) => self.is_asking_backend(),
        }
    }

    /// A callback failed that was to restore nothing: the session may be restored all the same.
    pub(super) fn restore_after(&mut self, error: AuthError) {
        self.restore.failed = Some(error);
        self.look_again();
    }

    /// The flag is looked for again, unless it is being looked for.
    fn look_again(&mut self) {
        if self.restore.stage != Stage::Looking {
            self.restore.stage = Stage::Looking;
            self.outputs.push_back(Output::ReadFlag);
        }
    }

    /// A session ended that nobody wanted to end: the next page that arrives asks the provider, who may
    /// still know the user.
    pub(super) fn restore_later(&mut self, now: Now) {
        if self.restore.policy != Restore::None {
            self.restore.retry_at = Some(now.after(Millis(0)));
        }
    }

    /// A page has arrived: what may have passed by now is tried again.
    pub(super) fn restore_again(&mut self, now: Now) {
        let is_due = self.restore.retry_at.is_some_and(|retry_at| retry_at.is_due(now))
            || self.restore.backend.may_be_asked(now);
        let is_lost = match &self.standing {
            // A callback that failed ends no session: anybody may have made it up.
            Standing::SignedOut { reason: SignedOutReason::CallbackFailed, .. } => true,
            Standing::SignedOut { .. } => self.wants_restore(),
            _ => false,
        };
        if is_due && is_lost && !self.is_signing_in() {
            self.restore.retry_at = None;
            self.restore.has_record = self.is_sealed;
            self.restore.backend.again();
            self.restore.has_frame = self.restore.policy == Restore::Frame;
            self.standing = Standing::Restoring;
            self.restore.stage = Stage::Looking;
            self.outputs.push_back(Output::ReadFlag);
        }
    }

    /// Nothing is restored any more: somebody signed in, or out.
    pub(super) fn stop_restoring(&mut self) {
        self.restore.failed = None;
        self.restore.retry_at = None;
        self.forget_backend();
        self.answer_pages();
    }

    /// The user signs in: the page leaves for that, and nobody is sent to the provider besides.
    pub(super) fn yield_to_sign_in(&mut self, now: Now) {
        if matches!(self.standing, Standing::Restoring) {
            // Before the flag was seen nothing is known to be gone, and no way back is wanted.
            let reason = if self.restore.has_read_flag {
                SignedOutReason::VaultGone
            } else {
                SignedOutReason::NoSession
            };
            self.give_up(now, reason, None);
        }
    }

    /// Tells the pages that wait that there is nothing more to wait for.
    pub(super) fn answer_pages(&mut self) {
        for Waiting { ask, .. } in self.restore.pages.drain(..) {
            let conclude = Output::Conclude { ask, outcome: Ok(None), mark: Mark::Keep };
            self.outputs.push_back(conclude);
        }
    }

    /// Judges the clocks.
    pub(super) fn restore_woke(&mut self, now: Now) {
        if self.restore_wake().is_none_or(|wake| !wake.is_due(now)) {
            return;
        }
        match self.restore.stage {
            Stage::Elsewhere(_) => {
                self.restore.stage = Stage::Looking;
                self.outputs.push_back(Output::ReadFlag);
            }
            Stage::Framed(_) if !self.restore.pages.is_empty() => self.frame_failed(now),
            Stage::Ready(_) => {
                // Whoever arrived left before it asked, and others see that nobody is known yet.
                self.restore_later(now);
                self.give_up(now, SignedOutReason::VaultGone, None);
            }
            _ => {
                self.restore.retry_at = Some(now.after(GUARD.less(TRIP)));
                self.give_up(now, SignedOutReason::VaultGone, Some(no_way_back()));
            }
        }
    }

    /// From when on a page that has arrived is waited for: not from before somebody was there to see it.
    pub(super) fn await_askers(&mut self, now: Now) {
        if let Stage::Ready(at) = self.restore.stage
            && at.is_due(now)
        {
            self.restore.stage = Stage::ready(now);
        }
    }

    /// When to judge them, while a page is at the provider.
    pub(super) fn restore_wake(&self) -> Option<Deadline> {
        match self.restore.stage {
            Stage::Elsewhere(at) | Stage::Framed(at) | Stage::Away(at)
                if matches!(self.standing, Standing::Restoring) && !self.is_signing_in() =>
            {
                Some(at)
            }
            Stage::Ready(at)
                if matches!(self.standing, Standing::Restoring)
                    && self.has_pages
                    && self.restore.pages.is_empty()
                    && !self.is_signing_in() =>
            {
                Some(at)
            }
            _ => None,
        }
    }

    /// Has a page show a frame or leave, if it is time and one can; where none can, none is waited for.
    fn send_page(&mut self, now: Now) {
        if self.is_signing_in() || self.restore.pages.is_empty() {
            return;
        }
        match (self.restore.stage, self.restore.way()) {
            (Stage::Ready(_), Some(mode)) if self.is_online => {
                self.restore.stage = Stage::Preparing;
                self.outputs.push_back(Output::Prepare(mode));
            }
            (Stage::Ready(_), Some(_)) => self.put_off(now, offline()),
            (Stage::Ready(_), None) => {
                // None of them can ask, and nobody else does: a page that arrives may be one that can.
                self.restore_later(now);
                self.give_up(now, SignedOutReason::VaultGone, None);
            }
            (Stage::Elsewhere(_) | Stage::Away(_), None) => {
                self.give_up(now, SignedOutReason::VaultGone, None);
            }
            _ => {}
        }
    }

    /// Nothing was attempted: the next page that arrives may find the provider.
    fn put_off(&mut self, now: Now, error: AuthError) {
        self.restore.retry_at = Some(now.after(Millis(0)));
        self.give_up(now, SignedOutReason::VaultGone, Some(error));
    }

    pub(super) fn give_up(&mut self, now: Now, reason: SignedOutReason, error: Option<AuthError>) {
        let (reason, error) = match self.restore.failed.take() {
            Some(failed) => (SignedOutReason::CallbackFailed, Some(failed)),
            None => (reason, error),
        };
        self.standing = Standing::SignedOut { reason, error };
        self.settle(now);
        self.answer_pages();
    }
}

fn no_way_back() -> AuthError {
    AuthError::transient(
        Code::Timeout,
        Phase::SignIn,
        "a page asked the provider who is signed in and was not sent back: call `signIn()`",
    )
}

pub(super) fn offline() -> AuthError {
    AuthError::transient(
        Code::Offline,
        Phase::SignIn,
        "the device is offline, so the provider could not be asked who is signed in: reload later",
    )
}
