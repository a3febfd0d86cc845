//! Vaults that end and begin again: the store's flag, the pages that wait for a restore, and the trip
//! of one of them to the provider.

use std::collections::BTreeSet;

use tokenward::{
    clock::UnixMillis,
    oauth::{callback::Callback, callback::OauthError, transaction::Transaction},
    secret::Secret,
    session::{
        inputs::{Ask, Input, Mark},
        restore::Flag,
        snapshot::Snapshot,
    },
};

use super::{World, timeline::Event};
use crate::fixtures::{ISSUER, transaction};

/// What outlives a vault besides transactions, and what is to be watched across vaults.
#[derive(Default)]
pub(crate) struct Reload {
    /// That somebody was signed in.
    pub(crate) flag: Option<Flag>,
    /// Whether the provider keeps whoever comes.
    pub(crate) is_one_way: bool,
    /// Pages that were sent to the provider without asking anybody.
    pub(crate) trips: u32,
    /// The pages' questions without an answer.
    pub(crate) open: BTreeSet<Ask>,
    /// When the last trip began, how the clock was set then, and no session has begun since.
    last: Option<(u64, i64)>,
    /// The user signed out, and nobody signed in since.
    is_signed_out: bool,
}

impl World {
    /// Every vault ends, and so many pages load at once.
    pub(crate) fn reload(&mut self, tabs: u32) {
        self.crash();
        for _ in 1..tabs {
            self.arrive();
        }
    }

    /// A page arrives; where it is not known who is signed in, it asks.
    pub(crate) fn arrive(&mut self) {
        self.tell(Input::PageArrived);
        if !self.status().starts_with("signed") {
            let ask = self.ask();
            self.reload.open.insert(ask);
            self.tell(Input::RestoreAsked { ask, can_leave: true });
        }
    }

    pub(super) fn read_flag(&mut self) {
        self.timeline.after(3, Event::FlagRead { realm: self.realm });
    }

    pub(super) fn prepare(&mut self) {
        let state = format!("restore-{}", self.dice.draw());
        let transaction = transaction(&state, self.device.now(self.timeline.now).wall);
        self.timeline.after(40, Event::Prepared { realm: self.realm, transaction });
    }

    pub(super) fn mark(&mut self, mark: Mark) {
        match mark {
            Mark::Keep => {}
            Mark::Set => {
                self.reload.flag = Some(Flag { attempted: None });
                self.reload.last = None;
            }
            Mark::Clear => self.reload.flag = None,
        }
    }

    pub(super) fn answer_page(&mut self, ask: Ask) {
        self.reload.open.remove(&ask);
    }

    /// A page leaves for the provider, which knows at once who it is, or not.
    pub(super) fn travel(&mut self, ask: Ask, transaction: Transaction) {
        assert!(self.reload.open.contains(&ask), "a page was sent away that had not asked");
        self.answer_page(ask);
        let Some(flag) = &mut self.reload.flag else { return self.read_flag() };
        let wall = self.device.now(self.timeline.now).wall;
        *flag = Flag { attempted: Some(UnixMillis(wall.0)) };
        let (time, shift) = (self.timeline.now, self.device.shift);
        if let Some((last, shifted)) = self.reload.last {
            assert!(
                shifted != shift || time - last >= 30_000,
                "two attempts within the guard's time"
            );
        }
        self.reload.last = Some((time, shift));
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
        self.timeline.after(1500, Event::Callback(callback));
    }

    pub(super) fn user_signs_out(&mut self) {
        self.reload.is_signed_out = true;
        self.reload.flag = None;
    }

    /// What must hold of every state that the pages see.
    pub(super) fn check_restored(&mut self, snapshot: &Snapshot) {
        if let Snapshot::SignedIn { restored_by, .. } = snapshot {
            let is_restored = restored_by.is_some();
            assert!(!is_restored || !self.reload.is_signed_out, "a restore undid a sign-out");
            self.reload.is_signed_out &= is_restored;
        }
    }
}
