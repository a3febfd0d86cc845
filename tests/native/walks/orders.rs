//! What the session orders on a walk: it becomes due, and is checked where it would break a rule.

use tokenward::{
    oauth::transaction::Transaction,
    session::{
        flag::Flag,
        inputs::{Ask, Epoch, Lease, Mark, Output, Ticket, TokenRequest},
        snapshot::Snapshot,
    },
};

use super::{Walk, answers::Due};

/// Who signs in on a walk. Their tokens begin with their names.
pub(super) const PEOPLE: [&str; 2] = ["alice", "bob"];

/// What the session has of the lock around token requests.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lock {
    Free,
    Asked,
    Held,
}

/// A token request under way.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) epoch: Epoch,
    pub(super) request: TokenRequest,
    /// Whether its answer may sign somebody in: nobody signed out since what it is for began.
    may_begin: bool,
}

impl Flight {
    fn is_refresh(&self) -> bool {
        matches!(self.request, TokenRequest::Refresh { .. })
    }
}

/// What a page does once its question is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    Nothing,
    /// It is back from the provider, and asks to have the session restored.
    Ask,
    /// It brought what came out of a hidden frame, and does the same where that was refused.
    AskIfRefused,
}

/// A call that waits for a token.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) page: u64,
    pub(super) audience: usize,
    /// Whose it is: who was signed in when it was made, or did so first afterwards.
    pub(super) of: Option<&'static str>,
    /// Whether it had a token that a resource did not take.
    pub(super) was_lent: bool,
}

/// Who is signed in.
pub(super) fn person(snapshot: &Snapshot) -> Option<&'static str> {
    let Snapshot::SignedIn { claims, .. } = snapshot else { return None };
    PEOPLE.into_iter().find(|who| claims.contains(who))
}

/// The number that its `state` ends with.
fn number_of(transaction: &Transaction) -> u64 {
    transaction.state.rsplit('-').next().unwrap().parse().unwrap()
}

impl Walk {
    pub(super) fn perform(&mut self, order: Output) {
        match order {
            Output::ReadFlag => self.due.push(Due::Flag),
            Output::TakeLock { .. } => self.want_lock(false),
            Output::StealLock => self.want_lock(true),
            Output::ReleaseLock => {
                self.require(self.lock == Lock::Held, "a lock is let go that is not held");
                self.lock = Lock::Free;
            }
            Output::Send { epoch, request } => self.send(epoch, request),
            Output::Find { ask, state } => self.due.push(Due::Find(ask, state)),
            Output::Prepare(mode) => self.due.push(Due::Prepare(mode)),
            Output::Tell(news) => self.due.push(Due::Tell(news)),
            Output::Recall => self.due.push(Due::Recall),
            Output::Forget { state } => self.store.retain(|stored| stored.state != state),
            Output::Keep(transaction) => self.store.push(transaction),
            Output::Navigate { ask, transaction } => {
                if let Some((page, _)) = self.answered(ask) {
                    self.due.push(Due::Departure(page, transaction));
                }
            }
            Output::Conclude { ask, outcome, mark } => self.conclude(ask, outcome.is_ok(), mark),
            Output::EndSession { ask, .. } => {
                self.answered(ask);
                self.flag = None;
            }
            Output::Lend { ticket, lease } => self.lend(ticket, &lease),
            Output::Refuse { ticket, .. } => self.refuse(ticket),
            Output::Publish(snapshot) => self.publish(snapshot),
            Output::Revoke(_) | Output::Bounced { .. } | Output::DropKey => {}
            Output::Seal { .. } | Output::Unseal => unreachable!("nothing is sealed here"),
        }
    }

    /// A page asks.
    pub(super) fn ask(&mut self, page: u64, then: Then) -> Ask {
        let ask = Ask(self.next());
        self.asked.insert(ask, (page, then));
        ask
    }

