//! The vaults in miniature: the world tells the machines what happened, and checks at every step what
//! must always hold.

use tokenward::{
    jwt::{keys::unavailable, verification::Doubt},
    oauth::token::HttpAnswer,
    request::call,
    session::{
        inputs::{Epoch, Generation, Input, Lease, Ticket, TokenRequest, Wake},
        outcome::{Unanswered, judge},
        snapshot::{SignedOutReason, Snapshot},
    },
};

use super::{
    World,
    calls::OpenCall,
    provider::audience,
    timeline::{Event, Inside},
    vault::{Claim, SignOut},
};
use crate::fixtures::{config_for, text_of};

impl World {
    /// A page makes a request.
    pub(crate) fn call(&mut self, tab: usize) -> u64 {
        let ticket = self.calls.add(tab, self.audiences + 1);
        let realm = self.vaults[tab].realm;
        self.tell_inside(realm, Inside::Called(ticket));
        ticket
    }

    /// The page no longer wants it.
    pub(crate) fn abort(&mut self, ticket: u64) {
        let Some(open) = self.calls.open.get(&ticket) else { return };
        let realm = self.vaults[open.tab].realm;
        self.tell_inside(realm, Inside::Aborted(ticket));
    }

    /// Every page of the tab is closed, and its requests with it.
    pub(crate) fn leave(&mut self, tab: usize) {
        for ticket in self.calls.of(tab) {
            self.abort(ticket);
        }
        self.vaults[tab].has_pages = false;
        self.reload.forget_frame(tab);
        self.tell(tab, Input::FrameFailed);
        self.tell(tab, Input::LastPageLeft);
    }

    /// One of `pages` pages of the tab goes, and its share of the open requests with it; the others stay,
    /// where there are any.
    pub(crate) fn leave_one(&mut self, tab: usize, pages: u32) {
        if pages <= 1 {
            return self.leave(tab);
        }
        let pages = u64::from(pages);
        for ticket in self.calls.of(tab).into_iter().filter(|ticket| ticket % pages == 0) {
            self.abort(ticket);
        }
    }

    /// One of `pages` pages is loaded again, and the vault lives on.
    pub(crate) fn reload_page(&mut self, tab: usize, pages: u32) {
        self.leave_one(tab, pages);
        let late = 50 + self.dice.below(500);
        self.run_for(late);
        self.arrive(tab);
    }

    pub(crate) fn tell_online(&mut self, is_online: bool) {
        for tab in 0..self.tabs() {
            self.tell(tab, if is_online { Input::WentOnline } else { Input::WentOffline });
        }
    }

    /// Tells a session, performs what it orders, and asks it once more to see that nothing is left. One
    /// that stands still hears it when it goes on.
    pub(super) fn tell(&mut self, tab: usize, input: Input) {
        if self.is_frozen(tab) {
            return self.vaults[tab].held.push_back(Inside::Told(input));
        }
        self.catch_up(tab);
        self.tell_once(tab, input);
        let vault = &mut self.vaults[tab];
        if std::mem::take(&mut vault.unseen).jump {
            // A token may seem younger than when the others began to wait.
            self.tell_once(tab, Input::Woke(Wake::Page));
        }
        let now = self.device.now(self.timeline.now);
        let vault = &mut self.vaults[tab];
        vault.session.handle(now, Input::Woke(Wake::Page));
        assert!(vault.session.poll().is_none(), "a second look at the same moment changes nothing");
        let wake = vault.session.wake_at();
        assert!(!wake.is_some_and(|wake| wake.is_due(now)), "a timer that would fire at once");
        let sleep = |wake: tokenward::clock::Deadline| wake.remaining(now).0.clamp(1, 3_600_000);
        vault.timer = wake.map(|wake| self.timeline.now + sleep(wake));
        assert_eq!(vault.published, vault.session.snapshot(), "the pages were not told");
    }

