//! A login loop: an application that asks for a sign-in whenever it sees that nobody is signed in, and
//! something that ends every session at once. What is remembered outlives a vault, which may go with
//! each page; it says when sign-ins came back, and nothing of anybody.

use crate::{
    clock::{Millis, UnixMillis},
    error::{AuthError, Code, Phase},
    json::decimal,
};

/// So many ways to the provider and back …
const MOST: usize = 3;
/// … in this time, one after the other, are a loop.
const WINDOW: Millis = Millis::from_secs(30);

/// The last ways to the provider and back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bounces {
    /// When each began, the latest last.
    began: Vec<i64>,
    /// When the last one was back.
    back: i64,
}

impl Bounces {
    /// The bounces with one more, of a sign-in that began at `started` and is back now. Ones that were
    /// under way together are no loop: they count as one.
    #[must_use]
    pub fn and(mut self, started: UnixMillis, now: UnixMillis) -> Self {
        // Of a clock that was set back since: what was counted by it says nothing any more.
        if self.back > now.0 {
            self = Self::default();
        }
        if started.0 >= self.back {
            self.began.push(started.0);
        }
        let surplus = self.began.len().saturating_sub(MOST);
        self.began.drain(..surplus);
        self.back = now.0;
        self
    }

    /// Leave for one more sign-in; `login_loop` where it would be one too many.
    pub fn check(&self, now: UnixMillis) -> Result<(), AuthError> {
        let Some(first) = self.began.first().filter(|_| self.began.len() == MOST) else {
            return Ok(());
        };
        let age = Millis(u64::try_from(now.0.saturating_sub(*first)).unwrap_or(u64::MAX));
        if age >= WINDOW {
            return Ok(());
        }
        let mut error = AuthError::transient(
            Code::LoginLoop,
            Phase::SignIn,
            "three sign-ins came back within 30 seconds: see what ends the session (`state`, \
             `callbackError`, a resource's 401), and let a person ask for the next one",
        );
        error.retry_after_ms = Some(WINDOW.less(age));
        Err(error)
    }

    /// The record for the store.
    #[must_use]
    pub fn to_record(&self) -> String {
        let mut record = decimal(self.back);
        for began in &self.began {
            record.push(' ');
            record.push_str(&decimal(*began));
        }
        record
    }

    /// The bounces of a record; none where it is no record. Any script of the origin may have written
    /// it: the worst that it can do is to keep this origin from signing in for a while, or not.
    #[must_use]
    pub fn from_record(record: &str) -> Self {
        let moment = |text: &str| i64::try_from(text.parse::<u64>().ok()?).ok();
        let moments: Option<Vec<i64>> = record.split(' ').map(moment).collect();
        match moments {
            Some(mut began) if began.len() <= MOST + 1 => {
                let back = began.remove(0);
                Self { began, back }
            }
            _ => Self::default(),
        }
    }
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    const START: i64 = 1_700_000_000_000;

    fn at(seconds: i64) -> UnixMillis {
        UnixMillis(START + seconds * 1000)
    }

    fn after(bounces: &[(i64, i64)]) -> Bounces {
        let and = |all: Bounces, (began, back): &(i64, i64)| all.and(at(*began), at(*back));
        bounces.iter().fold(Bounces::default(), and)
    }

    #[test]
    fn the_fourth_within_half_a_minute_is_refused() {
        let two = after(&[(0, 1), (2, 3)]);
        assert_eq!(two.check(at(3)), Ok(()));
        let three = after(&[(0, 1), (2, 3), (4, 5)]);
        let error = three.check(at(6)).unwrap_err();
        assert_eq!((error.code, error.phase), (Code::LoginLoop, Phase::SignIn));
        assert_eq!((error.retryable, error.retry_after_ms), (true, Some(Millis(24_000))));
        assert!(three.check(UnixMillis(at(30).0 - 1)).is_err());
        assert_eq!(three.check(at(30)), Ok(()));
    }

    #[test]
    fn the_half_minute_moves_on() {
        // A person who signs in every eleven seconds is no loop, however long.
        let slow: Vec<_> = (0..100).map(|n| (n * 11, n * 11 + 1)).collect();
        for n in 1..=100 {
            let last = (i64::try_from(n).unwrap() - 1) * 11;
            assert_eq!(after(&slow[..n]).check(at(last + 11)), Ok(()), "{n}");
        }
        // One that began slowly is a loop once it is fast.
        assert!(after(&[(0, 20), (21, 22), (23, 24), (25, 26)]).check(at(27)).is_err());
    }

    #[test]
    fn tabs_that_sign_in_together_are_no_loop() {
        let together = after(&[(0, 5), (0, 6), (1, 6), (2, 7), (3, 8)]);
        assert_eq!(together.check(at(9)), Ok(()));
        let then = together.and(at(9), at(10)).and(at(11), at(12));
        assert!(then.check(at(13)).is_err(), "but what follows is");
    }

    #[test]
    fn ones_that_take_no_time_at_all_are_a_loop() {
        assert!(after(&[(1, 1), (1, 1), (1, 1)]).check(at(1)).is_err());
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_nobody_out_t29() {
        let three = after(&[(0, 1), (2, 3), (4, 5)]);
        assert_eq!(three.check(at(-3600)), Ok(()));
        let set_back = three.and(at(-3600), at(-3599));
        assert_eq!(set_back.check(at(-3598)), Ok(()));
        assert!(
            set_back.and(at(-3597), at(-3596)).and(at(-3595), at(-3594)).check(at(-3593)).is_err()
        );
    }

    #[test]
    fn what_is_no_record_is_none() {
        for record in ["", " ", "x", "-1", "1 x", "1 2 3 4 5", "1  2", "99999999999999999999"] {
            assert_eq!(Bounces::from_record(record), Bounces::default(), "{record}");
        }
    }

    proptest! {
        #[test]
        fn a_record_comes_back(moments in vec((0..i64::MAX, 0..i64::MAX), 0..5)) {
            let and = |all: Bounces, (began, back)| all.and(UnixMillis(began), UnixMillis(back));
            let bounces = moments.into_iter().fold(Bounces::default(), and);
            prop_assert!(bounces.began.len() <= MOST);
            prop_assert_eq!(Bounces::from_record(&bounces.to_record()), bounces);
        }
    }
}
