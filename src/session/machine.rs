//! `Session`: one vault's knowledge of who is signed in. It hears what happened and orders what is to
//! be done; it performs nothing and reads no clock.

use std::{collections::VecDeque, rc::Rc};

use super::{
    access::Access,
    exchange::Exchange,
    inputs::{Epoch, Generation, Input, Output},
    journal::Journal,
    random::Random,
    restore::Restoring,
    signin::SignIns,
    snapshot::{SignedOutReason, Snapshot},
    tabs::TabsEpoch,
    tenure::Tenure,
    waiting::Waiting,
};
use crate::{
    clock::{Deadline, Millis, Now, ServerOffset, UnixMillis, Watch},
    config::{DEFAULT_AUDIENCE, Restore},
    error::AuthError,
};

/// The session of one vault: after each `handle`, drain `poll` until it is empty, then sleep until
/// `wake_at`. Waking early, late or twice changes nothing.
#[derive(Debug)]
pub struct Session {
    pub(super) epoch: Epoch,
    pub(super) sign_outs: u64,
    pub(super) standing: Standing,
    pub(super) sign_ins: SignIns,
    pub(super) exchange: Exchange,
    pub(super) waiting: Waiting,
    pub(super) restore: Restoring,
    /// Every audience, by the provider's names for them; the default one is the first.
    pub(super) audiences: Vec<String>,
    pub(super) random: Random,
    pub(super) is_online: bool,
    pub(super) has_pages: bool,
    /// Whether its refresh token outlives the vault under a seal.
    pub(super) is_sealed: bool,
    /// How far what happened in other tabs is known; `None` until they were asked.
    pub(super) tabs_epoch: Option<TabsEpoch>,
    pub(super) outputs: VecDeque<Output>,
    pub(super) journal: Journal,
    generation: Generation,
    shown: View,
    wake: Option<Deadline>,
    watch: Watch,
}

/// Who is signed in.
#[derive(Debug)]
pub(super) enum Standing {
    Restoring,
    SignedOut { reason: SignedOutReason, error: Option<AuthError> },
    SignedIn(Box<Tenure>),
}

/// What a snapshot depends on: two views are equal exactly when pages see no difference.
#[derive(Debug, PartialEq)]
enum View {
    Restoring,
    SignedOut(SignedOutReason, Option<AuthError>),
    SigningIn,
    SignedIn {
        generation: Generation,
        claims: Rc<str>,
        expires_at: Option<UnixMillis>,
        refresh_at: Option<UnixMillis>,
        is_refreshing: bool,
        degraded: Option<AuthError>,
    },
}

impl Session {
    /// A session that does not know yet whether there is one. The seed is for jitter alone.
    #[must_use]
    pub fn new(seed: u64, restore: Restore) -> Self {
        Self {
            epoch: Epoch::default(),
            sign_outs: 0,
            standing: Standing::Restoring,
            sign_ins: SignIns::default(),
            exchange: Exchange::default(),
            waiting: Waiting::default(),
            restore: Restoring::new(restore),
            audiences: vec![String::new()],
            random: Random::new(seed),
            is_online: true,
            has_pages: false,
            is_sealed: false,
            tabs_epoch: None,
            outputs: VecDeque::from([Output::ReadFlag]),
            journal: Journal::default(),
            generation: Generation::default(),
            shown: View::Restoring,
            wake: None,
            watch: Watch::default(),
        }
    }

    /// The same with an access token for each of these audiences (RFC 8707), by their numbers. The first
    /// is the default one, whose token comes with a sign-in; the others are asked for when they are wanted.
    #[must_use]
    pub fn with_audiences(self, audiences: &[String]) -> Self {
        Self { audiences: audiences.to_vec(), ..self }
    }

    /// Takes in what happened at `now`, by both clocks.
    pub fn handle(&mut self, now: Now, input: Input) {
        self.look_at_the_clocks(now);
        let before = self.stand();
        self.expire(now);
        self.restore_woke(now);
        match input {
            // These concern one ticket: the others need no second look.
            Input::LeaseWanted(ticket, audience) => self.lease_wanted(now, ticket, audience),
            Input::LeaseRefused { ticket, audience, generation } => {
                self.lease_refused(now, ticket, audience, generation);
            }
            Input::TicketDropped(ticket) => {
                self.waiting.remove(ticket);
            }
            other => {
                self.hear(now, other);
                self.settle(now);
            }
        }
        self.start(now);
        self.await_askers(now);
        self.note(now, &before);
        self.publish();
        self.wake = self.next_wake(now);
    }

