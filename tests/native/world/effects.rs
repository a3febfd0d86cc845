//! What the sessions order, done: the lock, the store, the other tabs, and the way to the provider and
//! back with what befalls it there.

use tokenward::{
    clock::Millis,
    error::{AuthError, Code, Phase},
    oauth::{dpop::Proofs, token::HttpAnswer},
    request::call,
    session::{
        inputs::{Epoch, Input, Output, TokenRequest},
        outcome::Unanswered,
        sealed::taken,
        tabs::News,
    },
};

use crate::fixtures::ISSUER;

use super::{
    World,
    network::Fault,
    provider,
    timeline::{Event, Inside},
    vault::{Claim, Flight},
};

/// How long the vault waits for the provider.
pub(super) const TIMEOUT: u64 = 10_000;

impl World {
    pub(super) fn perform(
        &mut self,
        tab: usize,
        output: Output,
        questions: &mut Vec<(u64, call::Input)>,
    ) {
        let realm = self.vaults[tab].realm;
        match output {
            Output::TakeLock { jitter } => self.take_lock(tab, Some(jitter)),
            Output::StealLock => self.take_lock(tab, None),
            Output::ReleaseLock => self.release_lock(tab),
            Output::Send { epoch, request } => {
                let vault = &mut self.vaults[tab];
                assert!(vault.flight.is_none(), "two token requests at once");
                assert_eq!(vault.claim, Claim::Held, "a token request without the lock");
                let is_refresh = matches!(request, TokenRequest::Refresh { .. });
                self.tally.refreshes += u64::from(is_refresh);
                if let (true, TokenRequest::Refresh { refresh_token, .. }) =
                    (self.is_sealed, &request)
                {
                    // exposed: to ask the provider about it, though another tab's vault was given it.
                    vault.refresh_token =
                        refresh_token.as_deref().map(|token| token.expose().to_owned());
                }
                vault.flight =
                    Some(Flight { epoch, is_stale: false, is_refresh, is_misled: false });
                if is_refresh && self.vaults[tab].is_taken {
                    let outcome = Err(Unanswered::NotSent(taken()));
                    self.timeline.tell(1, realm, Inside::Answered { epoch, request, outcome });
                } else {
                    self.send(realm, epoch, request);
                }
            }
            Output::Find { ask, state } => {
                self.timeline.tell(3, realm, Inside::Found { ask, state });
            }
            Output::Forget { state } => drop(self.store.remove(&state)),
            Output::Recall => self.timeline.tell(3, realm, Inside::Recalled),
            Output::Tell(news) => self.tell_tabs(tab, news),
            Output::ReadFlag => self.timeline.tell(3, realm, Inside::FlagRead),
            Output::Prepare(mode) => self.prepare(realm, mode),
            Output::Navigate { ask, transaction } if transaction.is_restore => {
                self.travel(tab, ask, transaction);
            }
            Output::Keep(transaction) | Output::Navigate { transaction, .. } => {
                self.store.insert(transaction.state.clone(), transaction);
            }
            Output::Lend { ticket, lease } => {
                let generation = lease.generation.0;
                self.lend(tab, ticket.0, lease);
                questions.push((ticket.0, call::Input::Leased(generation)));
            }
            Output::Refuse { ticket, error } => {
                self.answered(ticket.0);
                questions.push((ticket.0, call::Input::Refused(error)));
            }
            Output::Publish(snapshot) => self.publish(tab, snapshot),
            Output::Revoke(token) | Output::EndSession { token: Some(token), .. } => {
                self.timeline.after(30, Event::Revoked(token.token().cloned().unwrap_or_default()));
            }
            Output::Conclude { ask, mark, .. } => {
                self.mark(mark);
                self.answer_page(ask);
                self.answer_frame(tab, ask, mark);
            }
            Output::Unseal => self.unseal(tab),
            Output::Seal { record, is_new } => self.seal(tab, record, is_new),
            Output::EndSession { token: None, .. } | Output::Bounced { .. } | Output::DropKey => {}
        }
    }

    /// Waits for the lock twice as long as a request may take and `jitter` more, or takes it by force.
    fn take_lock(&mut self, tab: usize, jitter: Option<Millis>) {
        let vault = &mut self.vaults[tab];
        let realm = vault.realm;
        assert_eq!(vault.claim, Claim::Free, "the lock was asked for twice");
        vault.claim = Claim::Asked;
        if self.network.misses_lock() {
            return self.timeline.tell(5, realm, Inside::LockMissed);
        }
        let waits = jitter.and_then(|jitter| Some((jitter.0, self.lock.request(realm)?)));
        match (jitter, waits) {
            (_, Some((jitter, request))) => {
                let wait = 2 * TIMEOUT + jitter;
                self.timeline.tell(wait, realm, Inside::LockWaited(request));
            }
            (Some(_), None) => self.timeline.tell(1, realm, Inside::LockGranted),
            (None, _) => {
                self.tally.stolen += 1;
                self.lock.steal(realm);
                self.timeline.tell(1, realm, Inside::LockGranted);
            }
        }
    }

