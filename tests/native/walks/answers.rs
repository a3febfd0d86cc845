//! What is due on a walk happens: the vault does what was ordered, and pages do what they do by themselves. Both
//! go by what `vault` and the page's facade do, with chance in the place of everybody else.

use std::rc::Rc;

use tokenward::{
    error::{AuthError, Code, Phase},
    oauth::{
        callback::{Callback, OauthError},
        transaction::{Mode, Transaction},
    },
    secret::Secret,
    session::{
        flag::Flag,
        grant::Grant,
        inputs::{Ask, Generation, Input, Reach, Ticket, TokenFailure, TokenRequest},
        tabs::News,
    },
};

use super::{
    Walk,
    orders::{Call, Flight, Lock, PEOPLE, Then},
};
use crate::{
    fixtures::{claims, failure, grant},
    rig::{callback, grant_is_over, told_to_wait},
};

/// What was ordered, or begun by a page, and is still to happen.
#[derive(Debug)]
pub(super) enum Due {
    Flag,
    Lock {
        is_forced: bool,
    },
    Answer(Flight),
    Find(Ask, String),
    Prepare(Mode),
    Tell(News),
    Recall,
    /// A page goes to the provider, or shows a frame or a window.
    Departure(u64, Transaction),
    /// Something comes back from there: to this page, or with one that arrives.
    Return(Option<u64>, Transaction),
    /// A page asks to have the session restored, if it does not know yet who is signed in.
    Question {
        page: u64,
        can_frame: bool,
    },
    /// A resource refuses a token.
    Refusal(Ticket, usize, Generation),
}

impl Walk {
    /// Something that is due happens, if anything is.
    pub(super) fn answer_one(&mut self) -> bool {
        let count = self.due.len() as u64;
        if count > 0 {
            let chosen = usize::try_from(self.dice.below(count)).unwrap();
            let due = self.due.swap_remove(chosen);
            self.answer(due);
        }
        count > 0
    }

    fn answer(&mut self, due: Due) {
        match due {
            Due::Flag => {
                let is_ours = self.frame.is_some();
                let read = |flag: Flag| Flag { is_shown: flag.is_shown || is_ours, ..flag };
                self.tell(Input::FlagRead(self.flag.map(read)));
            }
            Due::Lock { is_forced } => {
                let is_missed = self.dice.once_in(if is_forced { 4 } else { 20 });
                self.lock = if is_missed { Lock::Free } else { Lock::Held };
                self.tell(if is_missed { Input::LockMissed } else { Input::LockTaken });
            }
            Due::Answer(flight) => {
                let (epoch, outcome) = (flight.epoch, self.outcome(&flight.request));
                self.heard = Some(flight);
                self.tell(Input::TokenAnswered { epoch, outcome });
                self.heard = None;
            }
            Due::Find(ask, state) => {
                let index = self.store.iter().position(|stored| stored.state == state);
                let transaction = index.map(|index| self.store.swap_remove(index));
                self.tell(Input::Found { ask, transaction });
            }
            Due::Prepare(mode) => {
                let prepared = Transaction { mode, ..self.transaction("restore") };
                let failed = failure(Reach::NotSent).error;
                let outcome = if self.dice.once_in(5) { Err(failed) } else { Ok(prepared) };
                self.tell(Input::RestorePrepared(outcome));
            }
            Due::Tell(news) => {
                self.chronicle = self.chronicle.and(news);
                self.tell(Input::Told(self.chronicle.epoch));
            }
            Due::Recall => self.tell(Input::Recalled(self.chronicle)),
            Due::Departure(page, transaction) => self.depart(page, transaction),
            Due::Return(to, transaction) => self.come_back(to, &transaction),
            Due::Question { page, can_frame } => self.ask_restore(page, can_frame),
            Due::Refusal(ticket, audience, generation) => {
                if self.calls.contains_key(&ticket) {
                    self.tell(Input::LeaseRefused { ticket, audience, generation });
                }
            }
        }
    }

    /// What comes of a token request. `session::outcome` is not in the loop: a renewal that turns out to be
    /// somebody else's is what that makes of it.
    fn outcome(&mut self, request: &TokenRequest) -> Result<Grant, TokenFailure> {
        let who = PEOPLE[usize::from(self.dice.once_in(6))];
        let (is_refresh, is_another) = match request {
            TokenRequest::Refresh { grant, .. } => {
                (true, grant.claims.as_ref().is_some_and(|claims| claims.subject != who))
            }
            _ => (false, self.dice.once_in(10)),
        };
        let grant = self.grant(who, is_refresh);
        match self.dice.below(11) {
            0 => Err(grant_is_over()),
            1 => Err(failure(Reach::Lost)),
            2 => Err(failure(Reach::NotSent)),
            3 => Err(told_to_wait(self.one_of(&[3, 30]))),
            4 => Err(failure(Reach::Answered)),
            5 if is_refresh && self.scene.audiences > 0 => Err(refusal(Code::AudienceUnavailable)),
            _ if is_another => Err(TokenFailure {
                is_final: true,
                issued: Some(grant.revocable()),
                ..refusal(Code::IdTokenInvalid)
            }),
            _ => Ok(grant),
        }
    }

