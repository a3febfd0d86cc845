//! The vault in miniature: it tells the machines what happened, performs what they order, and checks
//! at every step what must always hold.

use tokenward::{
    error::{AuthError, Code, Phase},
    oauth::token::HttpAnswer,
    request::call,
    session::{
        inputs::{Epoch, Generation, Input, Lease, Output, Ticket, TokenRequest, Wake},
        outcome::{Unanswered, judge},
        snapshot::{SignedOutReason, Snapshot},
    },
};

use super::{Flight, Lock, World, network::Fault, provider, timeline::Event};
use crate::fixtures::config;

/// How long the vault waits for the provider.
const TIMEOUT: u64 = 10_000;

impl World {
    /// A page makes a request.
    pub(crate) fn call(&mut self) -> u64 {
        let user = self.user();
        let ticket = self.calls.add(user);
        self.drain_call(ticket);
        ticket
    }

    /// The page no longer wants it.
    pub(crate) fn abort(&mut self, ticket: u64) {
        self.tell(Input::TicketDropped(Ticket(ticket)));
        if let Some(open) = self.calls.open.get_mut(&ticket) {
            open.is_waiting = false;
        }
        self.tell_call(ticket, call::Input::Aborted);
    }

    /// Every page is closed, and its requests with it.
    pub(crate) fn leave(&mut self) {
        let open: Vec<u64> = self.calls.open.keys().copied().collect();
        for ticket in open {
            self.abort(ticket);
        }
        self.tell(Input::LastPageLeft);
    }

    pub(crate) fn tell_page_arrived(&mut self) {
        self.tell(Input::PageArrived);
    }

    pub(crate) fn tell_online(&mut self) {
        self.tell(Input::WentOnline);
    }

    pub(crate) fn tell_offline(&mut self) {
        self.tell(Input::WentOffline);
    }

    pub(crate) fn status(&self) -> String {
        let shown: serde_json::Value = serde_json::from_str(&self.shown()).unwrap();
        shown["status"].as_str().unwrap().to_owned()
    }

    /// Tells the session, performs what it orders, and asks it once more to see that nothing is left.
    pub(crate) fn tell(&mut self, input: Input) {
        self.tell_once(input);
        if std::mem::take(&mut self.device.has_jumped) {
            // A token may seem younger than when the others began to wait.
            self.tell_once(Input::Woke(Wake::Page));
        }
        let now = self.device.now(self.timeline.now);
        self.session.handle(now, Input::Woke(Wake::Page));
        assert!(self.session.poll().is_none(), "a second look at the same moment changes nothing");
        let wake = self.session.wake_at();
        assert!(!wake.is_some_and(|wake| wake.is_due(now)), "a timer that would fire at once");
        self.timer = wake.map(|wake| self.timeline.now + wake.remaining(now).0.clamp(1, 3_600_000));
        assert_eq!(self.published, self.shown(), "the pages were not told");
    }

    fn tell_once(&mut self, input: Input) {
        self.session.handle(self.device.now(self.timeline.now), input);
        let mut questions = Vec::new();
        while let Some(output) = self.session.poll() {
            self.perform(output, &mut questions);
        }
        for (ticket, input) in questions {
            self.tell_call(ticket, input);
        }
    }

    /// Something on the timeline comes to pass.
    pub(super) fn happen(&mut self, event: Event) {
        match event {
            Event::Callback(callback) => {
                let ask = self.ask();
                self.tell(Input::CallbackArrived { ask, callback });
            }
            Event::LockGranted { realm, is_taken } if realm == self.realm => {
                self.lock = if is_taken { Lock::Held } else { Lock::Free };
                self.tell(if is_taken { Input::LockTaken } else { Input::LockMissed });
            }
            Event::Found { realm, ask, state, is_taken } if realm == self.realm => {
                let transaction = self.store.get(&state).cloned();
                if is_taken {
                    self.store.remove(&state);
                }
                self.tell(Input::Found { ask, transaction });
            }
            Event::ReachedProvider { realm, epoch, request, fault } => {
                let outcome = self.exchange(&request, fault);
                let back = if let Fault::Slow(ms) = fault { ms.min(TIMEOUT / 2) } else { 50 };
                let answered = Event::Answered { realm, epoch, request, outcome };
                self.timeline.after(back, answered);
            }
            Event::Answered { realm, epoch, request, outcome } if realm == self.realm => {
                self.hear_answer(epoch, &request, outcome);
            }
            // exposed: the provider is who gets it.
            Event::Revoked(token) => self.provider.revoke(token.expose()),
            Event::ReachedApi { realm, ticket, token } => {
                let is_good = self.provider.accepts(token.expose(), self.timeline.now);
                let status = if is_good { 200 } else { 401 };
                self.timeline.after(20, Event::ApiAnswered { realm, ticket, status });
            }
            Event::ApiAnswered { realm, ticket, status } if realm == self.realm => {
                if let Some(open) = self.calls.open.get_mut(&ticket) {
                    open.status = Some(status);
                }
                self.tell_call(ticket, call::Input::Answered { status, challenge: None });
            }
            _ => {}
        }
    }

