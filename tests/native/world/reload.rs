//! Vaults that end and begin again: the store's flag, the pages that wait for a restore, and the trip
//! of one of them to the provider.

use std::collections::{BTreeMap, BTreeSet};

use tokenward::{
    clock::UnixMillis,
    config::Restore,
    oauth::{
        callback::{Callback, OauthError},
        transaction::{Mode, Transaction},
    },
    secret::Secret,
    session::{
        flag::Flag,
        inputs::{Ask, Input, Mark},
    },
};

use super::{
    World,
    effects::TIMEOUT,
    timeline::{Event, Inside},
    vault::SignOut,
};
use crate::fixtures::{ISSUER, transaction};

/// What comes out of a hidden frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// What the provider knows.
    Answers,
    /// That nobody is signed in: the browser withholds the provider's cookies.
    Withheld,
    /// Nothing: the provider shows a page, or may not be shown.
    Silent,
}

/// What outlives a vault besides transactions, and what is to be watched across vaults.
pub(crate) struct Reload {
    /// That somebody was signed in.
    pub(crate) flag: Option<Flag>,
    /// The sealed record, as it would open.
    record: Option<Secret>,
    /// Whether the provider keeps whoever comes.
    pub(crate) is_one_way: bool,
    /// Pages that were sent to the provider without asking anybody.
    pub(crate) trips: u32,
    /// What comes out of hidden frames, and how many were shown.
    pub(crate) frame: Frame,
    pub(crate) frames: u32,
    /// The tabs that show one, and what they brought out of it and nobody judged yet.
    shown: BTreeSet<usize>,
    brought: BTreeSet<Ask>,
    /// The pages' questions without an answer, each of a tab.
    pub(crate) open: BTreeMap<Ask, usize>,
    /// When the last trip of each tab began, how the clock was set then, and no session has begun since.
    last: Vec<Option<(u64, i64)>>,
    /// The same of its last frame.
    last_frame: Vec<Option<(u64, i64)>>,
    /// When the user last signed out, and whether nobody signed in since.
    signed_out: Option<u64>,
    is_signed_out: bool,
}

impl Reload {
    pub(super) fn new(tabs: usize) -> Self {
        Self {
            flag: None,
            record: None,
            is_one_way: false,
            trips: 0,
            frame: Frame::Answers,
            frames: 0,
            shown: BTreeSet::new(),
            brought: BTreeSet::new(),
            open: BTreeMap::new(),
            last: vec![None; tabs],
            last_frame: vec![None; tabs],
            signed_out: None,
            is_signed_out: false,
        }
    }

    /// The pages of this tab are gone.
    pub(super) fn forget(&mut self, tab: usize) {
        self.open.retain(|_, of| *of != tab);
        self.forget_frame(tab);
    }

    /// The page that shows a frame is gone.
    pub(super) fn forget_frame(&mut self, tab: usize) {
        self.shown.remove(&tab);
    }

    /// The flag as a vault reads it.
    pub(super) fn flag_read(&self) -> Option<Flag> {
        let is_shown = !self.shown.is_empty();
        self.flag.map(|flag| Flag { is_shown: flag.in_frame && is_shown, ..flag })
    }
}

impl World {
    /// The vault ends, and so many pages load at once.
    pub(crate) fn reload(&mut self, tab: usize, pages: u32) {
        self.crash(tab);
        for _ in 1..pages {
            self.arrive(tab);
        }
    }

    /// A page arrives; where it is not known who is signed in, it asks.
    pub(crate) fn arrive(&mut self, tab: usize) {
        self.vaults[tab].has_pages = true;
        self.tell(tab, Input::PageArrived);
        self.ask_restore(tab);
    }

    /// A page sees the state; where it is open, the page asks.
    pub(super) fn ask_restore(&mut self, tab: usize) {
        self.ask_restore_by(tab, self.restore == Restore::Frame);
    }

    fn ask_restore_by(&mut self, tab: usize, can_frame: bool) {
        if !self.is_signed_in(tab) && self.reason(tab).is_none() {
            let ask = self.ask();
            self.reload.open.insert(ask, tab);
            self.tell(tab, Input::RestoreAsked { ask, can_leave: true, can_frame });
        }
    }

    pub(super) fn prepare(&mut self, realm: u32, mode: Mode) {
        let state = format!("restore-{}", self.dice.draw());
        let transaction = transaction(&state, self.device.now(self.timeline.now).wall);
        let transaction = Transaction { mode, ..transaction };
        self.timeline.tell(40, realm, Inside::Told(Input::RestorePrepared(Ok(transaction))));
    }

    pub(super) fn mark(&mut self, mark: Mark) {
        match mark {
            Mark::Keep => {}
            Mark::Set => {
                self.reload.flag = Some(Flag::default());
                // A sign-in that is concluded comes later than the sign-out that was not heard yet.
                self.reload.is_signed_out = false;
                self.reload.last.fill(None);
                self.reload.last_frame.fill(None);
            }
            Mark::Clear => self.reload.flag = None,
        }
    }

    pub(super) fn answer_page(&mut self, ask: Ask) {
        self.reload.open.remove(&ask);
    }

