//! The flag that somebody was signed in, which outlives a vault: the record that it is kept as, and until when an
//! attempt to restore the session counts that stands in it.

use crate::{
    clock::{Millis, Now, UnixMillis},
    json::decimal,
};

/// How long after an attempt that came to nothing no other is made: a provider that sends people back
/// without a word, or not at all, would have them go round for ever.
pub(super) const GUARD: Millis = Millis::from_secs(30);
/// What stands in the flag's record where the attempt was made in a hidden frame.
const IN_FRAME: &str = " frame";

/// That somebody was signed in, all that outlives a vault: no claim, no secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flag {
    /// When a page last went to restore the session, if it has not come back signed in.
    pub attempted: Option<UnixMillis>,
    /// Whether it did so in a hidden frame.
    pub in_frame: bool,
    /// Whether that frame is still shown: not in the record, since it goes with its page.
    pub is_shown: bool,
}

impl Flag {
    /// The record for the store: the moment of the attempt in milliseconds, or zero, and whether it was
    /// made in a frame.
    #[must_use]
    pub fn to_record(self) -> String {
        let moment = decimal(self.attempted.map_or(0, |moment| moment.0));
        [moment.as_str(), if self.in_frame { IN_FRAME } else { "" }].concat()
    }

    /// The flag of a record. Any script of the origin may have written it: the worst that it can do is
    /// to have this origin ask the provider, or not.
    #[must_use]
    pub fn from_record(record: &str) -> Self {
        let in_frame = record.strip_suffix(IN_FRAME);
        let moment: u64 = in_frame.unwrap_or(record).parse().unwrap_or(0);
        let moment = i64::try_from(moment).unwrap_or(0);
        let attempted = (moment != 0).then_some(UnixMillis(moment));
        Self { attempted, in_frame: in_frame.is_some(), is_shown: false }
    }

    /// How long ago an attempt was made that still counts. A clock that was set back makes it none.
    pub(super) fn age(self, now: Now) -> Option<Millis> {
        let age = now.wall.0.saturating_sub(self.attempted?.0);
        let is_recent = age.unsigned_abs() < GUARD.0;
        is_recent.then(|| Millis(u64::try_from(age).unwrap_or(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_comes_back_from_its_record() {
        for attempted in [None, Some(UnixMillis(1)), Some(UnixMillis(1_700_000_000_000))] {
            for in_frame in [false, true] {
                let flag = Flag { attempted, in_frame, is_shown: false };
                assert_eq!(Flag::from_record(&flag.to_record()), flag);
            }
        }
        assert_eq!(Flag::default().to_record(), "0");
        for record in ["", "-1", "x", "99999999999999999999", "1frame", "frame", "1 frame "] {
            assert_eq!(Flag::from_record(record), Flag::default(), "{record}");
        }
    }
}