    fn perform(&mut self, output: Output, questions: &mut Vec<(u64, call::Input)>) {
        let realm = self.realm;
        match output {
            Output::TakeLock => {
                assert_eq!(self.lock, Lock::Free, "the lock was asked for twice");
                self.lock = Lock::Asked;
                let is_taken = !self.network.misses_lock();
                self.timeline.after(5, Event::LockGranted { realm, is_taken });
            }
            Output::ReleaseLock => {
                assert_eq!(self.lock, Lock::Held, "a lock was let go that was not held");
                self.lock = Lock::Free;
            }
            Output::Send { epoch, request } => {
                assert!(self.flight.is_none(), "two token requests at once");
                assert_eq!(self.lock, Lock::Held, "a token request without the lock");
                self.flight = Some(Flight { epoch, is_stale: false });
                self.send(epoch, request);
            }
            Output::Find { ask, state, is_taken } => {
                self.timeline.after(3, Event::Found { realm, ask, state, is_taken });
            }
            Output::Forget { state } => drop(self.store.remove(&state)),
            Output::Navigate { transaction, .. } => {
                self.store.insert(transaction.state.clone(), transaction);
            }
            Output::Lend { ticket, lease } => {
                let generation = lease.generation.0;
                self.lend(ticket.0, lease);
                questions.push((ticket.0, call::Input::Leased(generation)));
            }
            Output::Refuse { ticket, error } => {
                self.answered(ticket.0);
                questions.push((ticket.0, call::Input::Refused(error)));
            }
            Output::Publish(snapshot) => self.publish(&snapshot),
            Output::Revoke(token) | Output::EndSession { token: Some(token), .. } => {
                self.timeline.after(30, Event::Revoked((*token).clone()));
            }
            Output::Conclude { .. } | Output::EndSession { token: None, .. } => {}
        }
    }

    fn send(&mut self, epoch: Epoch, request: TokenRequest) {
        let realm = self.realm;
        let fault = self.network.next();
        let failed = |is_sent: bool| {
            let error =
                AuthError::transient(Code::ProviderUnreachable, Phase::Refresh, "no answer");
            Err(if is_sent { Unanswered::Lost(error) } else { Unanswered::NotSent(error) })
        };
        let (after, event) = match fault {
            Fault::NotSent => {
                (1, Event::Answered { realm, epoch, request, outcome: failed(false) })
            }
            Fault::LostBefore => {
                (TIMEOUT, Event::Answered { realm, epoch, request, outcome: failed(true) })
            }
            Fault::Slow(ms) => {
                (ms.min(TIMEOUT / 2), Event::ReachedProvider { realm, epoch, request, fault })
            }
            _ => (50, Event::ReachedProvider { realm, epoch, request, fault }),
        };
        self.timeline.after(after, event);
    }

    fn exchange(&mut self, request: &TokenRequest, fault: Fault) -> Result<HttpAnswer, Unanswered> {
        let time = self.timeline.now;
        let error = AuthError::transient(Code::Timeout, Phase::Refresh, "no answer in time");
        match fault {
            Fault::Status(status) => Ok(provider::answer(status, "")),
            Fault::Busy(seconds) => {
                let mut answer = provider::answer(429, "");
                answer.retry_after = Some(seconds.to_string());
                Ok(answer)
            }
            Fault::Gateway => {
                let _ = self.provider.answer(request, time);
                Ok(provider::answer(502, "<html>Bad gateway</html>"))
            }
            Fault::Garbled => {
                let _ = self.provider.answer(request, time);
                Ok(provider::answer(200, "<html>Welcome to this network</html>"))
            }
            Fault::LostAfter => {
                let _ = self.provider.answer(request, time);
                Err(Unanswered::Lost(error))
            }
            Fault::Slow(ms) if 2 * ms > TIMEOUT => {
                let _ = self.provider.answer(request, time);
                Err(Unanswered::Lost(error))
            }
            _ => Ok(self.provider.answer(request, time)),
        }
    }

