//! Time as an argument: the two clocks of a moment, deadlines on both, and the provider's clock.
//! Nothing in here, or above it in a pure room, reads a clock.

use core::ops::Add;

/// A length of time, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Millis(pub u64);

impl Millis {
    /// `seconds` as milliseconds.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// This length less `other`, never below zero.
    #[must_use]
    pub const fn less(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Add for Millis {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

/// A moment by the wall clock: milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnixMillis(pub i64);

/// A moment, by both clocks of the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// The wall clock (`Date.now()`): it can jump either way.
    pub wall: UnixMillis,
    /// The monotonic clock (`performance.now()`): it never goes back, and may stand still in sleep.
    pub monotonic: Millis,
}

impl Now {
    /// The deadline that lies `after` this moment.
    #[must_use]
    pub fn after(self, after: Millis) -> Deadline {
        Deadline {
            wall: UnixMillis(self.wall.0.saturating_add_unsigned(after.0)),
            monotonic: self.monotonic + after,
        }
    }
}

/// A moment to come, by both clocks. It is due when **either** clock has reached it: the monotonic
/// one may have stood still while the device slept, the wall clock may have been set back. A clock
/// that jumps ahead makes a deadline due early, which costs one refresh and loses nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    wall: UnixMillis,
    monotonic: Millis,
}

impl Deadline {
    /// Whether the moment has come.
    #[must_use]
    pub fn is_due(&self, now: Now) -> bool {
        self.remaining(now) == Millis(0)
    }

    /// How long until it is due: zero when it is.
    #[must_use]
    pub fn remaining(&self, now: Now) -> Millis {
        let wall = u64::try_from(self.wall.0.saturating_sub(now.wall.0)).unwrap_or(0);
        Millis(wall.min(self.monotonic.less(now.monotonic).0))
    }

    /// The same deadline, earlier by `lead`.
    #[must_use]
    pub fn earlier(&self, lead: Millis) -> Self {
        Self {
            wall: UnixMillis(self.wall.0.saturating_sub_unsigned(lead.0)),
            monotonic: self.monotonic.less(lead),
        }
    }

    /// What the wall clock will show then, for people.
    #[must_use]
    pub fn wall(&self) -> UnixMillis {
        self.wall
    }
}

/// How far the provider's clock is ahead of the device's, in milliseconds, as last seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerOffset(pub i64);

impl ServerOffset {
    /// The offset that a moment told by the provider (`Date`, `iat`) shows.
    #[must_use]
    pub fn seen(server: UnixMillis, now: Now) -> Self {
        Self(server.0.saturating_sub(now.wall.0))
    }

    /// Whether both clocks show the same, but for what a message takes: a minute.
    #[must_use]
    pub fn is_small(self) -> bool {
        self.0.saturating_abs() <= 60_000
    }

    /// The provider's time now.
    #[must_use]
    pub fn server_time(self, now: Now) -> UnixMillis {
        UnixMillis(now.wall.0.saturating_add(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Now = Now { wall: UnixMillis(1_000_000), monotonic: Millis(500) };

    #[test]
    fn due_by_either_clock_t29() {
        let deadline = START.after(Millis(1000));
        assert!(!deadline.is_due(START));
        assert_eq!(deadline.remaining(START), Millis(1000));
        let slept = Now { wall: UnixMillis(1_001_000), ..START };
        assert!(deadline.is_due(slept), "the monotonic clock stood still in sleep");
        let set_back = Now { wall: UnixMillis(0), monotonic: Millis(1500) };
        assert!(deadline.is_due(set_back), "the wall clock was set back");
    }

    #[test]
    fn extremes_do_not_overflow() {
        let far = START.after(Millis(u64::MAX));
        assert!(!far.is_due(START));
        assert!(!far.earlier(Millis(1)).is_due(START));
        assert!(far.earlier(Millis(u64::MAX)).is_due(START));
    }

    #[test]
    fn server_offset() {
        let offset = ServerOffset::seen(UnixMillis(1_086_400), START);
        assert_eq!(offset.server_time(START), UnixMillis(1_086_400));
    }
}
