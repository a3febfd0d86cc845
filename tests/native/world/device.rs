//! The device's two clocks, against the world's own time.

use tokenward::clock::{Millis, Now, UnixMillis};

use crate::fixtures::START;

#[derive(Default)]
pub(crate) struct Device {
    /// How far its wall clock was set off.
    pub(crate) shift: i64,
    /// Whether it was ever set back.
    pub(crate) was_set_back: bool,
    /// Whether it was set since the vault last looked.
    pub(crate) has_jumped: bool,
    /// How long it slept, and its monotonic clock stood still.
    pub(crate) slept: u64,
}

impl Device {
    /// What its clocks say at the world's `time`.
    pub(crate) fn now(&self, time: u64) -> Now {
        Now {
            wall: UnixMillis(START.wall.0 + i64::try_from(time).unwrap() + self.shift),
            monotonic: Millis(START.monotonic.0 + time - self.slept),
        }
    }
}