    /// The user has signed out, here or in another tab.
    pub(super) fn note_sign_out(&mut self) {
        self.signed_out = Some(self.number);
        for due in &mut self.due {
            if let Due::Answer(flight) = due {
                flight.may_begin = false;
            }
        }
    }

    fn want_lock(&mut self, is_forced: bool) {
        self.require(self.lock == Lock::Free, "a lock is asked for that is not free");
        self.lock = Lock::Asked;
        self.due.push(Due::Lock { is_forced });
    }

    fn send(&mut self, epoch: Epoch, request: TokenRequest) {
        let is_under_way = self.due.iter().any(|due| matches!(due, Due::Answer(_)));
        self.require(!is_under_way, "two token requests at once");
        self.require(self.lock == Lock::Held, "a token request without the lock");
        let may_begin = match &request {
            // Nobody was asked, so nobody signed in since.
            TokenRequest::Code { transaction, .. } if transaction.is_restore => {
                self.signed_out.is_none_or(|then| then < number_of(transaction))
            }
            TokenRequest::Code { .. } | TokenRequest::Password { .. } => true,
            TokenRequest::Refresh { .. } => self.signed_out.is_none(),
        };
        self.due.push(Due::Answer(Flight { epoch, request, may_begin }));
    }

    fn publish(&mut self, snapshot: Snapshot) {
        let (before, after) = (person(&self.shown), person(&snapshot));
        if after.is_some() && after != before {
            let heard = self.heard.as_ref();
            let may_begin = heard.is_some_and(|flight| flight.may_begin);
            let is_another = before.is_some() && heard.is_none_or(Flight::is_refresh);
            self.require(may_begin, "somebody is signed in by what began before a sign-out");
            self.require(!is_another, "a session becomes another person's by a refresh");
            self.signed_out = None;
            // Whoever waits is theirs from now on.
            for call in self.calls.values_mut() {
                call.of = call.of.or(after);
            }
        }
        self.shown = snapshot;
    }

    fn lend(&mut self, ticket: Ticket, lease: &Lease) {
        let Some(call) = self.calls.get_mut(&ticket) else {
            return self.require(false, "a call is answered twice");
        };
        call.was_lent = true;
        let (audience, of) = (call.audience, call.of);
        let who = person(&self.shown);
        let is_theirs = who.is_some_and(|who| lease.token.expose().starts_with(who));
        self.require(is_theirs, "a token is lent that is not of whoever is shown to be signed in");
        self.require(of.is_none() || of == who, "a call of one person has the token of another");
        // A resource may not take it, and the call wants a newer one.
        if self.dice.once_in(6) {
            self.due.push(Due::Refusal(ticket, audience, lease.generation));
        } else {
            self.calls.remove(&ticket);
        }
    }

    fn refuse(&mut self, ticket: Ticket) {
        let call = self.calls.remove(&ticket);
        self.require(call.is_some(), "a call is answered twice");
        let is_nobodys = call.is_some_and(|call| call.of.is_none() && !call.was_lent);
        let is_early = is_nobodys && self.is_open() && !self.is_late;
        self.require(!is_early, "a call is refused before it is known who is signed in");
    }

    fn conclude(&mut self, ask: Ask, is_good: bool, mark: Mark) {
        match mark {
            Mark::Keep => {}
            Mark::Set => (self.flag, self.frame) = (Some(Flag::default()), None),
            Mark::Clear => self.flag = None,
        }
        match self.answered(ask) {
            Some((page, Then::Ask)) => self.due.push(Due::Question { page, can_frame: true }),
            Some((page, Then::AskIfRefused)) if !is_good => {
                self.due.push(Due::Question { page, can_frame: false });
            }
            _ => {}
        }
    }

    fn answered(&mut self, ask: Ask) -> Option<(u64, Then)> {
        let asked = self.asked.remove(&ask);
        self.require(asked.is_some(), "a page is answered twice");
        asked
    }
}
