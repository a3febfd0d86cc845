//! Clients of one origin that undo each other: where vaults go with their page, a page with two of them
//! that goes to one provider and comes back has lost the session of the other, which goes in its turn.
//! What is remembered says which client's page left to have its session restored, and when.

use crate::{
    clock::{Millis, UnixMillis},
    error::{AuthError, Code, Phase},
    json::decimal,
};

/// How long a turn counts.
const WINDOW: Millis = Millis::from_secs(30);

/// The last two turns of any client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turns {
    /// When the latest was.
    at: i64,
    before: String,
    latest: String,
}

impl Turns {
    /// The turns with one more: a page leaves for this client.
    #[must_use]
    pub fn and(self, client: &str, now: UnixMillis) -> Self {
        Self { at: now.0, before: self.latest, latest: client.to_owned() }
    }

    /// Leave for this client's page to go; `login_loop` where it went before and another one since. Whoever
    /// reloads a page with one client, however often, is not meant.
    pub fn check(&self, client: &str, now: UnixMillis) -> Result<(), AuthError> {
        let age = u64::try_from(now.0.saturating_sub(self.at)).unwrap_or(u64::MAX);
        if self.before != client || self.latest == client || age >= WINDOW.0 {
            return Ok(());
        }
        Err(AuthError::transient(
            Code::LoginLoop,
            Phase::SignIn,
            "another client of this page was restored since this one was, which ended this session \
             again: set `restore: \"none\"` for one of them, and call `signIn()`",
        ))
    }

    /// The record for the store.
    #[must_use]
    pub fn to_record(&self) -> String {
        [decimal(self.at).as_str(), "\n", &self.before, "\n", &self.latest].concat()
    }

    /// The turns of a record, which any script of the origin may have written; none where it is no record.
    #[must_use]
    pub fn from_record(record: &str) -> Self {
        let read = || {
            let (at, clients) = record.split_once('\n')?;
            let (before, latest) = clients.split_once('\n')?;
            let at = i64::try_from(at.parse::<u64>().ok()?).ok()?;
            Some(Self { at, before: before.to_owned(), latest: latest.to_owned() })
        };
        read().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> UnixMillis {
        UnixMillis(1_700_000_000_000 + seconds * 1000)
    }

    fn after(turns: &[(&str, i64)]) -> Turns {
        let and = |all: Turns, (client, seconds): &(&str, i64)| all.and(client, at(*seconds));
        turns.iter().fold(Turns::default(), and)
    }

    fn may(turns: &[(&str, i64)], client: &str, seconds: i64) -> bool {
        after(turns).check(client, at(seconds)).is_ok()
    }

    #[test]
    fn two_clients_that_undo_each_other_stop() {
        assert!(may(&[], "a", 0) && may(&[("a", 0)], "b", 1));
        let error = after(&[("a", 0), ("b", 1)]).check("a", at(2)).unwrap_err();
        assert_eq!((error.code, error.retryable), (Code::LoginLoop, true));
        assert!(may(&[("a", 0), ("b", 1)], "b", 2), "the last to go");
        assert!(may(&[("a", 0), ("b", 1)], "c", 2), "one of three");
        assert!(!may(&[("a", 0), ("b", 1), ("c", 2)], "b", 3));
    }

    #[test]
    fn a_page_with_one_client_is_reloaded_as_often_as_one_likes() {
        assert!(may(&[("a", 0), ("a", 1), ("a", 2), ("a", 3)], "a", 4));
    }

    #[test]
    fn after_half_a_minute_all_is_forgotten_t29() {
        let turns = [("a", 0), ("b", 1)];
        assert!(!may(&turns, "a", 30) && may(&turns, "a", 31));
        assert!(may(&turns, "a", -1), "a clock that was set back keeps nobody out");
    }

    #[test]
    fn a_record_comes_back() {
        for turns in [after(&[]), after(&[("https://a b", 0)]), after(&[("a", 0), ("b", 1)])] {
            assert_eq!(Turns::from_record(&turns.to_record()), turns);
        }
        for record in ["", "1", "1\na", "x\na\nb", "-1\na\nb", "99999999999999999999\na\nb"] {
            assert_eq!(Turns::from_record(record), Turns::default(), "{record}");
        }
    }
}
