//! Vaults of one client in tabs of their own: what they tell each other, and the lock that they share.
//! Time is virtual: a message, an answer of the store and a lock each take a millisecond.

use std::collections::VecDeque;

use tokenward::{
    clock::{Millis, Now, UnixMillis},
    session::{
        inputs::{Ask, Epoch, Input, Output, Ticket, TokenRequest},
        machine::Session,
        tabs::{Chronicle, News, TabsEpoch},
    },
};

use crate::{
    fixtures::{START, grant, transaction},
    rig::{callback, describe, status},
};

/// How long a vault waits for the lock, its jitter aside.
const WAIT: u64 = 20_000;

/// A browser whose tabs have a vault each.
struct Browser {
    now: u64,
    tabs: Vec<Tab>,
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

struct Tab {
    session: Session,
    /// Whether it has a page, so that it hears the others.
    is_shown: bool,
    /// Whether it runs at all.
    is_hung: bool,
    orders: Vec<String>,
    flight: Option<(Epoch, TokenRequest)>,
    /// Which of its grants comes next.
    serial: u32,
}

impl Browser {
    fn open(count: usize) -> Self {
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

    fn open_one(&mut self) -> usize {
        let index = self.tabs.len();
        self.tabs.push(Tab {
            session: Session::new(index as u64),
            is_shown: true,
            is_hung: false,
            orders: Vec::new(),
            flight: None,
            serial: u32::try_from(index).unwrap() * 100,
        });
        self.tell(index, Input::Restored);
        self.tell(index, Input::PageArrived);
        index
    }

    fn clock(&self) -> Now {
        let wall = UnixMillis(START.wall.0 + i64::try_from(self.now).unwrap());
        Now { wall, monotonic: Millis(START.monotonic.0 + self.now) }
    }

    fn tell(&mut self, index: usize, input: Input) {
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
    fn release(&mut self, index: usize) {
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

    fn run_for(&mut self, ms: u64) {
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
    fn answer(&mut self, index: usize) {
        let (epoch, _) = self.tabs[index].flight.take().expect("nothing was sent");
        self.tabs[index].serial += 1;
        let outcome = Ok(grant(self.tabs[index].serial, 300, self.clock()));
        self.tell(index, Input::TokenAnswered { epoch, outcome });
        self.run_for(3);
    }

    fn sign_in(&mut self, index: usize) {
        let state = format!("s{index}-{}", self.now);
        let transaction = transaction(&state, self.clock().wall);
        self.tell(index, Input::SignInAsked { ask: Ask(0), transaction });
        self.tell(index, Input::CallbackArrived { ask: Ask(1), callback: callback(&state) });
        self.run_for(3);
        self.answer(index);
    }

    fn sign_out(&mut self, index: usize) {
        self.tell(index, Input::SignOutAsked(Ask(9)));
    }

    /// The page goes into the back/forward cache.
    fn hide(&mut self, index: usize) {
        self.tabs[index].is_shown = false;
        self.tell(index, Input::LastPageLeft);
    }

    fn show(&mut self, index: usize) {
        self.tabs[index].is_shown = true;
        self.tell(index, Input::PageArrived);
    }

    fn status(&self, index: usize) -> String {
        status(&self.tabs[index].session.snapshot())
    }

    fn orders(&mut self, index: usize) -> Vec<String> {
        std::mem::take(&mut self.tabs[index].orders)
    }
}

#[test]
fn a_sign_out_in_one_tab_ends_every_session_at_once() {
    let mut browser = Browser::open(4);
    for index in 0..3 {
        browser.sign_in(index);
    }
    browser.orders(1);
    browser.sign_out(0);
    browser.run_for(1);
    for index in 0..3 {
        assert_eq!(browser.status(index), "signedOut signed_out", "{index}");
    }
    assert_eq!(
        browser.orders(1),
        ["Publish signedOut signed_out", "Revoke rt-101"],
        "its own token"
    );
    assert_eq!(browser.status(3), "signedOut signed_out", "nobody is signed in elsewhere any more");
}

#[test]
fn a_sign_out_where_nobody_is_signed_in_holds_everywhere_too() {
    let mut browser = Browser::open(2);
    browser.sign_in(1);
    browser.sign_out(0);
    browser.run_for(1);
    assert_eq!(browser.status(1), "signedOut signed_out");
}

#[test]
fn a_sign_in_elsewhere_is_shown_to_a_tab_without_a_session() {
    let mut browser = Browser::open(2);
    browser.sign_in(0);
    assert_eq!(browser.status(1), "signedOut signed_in_elsewhere");
    browser.sign_in(1);
    assert_eq!(browser.status(1), "signedIn");
}

#[test]
fn rf14_a_sign_in_elsewhere_leaves_a_session_alone() {
    let mut browser = Browser::open(2);
    browser.sign_in(0);
    browser.sign_in(1);
    browser.orders(0);
    browser.sign_in(1);
    assert_eq!(browser.status(0), "signedIn");
    assert_eq!(browser.orders(0), Vec::<String>::new(), "nothing of it changed");
}

#[test]
fn a_new_tab_has_missed_nothing() {
    let mut browser = Browser::open(1);
    browser.sign_in(0);
    browser.sign_out(0);
    let index = browser.open_one();
    browser.run_for(3);
    assert_eq!(browser.status(index), "signedOut no_session");
    // Not even a sign-out of its own time, while it comes back from a sign-in.
    let index = browser.open_one();
    browser.sign_in(index);
    assert_eq!(browser.status(index), "signedIn");
}

#[test]
fn rf13_a_sign_out_elsewhere_wins_over_a_refresh_and_a_sign_in_under_way() {
    let mut browser = Browser::open(3);
    browser.sign_in(0);
    browser.now += 301_000;
    browser.tell(0, Input::LeaseWanted(Ticket(1)));
    browser.run_for(2);
    assert!(browser.tabs[0].flight.is_some());
    let transaction = transaction("late", browser.clock().wall);
    browser.tell(1, Input::SignInAsked { ask: Ask(0), transaction });
    browser.tell(1, Input::CallbackArrived { ask: Ask(1), callback: callback("late") });
    browser.sign_out(2);
    browser.run_for(1);
    browser.answer(0);
    assert!(browser.orders(0).contains(&"Revoke rt-2".into()), "its late tokens");
    assert!(browser.orders(1).contains(&"Conclude 1 session_ended".into()));
    for index in 0..3 {
        assert_eq!(browser.status(index), "signedOut signed_out", "{index}");
    }
}

#[test]
fn a_page_that_comes_back_catches_up_with_a_sign_out() {
    let mut browser = Browser::open(2);
    browser.sign_in(0);
    browser.sign_in(1);
    browser.hide(1);
    browser.sign_out(0);
    browser.sign_in(0);
    browser.run_for(60_000);
    assert_eq!(browser.status(1), "signedIn", "it hears nothing");
    browser.orders(1);
    browser.show(1);
    browser.run_for(1);
    assert_eq!(browser.status(1), "signedOut signed_in_elsewhere");
    assert!(browser.orders(1).contains(&"Revoke rt-101".into()));
}

#[test]
fn a_page_that_comes_back_catches_up_with_a_sign_in() {
    let mut browser = Browser::open(2);
    browser.hide(1);
    browser.sign_in(0);
    browser.show(1);
    browser.run_for(1);
    assert_eq!(browser.status(1), "signedOut signed_in_elsewhere");
}

#[test]
fn a_page_that_comes_back_after_its_own_sign_out_keeps_the_next_session() {
    let mut browser = Browser::open(1);
    browser.sign_in(0);
    browser.sign_out(0);
    browser.run_for(3);
    browser.sign_in(0);
    browser.hide(0);
    browser.show(0);
    browser.run_for(3);
    assert_eq!(browser.status(0), "signedIn");
}

#[test]
fn news_that_come_late_are_none() {
    let mut browser = Browser::open(2);
    browser.sign_in(0);
    browser.sign_out(0);
    browser.run_for(3);
    browser.tell(1, Input::Heard { epoch: TabsEpoch(1), news: News::SignedIn });
    assert_eq!(browser.status(1), "signedOut signed_out");
}

/// All want a refresh at once.
fn expire(browser: &mut Browser) {
    browser.now += 301_000;
    for index in 0..browser.tabs.len() {
        browser.tell(index, Input::LeaseWanted(Ticket(1)));
    }
    browser.run_for(2);
}

#[test]
fn token_requests_of_all_tabs_go_one_after_another() {
    let mut browser = Browser::open(3);
    for index in 0..3 {
        browser.sign_in(index);
    }
    expire(&mut browser);
    for index in 0..3 {
        let flying: Vec<bool> = browser.tabs.iter().map(|tab| tab.flight.is_some()).collect();
        assert_eq!(flying.iter().filter(|is_flying| **is_flying).count(), 1, "{flying:?}");
        browser.answer(index);
        assert!(browser.orders(index).iter().any(|order| order.starts_with("Lend 1 ")));
    }
}

#[test]
fn a_holder_that_dies_makes_room_at_once() {
    let mut browser = Browser::open(2);
    browser.sign_in(0);
    browser.sign_in(1);
    expire(&mut browser);
    browser.tabs[0].is_hung = true;
    browser.release(0);
    browser.run_for(1);
    browser.answer(1);
    assert_eq!(browser.status(1), "signedIn");
}

#[test]
fn a_holder_that_hangs_loses_the_lock_and_harms_nobody_when_it_wakes() {
    let mut browser = Browser::open(4);
    for index in 0..4 {
        browser.sign_in(index);
    }
    expire(&mut browser);
    browser.tabs[0].is_hung = true;
    browser.run_for(WAIT - 10);
    assert!(
        browser.tabs[1..].iter().all(|tab| tab.flight.is_none()),
        "a living holder gets its time"
    );
    // One takes it by force; the others get it in their turn, unless they lose patience just then.
    let mut answered = 0;
    for _ in 0..3100 {
        browser.run_for(1);
        for index in 1..4 {
            if browser.tabs[index].flight.is_some() {
                browser.answer(index);
                answered += 1;
            }
        }
    }
    assert_eq!(answered, 3);
    let stolen = |tab: &Tab| tab.orders.iter().filter(|order| *order == "StealLock").count();
    assert_eq!(browser.tabs.iter().map(stolen).sum::<usize>(), 1, "one stole it, for all");

    // The one that hung is answered after all: the answer is its own session's, and nobody else's.
    browser.tabs[0].is_hung = false;
    browser.orders(0);
    browser.answer(0);
    assert!(browser.orders(0).contains(&"Lend 1 at-2".into()));
    for index in 0..4 {
        assert_eq!(browser.status(index), "signedIn", "{index}");
    }
    expire(&mut browser);
    assert!(browser.tabs[0].flight.is_some(), "and it takes part again");
}