    fn tell_once(&mut self, tab: usize, input: Input) {
        if let Some(trace) = self.trace {
            trace(&format!("{:>10} tab {tab} <- {input:?}", self.timeline.now));
        }
        self.vaults[tab].note(&input);
        let now = self.device.now(self.timeline.now);
        self.vaults[tab].session.handle(now, input);
        let mut questions = Vec::new();
        while let Some(output) = self.vaults[tab].session.poll() {
            if let Some(trace) = self.trace {
                trace(&format!("{:>10} tab {tab} -> {output:?}", self.timeline.now));
            }
            self.perform(tab, output, &mut questions);
        }
        for (ticket, input) in questions {
            self.tell_call(ticket, input);
        }
    }

    /// Something on the timeline comes to pass.
    pub(super) fn happen(&mut self, event: Event) {
        match event {
            Event::For { realm, event } => self.tell_inside(realm, *event),
            Event::Callback { tab, callback } => {
                let ask = self.ask();
                self.tell(tab, Input::CallbackArrived { ask, callback });
            }
            Event::ReachedProvider { realm, epoch, request, fault } => {
                self.reached_provider(realm, epoch, request, fault);
            }
            Event::Duplicated(request) => {
                self.provider.answer_copy(&request, self.timeline.now);
            }
            // exposed: the provider is who gets it.
            Event::Revoked(token) => self.provider.revoke(token.expose()),
            Event::ReachedApi { realm, ticket, token, audience } => {
                let told = self.provider.audience(token.expose());
                assert_eq!(told, audience, "st8: a token went to another audience than its own");
                let is_good = self.provider.accepts(token.expose(), self.timeline.now);
                let status = if is_good { 200 } else { 401 };
                self.timeline.tell(20, realm, Inside::ApiAnswered { ticket, status });
            }
        }
    }

    /// The vault of this realm hears of something, if it is still there.
    fn tell_inside(&mut self, realm: u32, event: Inside) {
        let Some(tab) = self.vaults.iter().position(|vault| vault.realm == realm) else { return };
        if let Inside::Thawed = event {
            self.thaw(tab);
        } else if self.is_frozen(tab) {
            self.vaults[tab].held.push_back(event);
        } else {
            self.catch_up(tab);
            self.happen_inside(tab, event);
        }
    }

    pub(super) fn is_frozen(&self, tab: usize) -> bool {
        self.vaults[tab].frozen_until > self.timeline.now
    }

    /// A realm goes on, or looks again later.
    pub(super) fn thaw(&mut self, tab: usize) {
        let vault = &self.vaults[tab];
        if self.is_frozen(tab) {
            let wait = vault.frozen_until - self.timeline.now;
            self.timeline.tell(wait, vault.realm, Inside::Thawed);
        } else {
            self.catch_up(tab);
        }
    }

    /// What waited comes before all else.
    fn catch_up(&mut self, tab: usize) {
        for event in std::mem::take(&mut self.vaults[tab].held) {
            self.happen_inside(tab, event);
        }
    }

    fn happen_inside(&mut self, tab: usize, event: Inside) {
        match event {
            Inside::Told(input) => self.tell(tab, input),
            Inside::Thawed => {}
            Inside::FlagRead => self.tell(tab, Input::FlagRead(self.reload.flag_read())),
            Inside::FrameAnswered(callback) => self.frame_answered(tab, callback),
            Inside::FrameGivenUp => self.give_up_frame(tab),
            Inside::SawRestoring => self.ask_restore(tab),
            Inside::LockGranted => {
                self.vaults[tab].claim = Claim::Held;
                self.tell(tab, Input::LockTaken);
            }
            Inside::LockMissed => {
                self.vaults[tab].claim = Claim::Free;
                self.tell(tab, Input::LockMissed);
            }
            Inside::LockWaited(request) => {
                if self.lock.gave_up(request) {
                    self.vaults[tab].claim = Claim::Free;
                    self.tell(tab, Input::LockMissed);
                }
            }
            Inside::Recalled => self.tell(tab, Input::Recalled(self.chronicle)),
            Inside::Found { ask, state } => {
                let transaction = self.store.remove(&state);
                self.tell(tab, Input::Found { ask, transaction });
            }
            Inside::Called(ticket) => {
                let user = self.vaults[tab].user;
                if let Some(open) = self.calls.open.get_mut(&ticket) {
                    open.user = user;
                }
                self.drain_call(ticket);
            }
            Inside::Aborted(ticket) => {
                self.tell(tab, Input::TicketDropped(Ticket(ticket)));
                if let Some(open) = self.calls.open.get_mut(&ticket) {
                    open.is_waiting = false;
                }
                self.tell_call(ticket, call::Input::Aborted);
            }
            Inside::Answered { epoch, request, outcome } => {
                self.hear_answer(tab, epoch, &request, outcome);
            }
            Inside::AnsweredAgain { epoch, request, answer } => {
                self.hear_again(tab, epoch, &request, answer);
            }
            Inside::ApiAnswered { ticket, status } => {
                if let Some(open) = self.calls.open.get_mut(&ticket) {
                    open.status = Some(status);
                }
                self.tell_call(
                    ticket,
                    call::Input::Answered { status, challenge: None, nonce: None },
                );
            }
        }
    }