    fn grant(&mut self, who: &str, is_renewed: bool) -> Grant {
        let life = self.one_of(&[20, 300]);
        let grant = grant(1, life, self.now);
        let can_renew = is_renewed || !self.dice.once_in(4);
        let is_here = can_renew && !self.scene.has_cookie;
        Grant {
            access_token: Rc::new(Secret::new(format!("{who}-{}", self.next()))),
            refresh_token: grant.refresh_token.filter(|_| is_here),
            has_cookie: self.scene.has_cookie,
            claims: Some(claims(who, self.now)),
            ..grant
        }
    }

    /// A page gets the address that it is to go to, unless the flag is gone (`vault::effects::navigate`).
    fn depart(&mut self, page: u64, transaction: Transaction) {
        let is_beside = transaction.mode != Mode::Redirect;
        let is_there = self.pages.contains(&page);
        if transaction.is_restore {
            let Some(flag) = &mut self.flag else { return self.tell(Input::FlagRead(None)) };
            let attempted = Some(self.now.wall);
            *flag = Flag { attempted, in_frame: is_beside, is_shown: false };
            self.frame = is_beside.then_some(page).or(self.frame);
        }
        if !is_there {
            return self.take_frame_away(page);
        }
        // It may not get it, and a frame may stay silent; who is asked for a password may not answer.
        if self.dice.once_in(4) {
            return self.due.push(Due::Question { page, can_frame: false });
        }
        if !is_beside {
            self.store.push(transaction.clone());
            self.leave(page);
            if self.dice.once_in(4) {
                return;
            }
        }
        self.due.push(Due::Return(is_beside.then_some(page), transaction));
    }

    fn come_back(&mut self, to: Option<u64>, transaction: &Transaction) {
        let is_framed = transaction.is_restore && to.is_some();
        if is_framed && to != self.frame {
            return;
        }
        let (page, then) = match to {
            Some(page) if !self.pages.contains(&page) => return,
            Some(page) => (page, if is_framed { Then::AskIfRefused } else { Then::Nothing }),
            None => (self.arrive(), Then::Ask),
        };
        let outcome = match self.dice.below(6) {
            0 => Err(OauthError::new("login_required", None)),
            1 => Err(OauthError::new("temporarily_unavailable", None)),
            _ => Ok(Secret::from("code")),
        };
        let mut callback = Callback { outcome, ..callback(&transaction.state) };
        if self.dice.once_in(12) {
            callback.iss = Some("https://another.example.com".into());
        }
        let ask = self.ask(page, then);
        self.tell(Input::CallbackArrived { ask, callback });
    }

    fn ask_restore(&mut self, page: u64, can_frame: bool) {
        if self.is_open() && self.pages.contains(&page) {
            self.take_frame_away(page);
            let ask = self.ask(page, Then::Nothing);
            let can_leave = !self.dice.once_in(5);
            let can_frame = can_frame && self.dice.once_in(2);
            self.tell(Input::RestoreAsked { ask, can_leave, can_frame });
        }
    }

    /// A page arrives that brings nothing.
    pub(super) fn arrive_and_ask(&mut self) {
        let page = self.arrive();
        self.due.push(Due::Question { page, can_frame: true });
    }

    fn arrive(&mut self) -> u64 {
        let page = self.next();
        self.log(|| format!("      page {page} arrives"));
        self.pages.push(page);
        self.tell(Input::PageArrived);
        self.go_online(self.is_online);
        page
    }

    /// A page is gone, and its calls and its frame with it.
    pub(super) fn leave(&mut self, page: u64) {
        self.log(|| format!("      page {page} leaves"));
        self.pages.retain(|other| *other != page);
        let is_its = |(ticket, call): (&Ticket, &Call)| (call.page == page).then_some(*ticket);
        for ticket in self.calls.iter().filter_map(is_its).collect::<Vec<_>>() {
            self.tell(Input::TicketDropped(ticket));
            // Until then an answer may cross it.
            self.calls.remove(&ticket);
        }
        self.take_frame_away(page);
        if self.pages.is_empty() {
            self.tell(Input::LastPageLeft);
        }
    }

    fn take_frame_away(&mut self, page: u64) {
        if self.frame.take_if(|shows| *shows == page).is_some() {
            self.tell(Input::FrameFailed);
        }
    }
}

fn refusal(code: Code) -> TokenFailure {
    let error = AuthError::new(code, Phase::Refresh, "refused");
    TokenFailure { error, ..failure(Reach::Answered) }
}
