//! What is to happen, in the order of the world's time.

use std::collections::BTreeMap;

use tokenward::{
    oauth::{callback::Callback, token::HttpAnswer},
    secret::Secret,
    session::{
        inputs::{Ask, Epoch, TokenRequest},
        outcome::Unanswered,
    },
};

use super::network::Fault;

/// Something that is to happen. What is for a vault names its realm.
pub(crate) enum Event {
    Callback(Callback),
    LockGranted {
        realm: u32,
        is_taken: bool,
    },
    Found {
        realm: u32,
        ask: Ask,
        state: String,
        is_taken: bool,
    },
    ReachedProvider {
        realm: u32,
        epoch: Epoch,
        request: TokenRequest,
        fault: Fault,
    },
    Answered {
        realm: u32,
        epoch: Epoch,
        request: TokenRequest,
        outcome: Result<HttpAnswer, Unanswered>,
    },
    Revoked(Secret),
    ReachedApi {
        realm: u32,
        ticket: u64,
        token: Secret,
    },
    ApiAnswered {
        realm: u32,
        ticket: u64,
        status: u16,
    },
}

impl Event {
    /// Whether it waits while the device sleeps.
    pub(crate) fn is_of_the_device(&self) -> bool {
        !matches!(self, Self::ReachedProvider { .. } | Self::Revoked(_) | Self::ReachedApi { .. })
    }
}

#[derive(Default)]
pub(crate) struct Timeline {
    pub(crate) now: u64,
    count: u64,
    events: BTreeMap<(u64, u64), Event>,
}

impl Timeline {
    pub(crate) fn after(&mut self, ms: u64, event: Event) {
        self.count += 1;
        self.events.insert((self.now + ms, self.count), event);
    }

    /// The next event up to `end`; time moves to it.
    pub(crate) fn next_until(&mut self, end: u64) -> Option<Event> {
        let entry = self.events.first_entry().filter(|entry| entry.key().0 <= end)?;
        self.now = self.now.max(entry.key().0);
        Some(entry.remove())
    }
}