    fn release_lock(&mut self, tab: usize) {
        let vault = &mut self.vaults[tab];
        assert_eq!(vault.claim, Claim::Held, "a lock was let go that was not held");
        vault.claim = Claim::Free;
        if let Some(next) = self.lock.release(vault.realm) {
            self.timeline.tell(1, next, Inside::LockGranted);
        }
    }

    /// The others hear of it one after the other, each in its own time.
    fn tell_tabs(&mut self, from: usize, news: News) {
        self.chronicle = self.chronicle.and(news);
        let epoch = self.chronicle.epoch;
        self.timeline.tell(3, self.vaults[from].realm, Inside::Told(Input::Told(epoch)));
        for (tab, vault) in self.vaults.iter().enumerate() {
            if tab != from && vault.has_pages {
                let late = 1 + self.dice.below(40);
                let heard = Inside::Told(Input::Heard { epoch, news });
                self.timeline.tell(late, vault.realm, heard);
            }
        }
    }

    fn send(&mut self, realm: u32, epoch: Epoch, request: TokenRequest) {
        self.provider.left(&request, self.timeline.now);
        let fault = self.network.next(&mut self.dice);
        let unsent = match fault {
            Fault::NotSent => Some((1, Unanswered::NotSent(no_answer()))),
            Fault::Unreachable => Some((1, Unanswered::Lost(no_answer()))),
            Fault::LostBefore => Some((TIMEOUT, Unanswered::Lost(no_answer()))),
            _ => None,
        };
        if let Some((after, unanswered)) = unsent {
            let outcome = Err(unanswered);
            return self.timeline.tell(after, realm, Inside::Answered { epoch, request, outcome });
        }
        let there = if let Fault::Slow(ms) = fault { ms.min(TIMEOUT / 2) } else { 50 };
        self.timeline.after(there, Event::ReachedProvider { realm, epoch, request, fault });
    }

    pub(super) fn reached_provider(
        &mut self,
        realm: u32,
        epoch: Epoch,
        request: TokenRequest,
        fault: Fault,
    ) {
        let outcome = self.exchange(&request, fault);
        if let Fault::Duplicate = fault {
            self.timeline.after(200, Event::Duplicated(request.clone()));
        }
        if let Fault::AnswerTwice = fault
            && let Ok(first) = &outcome
        {
            let answer = provider::answer(first.status, &String::from_utf8_lossy(&first.body));
            let request = request.clone();
            self.timeline.tell(60, realm, Inside::AnsweredAgain { epoch, request, answer });
        }
        let back = if let Fault::Slow(ms) = fault { ms.min(TIMEOUT / 2) } else { 50 };
        self.timeline.tell(back, realm, Inside::Answered { epoch, request, outcome });
    }

    fn exchange(&mut self, request: &TokenRequest, fault: Fault) -> Result<HttpAnswer, Unanswered> {
        if let Fault::Challenge(times) = fault {
            return Ok(self.challenged(request, times));
        }
        let acts = !matches!(fault, Fault::Status(_) | Fault::Busy(_));
        let answer = acts.then(|| self.provider.answer(request, self.timeline.now));
        match (fault, answer) {
            (Fault::Status(status), _) => Ok(provider::answer(status, "")),
            (Fault::Busy(seconds), _) => {
                let mut answer = provider::answer(429, "");
                answer.retry_after = Some(seconds.to_string());
                Ok(answer)
            }
            (Fault::Gateway, _) => Ok(provider::answer(502, "<html>Bad gateway</html>")),
            (Fault::Garbled, _) => {
                Ok(provider::answer(200, "<html>Welcome to this network</html>"))
            }
            (Fault::Duplicate | Fault::AnswerTwice, Some(answer)) => Ok(answer),
            (Fault::Slow(ms), Some(answer)) if 2 * ms <= TIMEOUT => Ok(answer),
            _ => Err(Unanswered::Lost(no_answer())),
        }
    }

    /// A request with a proof, carried as `vault::proofs` does.
    fn challenged(&mut self, request: &TokenRequest, times: u8) -> HttpAnswer {
        let (now, mut proofs) = (self.device.now(self.timeline.now), Proofs::default());
        let mut attempt = proofs.attempt(ISSUER);
        for nonce in 0..times {
            let answer = provider::challenge(nonce);
            match proofs.again(&attempt, ISSUER, &answer, now) {
                Some(next) => attempt = next,
                None => return answer,
            }
        }
        self.provider.answer(request, self.timeline.now)
    }
}

fn no_answer() -> AuthError {
    AuthError::transient(Code::ProviderUnreachable, Phase::Refresh, "no answer")
}
