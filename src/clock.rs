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

    /// The same deadline, after the wall clock was set back by so much.
    #[must_use]
    pub fn set_back(&self, by: Millis) -> Self {
        Self { wall: UnixMillis(self.wall.0.saturating_sub_unsigned(by.0)), ..*self }
    }

    /// Whether it comes before another, by the clock that nobody sets.
    #[must_use]
    pub fn is_before(&self, other: &Self) -> bool {
        self.monotonic < other.monotonic
    }

    /// What the wall clock will show then, for people.
    #[must_use]
    pub fn wall(&self) -> UnixMillis {
        self.wall
    }
}

/// Looks at one clock by the other. A wall clock that was set back would hide a sleep as long: every
/// deadline moves with it, so that it can be judged by both clocks as before.
#[derive(Debug, Default)]
pub struct Watch {
    /// How far the wall clock was ahead of the monotonic one, at most since it was last set back.
    ahead: Option<i64>,
}

/// What two clocks differ by in any case: they are read one after the other, and rounded. Systems set a
/// clock that is off by more, and slow one that is off by less.
const TOLERANCE: Millis = Millis(100);

impl Watch {
    /// How far the wall clock was set back since the last look; zero where it was not. One that was set
    /// ahead looks like a sleep, which makes deadlines due early and loses nothing.
    pub fn set_back(&mut self, now: Now) -> Millis {
        let ahead = now.wall.0.saturating_sub_unsigned(now.monotonic.0);
        let back = self.ahead.unwrap_or(ahead).saturating_sub(ahead);
        let back = Millis(u64::try_from(back).unwrap_or(0));
        if back > Millis(0) && back < TOLERANCE {
            return Millis(0);
        }
        self.ahead = Some(ahead);
        back
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

    fn at(wall: i64, monotonic: u64) -> Now {
        Now { wall: UnixMillis(wall), monotonic: Millis(monotonic) }
    }

    #[test]
    fn t29_a_wall_clock_that_was_set_back_is_seen_once() {
        let mut watch = Watch::default();
        for (wall, monotonic, back) in [
            (5_000_000, 100, 0),
            (5_000_900, 1001, 0),
            (4_000_000, 2001, 1_001_901),
            (4_001_000, 3001, 0),
            (9_000_000, 4001, 0),
            (8_999_000, 4001, 1000),
            (8_998_901, 4001, 0),
            (8_998_900, 4001, 100),
            (0, u64::MAX, u64::try_from(i64::MAX).unwrap()),
        ] {
            let seen = watch.set_back(at(wall, monotonic));
            if monotonic < u64::MAX {
                assert_eq!(seen, Millis(back), "{wall} {monotonic}");
            }
        }
    }

    #[test]
    fn t29_a_deadline_moves_with_a_clock_that_was_set_back() {
        let deadline = START.after(Millis(1000)).set_back(Millis(400));
        let set_back = at(START.wall.0 - 400, START.monotonic.0);
        assert_eq!(deadline.remaining(set_back), Millis(1000));
        assert!(deadline.is_due(at(set_back.wall.0 + 1000, START.monotonic.0)), "it slept");
        assert!(deadline.is_due(at(0, START.monotonic.0 + 1000)));
        assert!(START.after(Millis(1)).is_before(&START.after(Millis(2))));
        assert!(!START.after(Millis(1)).is_before(&START.after(Millis(1))));
    }

    #[test]
    fn extremes_do_not_overflow() {
        let far = START.after(Millis(u64::MAX));
        assert!(!far.is_due(START));
        assert!(!far.earlier(Millis(1)).is_due(START));
        assert!(far.earlier(Millis(u64::MAX)).is_due(START));
        assert!(START.after(Millis(1)).set_back(Millis(u64::MAX)).is_due(START));
        assert_eq!(Watch::default().set_back(at(i64::MIN, u64::MAX)), Millis(0));
    }

    #[test]
    fn server_offset() {
        let offset = ServerOffset::seen(UnixMillis(1_086_400), START);
        assert_eq!(offset.server_time(START), UnixMillis(1_086_400));
    }
}