    /// The next thing to do, if there is one.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to say `Woke(Timer)`, if nothing else happens before.
    #[must_use]
    pub fn wake_at(&self) -> Option<Deadline> {
        self.wake
    }

    /// What became of the session, the latest last.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The session as pages may see it now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        match self.view() {
            View::Restoring => Snapshot::Restoring,
            View::SigningIn => Snapshot::SigningIn,
            View::SignedOut(reason, error) => Snapshot::SignedOut { reason, error },
            View::SignedIn { claims, expires_at, refresh_at, is_refreshing, degraded, .. } => {
                let grant = self.tenure().map(|tenure| &tenure.grant);
                Snapshot::SignedIn {
                    claims,
                    scopes: grant.map(|grant| grant.scopes.clone()).unwrap_or_default(),
                    expires_at: expires_at.map(|moment| moment.0),
                    refresh_at: refresh_at.map(|moment| moment.0),
                    refreshing: is_refreshing,
                    degraded,
                    restored_by: self.tenure().and_then(|tenure| tenure.restored_by),
                }
            }
        }
    }

    /// How many sign-outs there have been, here and in other tabs: at each, what else is kept for a person
    /// is to be forgotten.
    #[must_use]
    pub fn sign_outs(&self) -> u64 {
        self.sign_outs
    }

    /// Whether a token request is under way, or its turn is awaited.
    #[must_use]
    pub fn is_asking(&self) -> bool {
        self.exchange.is_busy()
    }

    /// How far the provider's clock is ahead of the device's, as far as it is known.
    #[must_use]
    pub fn server_offset(&self) -> ServerOffset {
        self.tenure().map(|tenure| tenure.grant.offset).unwrap_or_default()
    }

    pub(super) fn tenure(&self) -> Option<&Tenure> {
        match &self.standing {
            Standing::SignedIn(tenure) => Some(tenure),
            Standing::Restoring | Standing::SignedOut { .. } => None,
        }
    }

    pub(super) fn next_generation(&mut self) -> Generation {
        self.generation = Generation(self.generation.0 + 1);
        self.generation
    }

    /// Nobody is signed in any more.
    pub(super) fn end(&mut self, reason: SignedOutReason, error: Option<AuthError>) {
        self.standing = Standing::SignedOut { reason, error };
        self.refuse_all();
        self.answer_pages();
    }

    fn hear(&mut self, now: Now, input: Input) {
        match input {
            Input::FlagRead(flag) => self.flag_read(now, flag),
            Input::RestoreAsked { ask, can_leave, can_frame } => {
                self.restore_asked(now, ask, can_leave, can_frame);
            }
            Input::FrameFailed => self.frame_failed(now),
            Input::RestorePrepared(outcome) => self.restore_prepared(now, outcome),
            Input::SignInAsked { ask, transaction } => self.sign_in_asked(now, ask, transaction),
            Input::CallbackArrived { ask, callback } => self.callback_arrived(now, ask, callback),
            Input::PasswordGiven { ask, request } => self.password_given(now, ask, request),
            Input::CallbackRefused { ask, error } => self.conclude_failed(ask, error),
            Input::Found { ask, transaction } => self.found(now, ask, transaction),
            Input::LockTaken => self.lock_taken(now),
            Input::Unsealed(outcome) => self.record_read(now, outcome),
            Input::Warned(error) => self.warned(now, error),
            Input::LockMissed => self.lock_missed(now),
            Input::TokenAnswered { epoch, outcome } => self.token_answered(now, epoch, outcome),
            Input::WentOnline => self.went_online(now),
            Input::WentOffline => {
                self.is_online = false;
                if self.is_asking_backend() {
                    self.went_out_of_reach(now);
                }
                self.provider_heard();
            }
            Input::PageArrived => {
                self.has_pages = true;
                self.outputs.push_back(Output::Recall);
                self.restore_again(now);
            }
            Input::LastPageLeft => {
                self.has_pages = false;
                self.answer_pages();
                // Whoever waited is gone.
                self.waiting = Waiting::default();
            }
            Input::SignOutAsked(ask) => self.sign_out_asked(ask),
            Input::LogoutTold { ask, ended } => self.logout_told(ask, &ended),
            Input::Heard { epoch, news } => self.heard(epoch, news),
            Input::Recalled(chronicle) => self.recalled(chronicle),
            Input::Told(epoch) => self.told(epoch),
            Input::Woke(_) => self.ask_beside(now),
            // These concern one ticket.
            Input::LeaseWanted(..) | Input::LeaseRefused { .. } | Input::TicketDropped(_) => {}
        }
    }

    fn went_online(&mut self, now: Now) {
        // Each page says it when it arrives: that is no reason to try sooner.
        if core::mem::replace(&mut self.is_online, true) {
            return;
        }
        if let Standing::SignedIn(tenure) = &mut self.standing {
            for plan in tenure.plans() {
                plan.came_online(now, &mut self.random);
            }
        }
        self.came_in_reach(now);
    }

    fn look_at_the_clocks(&mut self, now: Now) {
        let back = self.watch.set_back(now);
        if back > Millis(0) {
            self.exchange.set_back(back);
            if let Standing::SignedIn(tenure) = &mut self.standing {
                tenure.set_back(back);
            }
        }
    }

    fn expire(&mut self, now: Now) {
        let end = self.tenure().and_then(Tenure::end);
        if end.is_some_and(|end| end.is_due(now)) {
            self.end(SignedOutReason::Expired, None);
            self.restore_later(now);
        }
    }

    fn publish(&mut self) {
        let view = self.view();
        if view != self.shown {
            self.shown = view;
            // Before all else that was ordered now: whoever gets an answer finds the state changed.
            let shown = self.outputs.iter().rposition(|o| matches!(o, Output::Publish(_)));
            let at = shown.map_or(0, |index| index + 1);
            self.outputs.insert(at, Output::Publish(self.snapshot()));
        }
    }

    fn view(&self) -> View {
        match &self.standing {
            Standing::SignedIn(tenure) if tenure.is_unheard => View::Restoring,
            Standing::SignedIn(tenure) => {
                let (grant, access) = (&tenure.grant, tenure.default());
                let claims = grant.claims.as_ref();
                let refresh_at = self.next_refresh(tenure, access);
                View::SignedIn {
                    generation: access.generation,
                    // Plain OAuth says nothing about the person.
                    claims: claims.map_or_else(|| "{}".into(), |claims| claims.text.clone()),
                    expires_at: access.expiry().map(|deadline| deadline.wall()),
                    refresh_at: refresh_at.map(|deadline| deadline.wall()),
                    is_refreshing: self.is_refreshing(DEFAULT_AUDIENCE),
                    degraded: access.plan.error().cloned(),
                }
            }
            Standing::SignedOut { .. } | Standing::Restoring if self.is_signing_in() => {
                View::SigningIn
            }
            Standing::SignedOut { reason, error } => View::SignedOut(*reason, error.clone()),
            Standing::Restoring => View::Restoring,
        }
    }

    /// When the next refresh is due by itself; `None` while none is planned: nobody is there to need
    /// it, the device is offline, or there is nothing to refresh with.
    pub(super) fn next_refresh(&self, tenure: &Tenure, access: &Access) -> Option<Deadline> {
        let is_planned = self.has_pages && self.is_online && tenure.grant.is_renewable();
        access.plan.next_attempt().filter(|_| is_planned)
    }

    fn next_wake(&self, now: Now) -> Option<Deadline> {
        if let Some(wake) = self.restore_wake() {
            return Some(wake);
        }
        if let Some(at) = self.next_beside() {
            return Some(at).filter(|_| !self.exchange.is_busy());
        }
        let tenure = self.tenure()?;
        let refreshes =
            tenure.accesses.iter().filter_map(|access| self.next_refresh(tenure, access));
        let refresh = refreshes.min_by_key(|deadline| deadline.remaining(now));
        tenure.end().or(refresh.filter(|_| !self.exchange.is_busy()))
    }
}