    /// What a page brought out of its frame was judged; where it is not signed in, it asks again.
    pub(super) fn answer_frame(&mut self, tab: usize, ask: Ask, mark: Mark) {
        if self.reload.brought.remove(&ask) && mark != Mark::Set {
            self.timeline.tell(1, self.vaults[tab].realm, Inside::FrameGivenUp);
        }
        if mark == Mark::Set {
            self.reload.shown.remove(&tab);
        }
    }

    /// A page shows a hidden frame, and stays.
    fn show(&mut self, tab: usize, transaction: Transaction) {
        let (time, shift) = (self.timeline.now, self.device.shift());
        if let Some((last, shifted)) = self.reload.last_frame[tab] {
            let is_guarded = shifted != shift || time - last >= 30_000;
            assert!(is_guarded, "two frames within the guard's time");
        }
        self.reload.last_frame[tab] = Some((time, shift));
        self.reload.frames += 1;
        self.reload.shown.insert(tab);
        let realm = self.vaults[tab].realm;
        let user = self.provider.user_here.filter(|_| self.reload.frame == Frame::Answers);
        let outcome = match user {
            _ if self.reload.frame == Frame::Silent => {
                return self.timeline.tell(TIMEOUT, realm, Inside::FrameGivenUp);
            }
            Some(user) => Ok(Secret::new(self.provider.authorize(user))),
            None => Err(OauthError::new("login_required", None)),
        };
        let iss = Some(ISSUER.to_owned());
        let callback = Callback { state: transaction.state, iss, outcome };
        self.timeline.tell(700, realm, Inside::FrameAnswered(callback));
    }

    /// Something came out of a frame, if that is still shown.
    pub(super) fn frame_answered(&mut self, tab: usize, callback: Callback) {
        if self.reload.shown.contains(&tab) {
            let ask = self.ask();
            self.reload.brought.insert(ask);
            self.tell(tab, Input::CallbackArrived { ask, callback });
        }
    }

    /// A page takes its frame away, and asks for what comes next.
    pub(super) fn give_up_frame(&mut self, tab: usize) {
        if self.reload.shown.remove(&tab) {
            self.tell(tab, Input::FrameFailed);
            self.ask_restore_by(tab, false);
        }
    }

    /// A page shows a frame, or leaves for the provider, which knows at once who it is, or not.
    pub(super) fn travel(&mut self, tab: usize, ask: Ask, transaction: Transaction) {
        assert!(self.reload.open.contains_key(&ask), "a page was sent away that had not asked");
        self.answer_page(ask);
        let Some(flag) = &mut self.reload.flag else {
            return self.timeline.tell(3, self.vaults[tab].realm, Inside::FlagRead);
        };
        let wall = self.device.now(self.timeline.now).wall;
        let in_frame = transaction.mode == Mode::Silent;
        *flag = Flag { attempted: Some(UnixMillis(wall.0)), in_frame, is_shown: false };
        if in_frame {
            return self.show(tab, transaction);
        }
        let (time, shift) = (self.timeline.now, self.device.shift());
        if let Some((last, shifted)) = self.reload.last[tab] {
            let is_guarded = shifted != shift || time - last >= 30_000;
            assert!(is_guarded, "two attempts within the guard's time");
        }
        self.reload.last[tab] = Some((time, shift));
        self.reload.trips += 1;
        let state = transaction.state.clone();
        self.store.insert(state.clone(), transaction);
        if self.reload.is_one_way {
            return;
        }
        let outcome = match self.provider.user_here {
            Some(user) => Ok(Secret::new(self.provider.authorize(user))),
            None => Err(OauthError::new("login_required", None)),
        };
        let callback = Callback { state, iss: Some(ISSUER.to_owned()), outcome };
        self.timeline.after(1500, Event::Callback { tab, callback });
    }

    pub(super) fn user_signs_out(&mut self) {
        self.reload.signed_out = Some(self.timeline.now);
        self.reload.is_signed_out = true;
        self.reload.flag = None;
        self.reload.record = None;
    }

    /// What is read reaches the vault a little later; one that stands still meanwhile, much later.
    pub(super) fn unseal(&mut self, tab: usize) {
        let record = self.reload.record.clone();
        let vault = &mut self.vaults[tab];
        vault.seen.clone_from(&record);
        self.timeline.tell(4, vault.realm, Inside::Told(Input::Unsealed(Ok(record))));
    }

    pub(super) fn seal(&mut self, tab: usize, record: Option<Secret>, is_new: bool) {
        let vault = &mut self.vaults[tab];
        let is_there = self.reload.record.is_some();
        vault.is_taken = is_there && !is_new && self.reload.record != vault.seen;
        if is_new || (is_there && !vault.is_taken) {
            vault.seen.clone_from(&record);
            self.reload.record = record;
        }
    }

    /// What must hold of every session that begins. One that is restored before a sign-out elsewhere
    /// was heard ends when it is.
    pub(super) fn session_began(&mut self, tab: usize, is_restored: bool) {
        let vault = &mut self.vaults[tab];
        if is_restored {
            let is_out = self.reload.is_signed_out;
            let is_later = is_out && self.reload.signed_out.is_some_and(|then| then < vault.born);
            assert!(!is_later && vault.sign_out == SignOut::Unknown, "a restore undid a sign-out");
        } else {
            vault.sign_out = SignOut::Unknown;
            self.reload.is_signed_out = false;
        }
    }
}
