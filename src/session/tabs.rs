//! What the vaults of one client, each in a tab of its own, tell each other: that somebody signed in or
//! out, and nothing else. Which session it was stays in its vault.
//!
//! A vault hears while it has a page, and asks what it missed when it has one again.

use super::{
    inputs::{Epoch, Output},
    machine::{Session, Standing},
    snapshot::SignedOutReason,
};
use crate::json::decimal;

/// What happened in another tab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Somebody signed in there.
    SignedIn,
    /// The user signed out there, which holds everywhere.
    SignedOut,
}

/// Counts the sign-ins and sign-outs of all tabs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct TabsEpoch(pub u64);

/// What all tabs remember together. It outlives every vault and says nothing of anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Chronicle {
    /// The latest epoch.
    pub epoch: TabsEpoch,
    /// When the user last signed out.
    pub signed_out: TabsEpoch,
}

impl News {
    /// The `event` of a message to the other tabs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignedIn => "signedIn",
            Self::SignedOut => "signedOut",
        }
    }

    /// The news of a message, which anybody of this origin may have sent.
    #[must_use]
    pub fn read(event: &str) -> Option<Self> {
        [Self::SignedIn, Self::SignedOut].into_iter().find(|news| news.as_str() == event)
    }
}

impl Chronicle {
    /// The chronicle with one thing more.
    #[must_use]
    pub fn and(self, news: News) -> Self {
        let epoch = TabsEpoch(self.epoch.0.saturating_add(1));
        let signed_out = if news == News::SignedOut { epoch } else { self.signed_out };
        Self { epoch, signed_out }
    }

    /// The record for the store: both epochs.
    #[must_use]
    pub fn to_record(self) -> String {
        let digits = |epoch: TabsEpoch| decimal(i64::try_from(epoch.0).unwrap_or(i64::MAX));
        [digits(self.epoch).as_str(), " ", digits(self.signed_out).as_str()].concat()
    }

    /// The chronicle of a record; an empty one where it is none.
    #[must_use]
    pub fn from_record(record: &str) -> Self {
        let read = |(epoch, signed_out): (&str, &str)| {
            let epoch = TabsEpoch(epoch.parse().ok()?);
            Some(Self { epoch, signed_out: TabsEpoch(signed_out.parse().ok()?) })
        };
        record.split_once(' ').and_then(read).unwrap_or_default()
    }
}

impl Session {
    /// Another tab told what happened there.
    pub(super) fn heard(&mut self, epoch: TabsEpoch, news: News) {
        match news {
            News::SignedOut => {
                self.tabs_epoch = self.tabs_epoch.max(Some(epoch));
                self.signed_out_elsewhere();
            }
            // One that is older than a sign-out that is known came late.
            News::SignedIn if Some(epoch) > self.tabs_epoch => self.signed_in_elsewhere(),
            News::SignedIn => {}
        }
    }

    /// What happened while nothing could be heard. A vault that has just begun missed nothing.
    pub(super) fn recalled(&mut self, chronicle: Chronicle) {
        if let Some(known) = self.tabs_epoch {
            if chronicle.signed_out > known {
                self.signed_out_elsewhere();
            }
            if chronicle.epoch > known && chronicle.epoch > chronicle.signed_out {
                self.signed_in_elsewhere();
            }
        }
        self.told(chronicle.epoch);
    }

    /// Up to here everything is known.
    pub(super) fn told(&mut self, epoch: TabsEpoch) {
        self.tabs_epoch = self.tabs_epoch.max(Some(epoch));
    }

    fn signed_out_elsewhere(&mut self) {
        if let Some(tenure) = self.tenure().filter(|tenure| !tenure.grant.is_unknown()) {
            let token = tenure.grant.revocable();
            self.outputs.push_back(Output::Revoke(token));
        }
        // Removed for all tabs by the one that signed out.
        self.outputs.push_back(Output::DropKey);
        // What is being read counts as seen last, and may be of a session since.
        if !self.exchange.is_reading() {
            self.unseal_no_more();
        }
        self.sign_out_here();
    }

    /// Every session here ends, and every sign-in under way.
    pub(super) fn sign_out_here(&mut self) {
        let may_come_back = self.is_signing_in() || self.wants_restore();
        self.stop_restoring();
        self.abandon_callbacks(self.epoch);
        self.epoch = Epoch(self.epoch.0 + 1);
        self.sign_outs += 1;
        match self.standing {
            // Nobody was here: why stays as it was, unless it is no longer true, or the session that is
            // gone may come back.
            Standing::SignedOut { reason, .. }
                if !may_come_back && reason != SignedOutReason::SignedInElsewhere => {}
            _ => self.end(SignedOutReason::SignedOut, None),
        }
    }

    /// Whoever is signed in here stays: another user's session is not this tab's.
    fn signed_in_elsewhere(&mut self) {
        // Whoever that is, a backend knows them here too, once it can be reached.
        let is_lost = self.restore.backend.is_away();
        let is_nobody = matches!(self.standing, Standing::SignedOut { .. });
        if is_nobody && !is_lost && !self.is_signing_in() {
            self.end(SignedOutReason::SignedInElsewhere, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chronicle_remembers_when_the_user_last_signed_out() {
        let mut chronicle = Chronicle::default();
        for news in [News::SignedIn, News::SignedOut, News::SignedIn] {
            chronicle = chronicle.and(news);
        }
        assert_eq!(chronicle, Chronicle { epoch: TabsEpoch(3), signed_out: TabsEpoch(2) });
        assert_eq!(Chronicle::from_record(&chronicle.to_record()), chronicle);
    }

    #[test]
    fn what_is_no_record_is_an_empty_chronicle() {
        for record in ["", " ", "1", "a b", "1 -1", "1 2 3", "99999999999999999999 1"] {
            assert_eq!(Chronicle::from_record(record), Chronicle::default(), "{record}");
        }
        let last = Chronicle { epoch: TabsEpoch(u64::MAX), ..Chronicle::default() };
        assert_eq!(last.and(News::SignedOut).signed_out, TabsEpoch(u64::MAX));
    }

    #[test]
    fn news_are_two_words() {
        assert_eq!(News::read("signedOut"), Some(News::SignedOut));
        assert_eq!(News::read("signedIn"), Some(News::SignedIn));
        assert_eq!(News::read("SignedIn"), None);
    }
}