    fn hear_answer(
        &mut self,
        tab: usize,
        epoch: Epoch,
        request: &TokenRequest,
        outcome: Result<HttpAnswer, Unanswered>,
    ) {
        let flight = self.vaults[tab].flight.take().expect("an answer without a request");
        assert_eq!(flight.epoch, epoch);
        if let Ok(answer) = &outcome {
            self.provider.delivered(request, &answer.body);
        }
        let now = self.device.now(self.timeline.now);
        let outcome = judge(request, outcome, &config_for(self.audiences), now)
            .and_then(|unproven| unproven.settle(self.verdict(request)));
        let (revocable, is_over) = match &outcome {
            Ok(grant) => (Some(grant.revocable()), false),
            Err(failure) => (None, failure.is_final),
        };
        if let (Some(token), false) = (&revocable, flight.is_stale) {
            let vault = &mut self.vaults[tab];
            // exposed: to ask the provider about it.
            vault.refresh_token = Some(text_of(token.token()).to_owned());
            vault.is_misled[audience(request)] = flight.is_misled;
        }
        let was_signed_in = self.is_signed_in(tab);
        self.tell(tab, Input::TokenAnswered { epoch, outcome });
        let is_signed_in = self.is_signed_in(tab);
        if let (TokenRequest::Refresh { .. }, false) = (request, flight.is_stale) {
            let has_ended = was_signed_in && !is_signed_in;
            assert!(!has_ended || is_over, "only the provider ends a session");
            assert!(!is_over || !is_signed_in, "what the provider ended goes on");
        }
        if let (Some(token), true) = (revocable, flight.is_stale) {
            assert!(!is_signed_in, "rf13: a late answer signed somebody in");
            self.run_for(31);
            let is_honoured = self.provider.honours(text_of(token.token()), self.timeline.now);
            assert!(!is_honoured, "rf13: a late token was not revoked");
        }
    }

    /// Whether an ID token is its issuer's own. Now and then that cannot be said of a refresh's: its keys
    /// are away.
    fn verdict(&self, request: &TokenRequest) -> Result<(), Doubt> {
        let is_refresh = matches!(request, TokenRequest::Refresh { .. });
        if is_refresh && self.timeline.now.is_multiple_of(4) {
            return Err(Doubt::Unproven(unavailable("no answer")));
        }
        Ok(())
    }

    /// An answer that came before changes nothing. While another request is under way the vault could not
    /// be told: each has one answer.
    fn hear_again(&mut self, tab: usize, epoch: Epoch, request: &TokenRequest, answer: HttpAnswer) {
        if self.vaults[tab].flight.is_some() {
            return;
        }
        let now = self.device.now(self.timeline.now);
        // What time alone brings about comes first.
        self.tell(tab, Input::Woke(Wake::Page));
        if self.vaults[tab].flight.is_some() {
            return;
        }
        let outcome = judge(request, Ok(answer), &config_for(self.audiences), now)
            .and_then(|unproven| unproven.settle(Ok(())));
        let vault = &mut self.vaults[tab];
        vault.session.handle(now, Input::TokenAnswered { epoch, outcome });
        assert!(vault.session.poll().is_none(), "an answer that came twice counted twice");
    }

