//! The network between a vault and its provider: what befalls each exchange.

use std::collections::VecDeque;

/// What befalls one token request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It takes so many milliseconds there, and as many back.
    Slow(u64),
    /// It is known not to have been sent.
    NotSent,
    /// It is lost before the provider saw it.
    LostBefore,
    /// The provider acts; its answer is lost.
    LostAfter,
    /// The provider does nothing and answers with this status.
    Status(u16),
    /// The same with 429 and `Retry-After` in seconds.
    Busy(u64),
    /// The provider acts; a gateway answers 502 in its place.
    Gateway,
    /// The provider acts; what arrives is a page.
    Garbled,
    /// The lock around the request is not had in time.
    LockMissed,
}

impl Fault {
    /// Every kind, to be drawn from.
    pub(crate) const ALL: [Self; 10] = [
        Self::Slow(4000),
        Self::Slow(30_000),
        Self::NotSent,
        Self::LostBefore,
        Self::LostAfter,
        Self::Status(503),
        Self::Busy(20),
        Self::Gateway,
        Self::Garbled,
        Self::LockMissed,
    ];
}

#[derive(Default)]
pub(crate) struct Network {
    to_come: VecDeque<Fault>,
}

impl Network {
    /// The next exchange that is not yet under way suffers this.
    pub(crate) fn will(&mut self, fault: Fault) {
        self.to_come.push_back(fault);
    }

    pub(crate) fn heal(&mut self) {
        self.to_come.clear();
    }

    /// Whether the next request for the lock fails.
    pub(crate) fn misses_lock(&mut self) -> bool {
        self.to_come.pop_front_if(|fault| *fault == Fault::LockMissed).is_some()
    }

    /// What befalls the next token request.
    pub(crate) fn next(&mut self) -> Fault {
        while self.misses_lock() {}
        self.to_come.pop_front().unwrap_or(Fault::Slow(50))
    }
}
