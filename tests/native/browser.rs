//! A browser with vaults of one client in tabs of their own, in virtual time: a message, an answer of
//! the store and a lock each take a millisecond.

use std::collections::VecDeque;

use tokenward::{
    clock::{Millis, Now, UnixMillis},
    config::Restore,
    session::{
        inputs::{Ask, Epoch, Input, Output, TokenRequest},
        machine::Session,
        tabs::Chronicle,
    },
};

use crate::{
    fixtures::{START, grant, transaction},
    rig::{callback, describe, status},
};

/// How long a vault waits for the lock, its jitter aside.
pub(crate) const WAIT: u64 = 20_000;

/// A browser whose tabs have a vault each.
pub(crate) struct Browser {
    pub(crate) now: u64,
    pub(crate) tabs: Vec<Tab>,
    chronicle: Chronicle,
    to_come: Vec<(u64, usize, Input)>,
    lock: Lock,
}

#[derive(Default)]
struct Lock {
    holder: Option<usize>,
    /// Who waits, and until when.
    waiting: VecDeque<(usize, u64)>,
}

pub(crate) struct Tab {
    session: Session,
    /// Whether it has a page, so that it hears the others.
    is_shown: bool,
    /// Whether it runs at all.
    pub(crate) is_hung: bool,
    pub(crate) orders: Vec<String>,
    pub(crate) flight: Option<(Epoch, TokenRequest)>,
    /// Which of its grants comes next.
    serial: u32,
}

impl Browser {
    pub(crate) fn open(count: usize) -> Self {
        let mut tabs = Self {
            now: 0,
            tabs: Vec::new(),
            chronicle: Chronicle::default(),
            to_come: Vec::new(),
            lock: Lock::default(),
        };
        for _ in 0..count {
            tabs.open_one();
        }
        tabs.run_for(10);
        tabs
    }

    pub(crate) fn open_one(&mut self) -> usize {
        let index = self.tabs.len();
        self.tabs.push(Tab {
            session: Session::new(index as u64, Restore::Redirect),
            is_shown: true,
            is_hung: false,
            orders: Vec::new(),
            flight: None,
            serial: u32::try_from(index).unwrap() * 100,
        });
        self.tell(index, Input::FlagRead(None));
        self.tell(index, Input::PageArrived);
        index
    }

    pub(crate) fn clock(&self) -> Now {
        let wall = UnixMillis(START.wall.0 + i64::try_from(self.now).unwrap());
        Now { wall, monotonic: Millis(START.monotonic.0 + self.now) }
    }

    pub(crate) fn tell(&mut self, index: usize, input: Input) {
        let now = self.clock();
        self.tabs[index].session.handle(now, input);
        while let Some(output) = self.tabs[index].session.poll() {
            self.tabs[index].orders.push(describe(&output));
            self.perform(index, output);
        }
    }

    fn perform(&mut self, index: usize, output: Output) {
        match output {
            Output::Recall => self.soon(index, Input::Recalled(self.chronicle)),
            Output::Tell(news) => {
                self.chronicle = self.chronicle.and(news);
                let epoch = self.chronicle.epoch;
                self.soon(index, Input::Told(epoch));
                for other in 0..self.tabs.len() {
                    if other != index && self.tabs[other].is_shown {
                        self.soon(other, Input::Heard { epoch, news });
                    }
                }
            }
            Output::TakeLock { jitter } if self.lock.holder.is_some() => {
                self.lock.waiting.push_back((index, self.now + WAIT + jitter.0));
            }
            Output::TakeLock { .. } | Output::StealLock => {
                self.lock.holder = Some(index);
                self.soon(index, Input::LockTaken);
            }
            Output::ReleaseLock => self.release(index),
            Output::Send { epoch, request } => {
                self.tabs[index].flight = Some((epoch, request));
            }
            _ => {}
        }
    }

    /// The lock is let go, or its holder's realm ends; a lock that was stolen from it is not its own.
    pub(crate) fn release(&mut self, index: usize) {
        if self.lock.holder == Some(index) {
            self.lock.holder = self.lock.waiting.pop_front().map(|(next, _)| next);
            if let Some(next) = self.lock.holder {
                self.soon(next, Input::LockTaken);
            }
        }
    }

    fn soon(&mut self, index: usize, input: Input) {
        self.to_come.push((self.now + 1, index, input));
    }

    pub(crate) fn run_for(&mut self, ms: u64) {
        for _ in 0..ms {
            self.now += 1;
            let (due, later) = std::mem::take(&mut self.to_come)
                .into_iter()
                .partition(|(at, index, _)| *at <= self.now && !self.tabs[*index].is_hung);
            self.to_come = later;
            let due: Vec<(u64, usize, Input)> = due;
            for (_, index, input) in due {
                self.tell(index, input);
            }
            let now = self.now;
            let over: Vec<_> =
                self.lock.waiting.iter().filter(|(_, end)| *end <= now).copied().collect();
            self.lock.waiting.retain(|(_, end)| *end > now);
            for (index, _) in over {
                self.tell(index, Input::LockMissed);
            }
        }
    }

    /// The provider answers what this tab sent.
    pub(crate) fn answer(&mut self, index: usize) {
        let (epoch, _) = self.tabs[index].flight.take().expect("nothing was sent");
        self.tabs[index].serial += 1;
        let outcome = Ok(grant(self.tabs[index].serial, 300, self.clock()));
        self.tell(index, Input::TokenAnswered { epoch, outcome });
        self.run_for(3);
    }

    pub(crate) fn sign_in(&mut self, index: usize) {
        let state = format!("s{index}-{}", self.now);
        let transaction = transaction(&state, self.clock().wall);
        self.tell(index, Input::SignInAsked { ask: Ask(0), transaction });
        self.tell(index, Input::CallbackArrived { ask: Ask(1), callback: callback(&state) });
        self.run_for(3);
        self.answer(index);
    }

    pub(crate) fn sign_out(&mut self, index: usize) {
        self.tell(index, Input::SignOutAsked(Ask(9)));
    }

    /// The page goes into the back/forward cache.
    pub(crate) fn hide(&mut self, index: usize) {
        self.tabs[index].is_shown = false;
        self.tell(index, Input::LastPageLeft);
    }

    pub(crate) fn show(&mut self, index: usize) {
        self.tabs[index].is_shown = true;
        self.tell(index, Input::PageArrived);
    }

    pub(crate) fn status(&self, index: usize) -> String {
        status(&self.tabs[index].session.snapshot())
    }

    pub(crate) fn orders(&mut self, index: usize) -> Vec<String> {
        std::mem::take(&mut self.tabs[index].orders)
    }
}
