//! The network between a vault and its provider: what befalls each exchange.

use std::collections::VecDeque;

use super::Dice;

/// What befalls one token request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It takes so many milliseconds there, and as many back.
    Slow(u64),
    /// It is known not to have been sent.
    NotSent,
    /// The browser says at once that there is no connection, and not whether anything was sent.
    Unreachable,
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
    /// The request reaches the provider twice; the second answer goes nowhere.
    Duplicate,
    /// The answer reaches the vault twice.
    AnswerTwice,
    /// The lock around the request is not had in time.
    LockMissed,
    /// The provider wants another nonce in the proof so many times, and does nothing before (RFC 9449, 8).
    Challenge(u8),
}

impl Fault {
    /// Every kind, to be drawn from.
    pub(crate) const ALL: [Self; 15] = [
        Self::Slow(4000),
        Self::Slow(30_000),
        Self::NotSent,
        Self::Unreachable,
        Self::LostBefore,
        Self::LostAfter,
        Self::Status(503),
        Self::Busy(20),
        Self::Gateway,
        Self::Garbled,
        Self::Duplicate,
        Self::AnswerTwice,
        Self::LockMissed,
        Self::Challenge(1),
        Self::Challenge(3),
    ];
}

#[derive(Default)]
pub(crate) struct Network {
    to_come: VecDeque<Fault>,
    /// How many exchanges of a hundred suffer a fault by chance.
    pub(crate) faulty_percent: u64,
    /// What befalls every exchange for now.
    pub(crate) outage: Option<Fault>,
    /// How many exchanges there were, and how many of them suffered something.
    pub(crate) carried: u64,
    pub(crate) suffered: u64,
}

impl Network {
    /// The next exchange that is not yet under way suffers this.
    pub(crate) fn will(&mut self, fault: Fault) {
        self.to_come.push_back(fault);
    }

    pub(crate) fn heal(&mut self) {
        self.to_come.clear();
        self.outage = None;
        self.faulty_percent = 0;
    }

    /// Whether the next request for the lock fails.
    pub(crate) fn misses_lock(&mut self) -> bool {
        self.to_come.pop_front_if(|fault| *fault == Fault::LockMissed).is_some()
    }

    /// What befalls the next token request.
    pub(crate) fn next(&mut self, dice: &mut Dice) -> Fault {
        while self.misses_lock() {}
        let told = self.outage.or_else(|| self.to_come.pop_front());
        let fault = told.or_else(|| self.by_chance(dice));
        self.carried += 1;
        self.suffered += u64::from(fault.is_some());
        fault.unwrap_or(Fault::Slow(50))
    }

    fn by_chance(&mut self, dice: &mut Dice) -> Option<Fault> {
        if dice.below(100) >= self.faulty_percent {
            return None;
        }
        let fault = Fault::ALL[usize::try_from(dice.below(Fault::ALL.len() as u64)).unwrap()];
        if fault == Fault::LockMissed {
            // This exchange has the lock; the next one will not.
            self.will(fault);
            return None;
        }
        Some(fault)
    }
}