    pub(super) fn lend(&mut self, tab: usize, ticket: u64, lease: Lease) {
        self.answered(ticket);
        // exposed: to ask the provider about it.
        let token = lease.token.expose();
        let is_late = self.timeline.now >= self.provider.expires(token);
        let is_misled = self.vaults[tab].is_misled[self.calls.open[&ticket].audience];
        self.tally.expired += u64::from(is_late && !is_misled);
        self.tally.misled += u64::from(is_late && is_misled);
        let user = self.provider.user(token);
        let open = self.calls.open.get_mut(&ticket).expect("a ticket that nobody holds");
        assert!(open.user.is_none_or(|asked| asked == user), "rf14: another user's token");
        let is_same = open.lease.as_ref().is_some_and(|old| old.generation == lease.generation);
        assert!(!is_same, "a refused lease was lent again");
        open.lease = Some(lease);
    }

    pub(super) fn answered(&mut self, ticket: u64) {
        let open = self.calls.open.get_mut(&ticket).expect("a ticket that nobody holds");
        assert!(open.is_waiting, "a ticket was answered that did not wait");
        open.is_waiting = false;
    }

    pub(super) fn publish(&mut self, tab: usize, snapshot: Snapshot) {
        let vault = &self.vaults[tab];
        assert_ne!(vault.published, snapshot, "the pages were told what they know");
        let was_signed_in = vault.is_signed_in();
        match &snapshot {
            Snapshot::SignedOut { reason, error } if was_signed_in => {
                // Without an answer of its own it was the record that told it.
                let told = [SignedOutReason::SessionEnded, SignedOutReason::SignedInElsewhere];
                self.session_ended(tab, error.is_none() && told.contains(reason));
            }
            Snapshot::SignedIn { restored_by, .. } if !was_signed_in => {
                self.session_began(tab, restored_by.is_some());
            }
            Snapshot::Restoring => self.timeline.tell(1, vault.realm, Inside::SawRestoring),
            _ => {}
        }
        self.vaults[tab].publish(snapshot);
    }

    /// Only the user and the provider end a session.
    fn session_ended(&mut self, tab: usize, is_told: bool) {
        let token = self.vaults[tab].refresh_token.take();
        if self.vaults[tab].sign_out == SignOut::Told {
            return;
        }
        let is_honoured =
            token.as_ref().is_some_and(|token| self.provider.honours(token, self.timeline.now));
        let is_rotation_lost = token.is_some_and(|token| self.provider.lost_rotation(&token));
        // One session for all tabs that share a record: what ended it in one, or who signed in as another,
        // ends it in all, whatever else the provider still knows of them.
        let is_shared = self.is_sealed && self.tabs() > 1;
        let is_honoured = is_honoured && !(is_shared && is_told);
        self.tally.lost += u64::from(is_honoured);
        self.tally.ended += u64::from(!is_honoured);
        self.tally.rotations_lost += u64::from(is_rotation_lost);
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
            let OpenCall { tab, audience, .. } = *open;
            match output {
                call::Output::Want => {
                    open.is_waiting = true;
                    self.tell(tab, Input::LeaseWanted(Ticket(ticket), audience));
                }
                call::Output::WantNewer(generation) => {
                    open.is_waiting = true;
                    let (ticket, generation) = (Ticket(ticket), Generation(generation));
                    self.tell(tab, Input::LeaseRefused { ticket, audience, generation });
                }
                call::Output::Send => {
                    let token = open.lease.as_ref().map(|lease| (*lease.token).clone()).unwrap();
                    let realm = self.vaults[tab].realm;
                    self.timeline.after(20, Event::ReachedApi { realm, ticket, token, audience });
                }
                call::Output::Reply | call::Output::ReplyUnrepeated => {
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
}
