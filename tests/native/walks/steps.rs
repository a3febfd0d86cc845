//! What happens on a walk without an order: pages, the people before them, the device and other tabs.

use tokenward::{
    clock::{Millis, UnixMillis},
    oauth::transaction::{Mode, Transaction},
    secret::Secret,
    session::{
        flag::Flag,
        inputs::{Input, Ticket, TokenRequest, Wake},
        tabs::News,
    },
};

use super::{
    Walk,
    answers::Due,
    orders::{Call, Then, person},
};
use crate::fixtures::transaction;

impl Walk {
    /// One thing happens: in half of the cases something that is due.
    pub(super) fn step(&mut self) {
        if self.dice.once_in(2) && self.answer_one() {
            return;
        }
        if self.pages.is_empty() {
            if self.dice.once_in(3) {
                self.hear_of_another_tab();
            }
            return self.arrive_and_ask();
        }
        let pages = self.pages.clone();
        let page = self.one_of(&pages);
        match self.dice.below(20) {
            0 => self.arrive_and_ask(),
            1 if self.dice.once_in(3) => self.leave(page),
            2 => self.go_online(false),
            3 | 4 => self.go_online(true),
            5 => self.tell(Input::Woke(Wake::Page)),
            6..=8 => self.call(page),
            9 if self.dice.once_in(3) => self.end_trip_of_an_earlier_vault(),
            10 if self.dice.once_in(4) => self.sign_in(page),
            11 if self.dice.once_in(6) => {
                let ask = self.ask(page, Then::Nothing);
                self.tell(Input::SignOutAsked(ask));
            }
            12 if self.dice.once_in(4) => self.sign_in_with_password(page),
            13 if self.dice.once_in(3) => self.hear_of_another_tab(),
            14 | 15 if self.scene.has_others => self.flag = Some(self.flag_of_others()),
            16 if self.dice.once_in(6) => {
                let by = i64::try_from(self.dice.below(180_000)).unwrap() - 90_000;
                self.now.wall = UnixMillis(self.now.wall.0 + by);
                self.tell(Input::Woke(Wake::Page));
            }
            _ => self.pass_time(),
        }
    }

    /// The timer is late where the device sleeps.
    fn pass_time(&mut self) {
        let longest = self.one_of(&[1000, 10_000, 40_000, 400_000]);
        let by = Millis(self.dice.below(longest));
        self.turn(by);
        if !self.dice.once_in(4) {
            self.tell(Input::Woke(Wake::Timer));
        }
    }

    pub(super) fn turn(&mut self, by: Millis) {
        self.now.wall = UnixMillis(self.now.wall.0.saturating_add_unsigned(by.0));
        self.now.monotonic = self.now.monotonic + by;
    }

    pub(super) fn go_online(&mut self, is_online: bool) {
        self.is_online = is_online;
        self.tell(if is_online { Input::WentOnline } else { Input::WentOffline });
    }

    fn call(&mut self, page: u64) {
        let ticket = Ticket(self.next());
        let audience = usize::try_from(self.dice.below(self.scene.audiences as u64 + 1)).unwrap();
        self.calls.insert(ticket, Call { page, audience, of: None, was_lent: false });
        self.tell(Input::LeaseWanted(ticket, audience));
        // As of when the session hears it: a token may have expired since the page last looked.
        if let Some(call) = self.calls.get_mut(&ticket) {
            call.of = person(&self.shown);
        }
    }

    fn sign_in(&mut self, page: u64) {
        let mode = self.one_of(Mode::ALL);
        let transaction = Transaction { mode, ..self.transaction("sign-in") };
        let ask = self.ask(page, Then::Nothing);
        self.tell(Input::SignInAsked { ask, transaction });
    }

    fn sign_in_with_password(&mut self, page: u64) {
        let (username, password) = (Secret::from("name"), Secret::from("password"));
        let request = TokenRequest::Password { username, password };
        let ask = self.ask(page, Then::Nothing);
        self.tell(Input::PasswordGiven { ask, request });
    }

    pub(super) fn transaction(&mut self, what: &str) -> Transaction {
        transaction(&format!("{what}-{}", self.next()), self.now.wall)
    }

    /// A page is back from where an earlier vault sent it, or nobody did.
    fn end_trip_of_an_earlier_vault(&mut self) {
        let is_restore = self.flag.is_some() && self.dice.once_in(2);
        let transaction = Transaction { is_restore, ..self.transaction("earlier") };
        if !self.dice.once_in(4) {
            self.store.push(transaction.clone());
        }
        self.due.push(Due::Return(None, transaction));
    }

    /// Somebody signs in or out in another tab, which is heard of at once while there is a page.
    fn hear_of_another_tab(&mut self) {
        let news = self.one_of(&[News::SignedIn, News::SignedIn, News::SignedOut]);
        self.flag = (news == News::SignedIn).then(Flag::default);
        self.chronicle = self.chronicle.and(news);
        if !self.pages.is_empty() {
            self.tell(Input::Heard { epoch: self.chronicle.epoch, news });
        }
    }

    /// An attempt of another vault's, or a session that began there.
    fn flag_of_others(&mut self) -> Flag {
        let ago = i64::try_from(self.dice.below(40_000)).unwrap();
        let is_attempt = self.flag.is_some() && self.dice.once_in(2);
        Flag {
            attempted: is_attempt.then_some(UnixMillis(self.now.wall.0 - ago)),
            in_frame: self.dice.once_in(2),
            is_shown: self.dice.once_in(2),
        }
    }
}
