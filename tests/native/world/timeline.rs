//! What is to happen, in the order of the world's time.

use std::collections::BTreeMap;

use tokenward::{
    error::{AuthError, Code, Phase},
    oauth::{callback::Callback, token::HttpAnswer},
    secret::Secret,
    session::{
        inputs::{Ask, Epoch, Input, TokenRequest},
        outcome::Unanswered,
    },
};

use super::network::Fault;

/// Something that is to happen.
pub(crate) enum Event {
    /// A page of this tab is back from the provider.
    Callback { tab: usize, callback: Callback },
    /// For the vault of this realm, if it is still there.
    For { realm: u32, event: Box<Inside> },
    /// A token request arrives at the provider.
    ReachedProvider { realm: u32, epoch: Epoch, request: TokenRequest, fault: Fault },
    /// The network brings one again.
    Duplicated(TokenRequest),
    /// So does a revocation.
    Revoked(Secret),
    /// A page's request arrives at the resource.
    ReachedApi { realm: u32, ticket: u64, token: Secret, audience: usize },
}

/// What a vault is told, or what its effects come to.
pub(crate) enum Inside {
    Told(Input),
    /// Its realm goes on, if nothing stopped it again.
    Thawed,
    FlagRead,
    /// A callback comes out of a hidden frame.
    FrameAnswered(Callback),
    /// The page that shows one takes it away.
    FrameGivenUp,
    /// A page sees that it is not known who is signed in.
    SawRestoring,
    LockGranted,
    LockMissed,
    /// The wait of this request for the lock is over.
    LockWaited(u64),
    Found {
        ask: Ask,
        state: String,
    },
    Recalled,
    /// A page's request wants its lease.
    Called(u64),
    /// It is no longer wanted.
    Aborted(u64),
    Answered {
        epoch: Epoch,
        request: TokenRequest,
        outcome: Result<HttpAnswer, Unanswered>,
    },
    /// An answer comes that came before.
    AnsweredAgain {
        epoch: Epoch,
        request: TokenRequest,
        answer: HttpAnswer,
    },
    ApiAnswered {
        ticket: u64,
        status: u16,
    },
}

impl Event {
    /// Whether it waits while the device sleeps.
    pub(crate) fn is_of_the_device(&self) -> bool {
        matches!(self, Self::For { .. } | Self::Callback { .. })
    }

    /// An answer that was on its way is none: its connection is gone.
    pub(crate) fn lose(&mut self) {
        let Self::For { event, .. } = self else { return };
        if let Inside::Answered { outcome, .. } = &mut **event {
            let error =
                AuthError::transient(Code::ProviderUnreachable, Phase::Refresh, "no answer");
            *outcome = Err(Unanswered::Lost(error));
        }
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

    /// The same, for the vault of this realm.
    pub(crate) fn tell(&mut self, ms: u64, realm: u32, event: Inside) {
        self.after(ms, Event::For { realm, event: Box::new(event) });
    }

    /// The next event up to `end`; time moves to it.
    pub(crate) fn next_until(&mut self, end: u64) -> Option<Event> {
        let entry = self.events.first_entry().filter(|entry| entry.key().0 <= end)?;
        self.now = self.now.max(entry.key().0);
        Some(entry.remove())
    }
}
