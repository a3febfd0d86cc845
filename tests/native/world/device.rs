//! The device's two clocks, against the world's own time.

use tokenward::clock::{Millis, Now, UnixMillis};

use crate::fixtures::START;

#[derive(Default)]
pub(crate) struct Device {
    /// How fast its oscillator runs, in millionths more than it should.
    pub(crate) drift: i64,
    /// Whether its monotonic clock goes on while it sleeps, as some systems have it.
    pub(crate) counts_sleep: bool,
    /// How far its wall clock was set off.
    shift: i64,
    /// For how long its monotonic clock stood still.
    stood_still: u64,
}

impl Device {
    /// What its clocks say at the world's `time`.
    pub(crate) fn now(&self, time: u64) -> Now {
        let drifted = i64::try_from(time).unwrap() * self.drift / 1_000_000;
        let monotonic = START.monotonic.0 + time - self.stood_still;
        Now {
            wall: UnixMillis(START.wall.0 + i64::try_from(time).unwrap() + drifted + self.shift),
            monotonic: Millis(monotonic.saturating_add_signed(drifted)),
        }
    }

    /// Somebody sets its wall clock.
    pub(crate) fn set(&mut self, ms: i64) {
        self.shift += ms;
    }

    /// How far its wall clock was set off.
    pub(crate) fn shift(&self) -> i64 {
        self.shift
    }

    /// It sleeps; by how much its timers are late for that.
    pub(crate) fn sleep(&mut self, ms: u64) -> u64 {
        let late = if self.counts_sleep { 0 } else { ms };
        self.stood_still += late;
        late
    }
}