    fn hear_answer(
        &mut self,
        epoch: Epoch,
        request: &TokenRequest,
        outcome: Result<HttpAnswer, Unanswered>,
    ) {
        let flight = self.flight.take().expect("an answer without a request");
        assert_eq!(flight.epoch, epoch);
        if let Ok(answer) = &outcome {
            self.provider.delivered(&answer.body);
        }
        let now = self.device.now(self.timeline.now);
        let outcome = judge(request, outcome, &config(true), now);
        let (revocable, is_over) = match &outcome {
            Ok(grant) => (Some(grant.revocable()), false),
            Err(failure) => (None, failure.is_final),
        };
        let was_signed_in = matches!(self.session.snapshot(), Snapshot::SignedIn { .. });
        self.tell(Input::TokenAnswered { epoch, outcome });
        let is_signed_in = matches!(self.session.snapshot(), Snapshot::SignedIn { .. });
        if let (TokenRequest::Refresh { refresh_token, .. }, false) = (request, flight.is_stale) {
            assert_eq!(was_signed_in && !is_signed_in, is_over, "only the provider ends a session");
            assert!(!is_over || !self.provider.honours(refresh_token.expose()));
        }
        if let (Some(token), true) = (revocable, flight.is_stale) {
            assert!(!is_signed_in, "rf13: a late answer signed somebody in");
            self.run_for(31);
            assert!(!self.provider.honours(token.expose()), "rf13: a late token was not revoked");
        }
    }

    fn lend(&mut self, ticket: u64, lease: Lease) {
        self.answered(ticket);
        let token = lease.token.expose();
        let time = self.timeline.now;
        // Set back and asleep, a device has no clock left that could know.
        let is_misled = self.device.was_set_back && self.device.slept > 0;
        assert!(is_misled || time < self.provider.expires(token), "a lease past its expiry");
        let open = self.calls.open.get_mut(&ticket).expect("a ticket that nobody holds");
        let user = self.provider.user(token);
        assert!(open.user.is_none_or(|asked| asked == user), "rf14: another user's token");
        let is_same = open.lease.as_ref().is_some_and(|old| old.generation == lease.generation);
        assert!(!is_same, "a refused lease was lent again");
        open.lease = Some(lease);
    }

    fn answered(&mut self, ticket: u64) {
        let open = self.calls.open.get_mut(&ticket).expect("a ticket that nobody holds");
        assert!(open.is_waiting, "a ticket was answered that did not wait");
        open.is_waiting = false;
    }

    fn publish(&mut self, snapshot: &Snapshot) {
        if let Snapshot::SignedOut { reason, .. } = snapshot {
            assert_ne!(*reason, SignedOutReason::Expired, "every grant here can be refreshed");
        }
        let shown = snapshot.to_json();
        assert_ne!(self.published, shown, "the pages were told what they know");
        self.published = shown;
    }

    fn tell_call(&mut self, ticket: u64, input: call::Input) {
        if let Some(open) = self.calls.open.get_mut(&ticket) {
            open.call.handle(input);
            self.drain_call(ticket);
        }
    }

    fn drain_call(&mut self, ticket: u64) {
        while let Some(open) = self.calls.open.get_mut(&ticket) {
            let Some(output) = open.call.poll() else { return };
            match output {
                call::Output::Want => {
                    open.is_waiting = true;
                    self.tell(Input::LeaseWanted(Ticket(ticket)));
                }
                call::Output::WantNewer(generation) => {
                    open.is_waiting = true;
                    let generation = Generation(generation);
                    self.tell(Input::LeaseRefused { ticket: Ticket(ticket), generation });
                }
                call::Output::Send => {
                    let token = open.lease.as_ref().map(|lease| (*lease.token).clone()).unwrap();
                    let event = Event::ReachedApi { realm: self.realm, ticket, token };
                    self.timeline.after(20, event);
                }
                call::Output::Reply => {
                    let status = open.status.expect("a reply without an answer");
                    *self.calls.statuses.entry(status).or_default() += 1;
                    self.calls.open.remove(&ticket);
                }
                call::Output::Fail(error) => {
                    *self.calls.errors.entry(error.code.as_str()).or_default() += 1;
                    self.calls.open.remove(&ticket);
                }
                call::Output::FailNetwork(_) | call::Output::Cancel => {
                    self.calls.open.remove(&ticket);
                }
            }
        }
    }

    pub(super) fn shown(&self) -> String {
        self.session.snapshot().to_json()
    }

    fn user(&self) -> Option<u8> {
        let shown: serde_json::Value = serde_json::from_str(&self.shown()).unwrap();
        shown["claims"]["sub"].as_str()?.strip_prefix("user-")?.parse().ok()
    }
}
