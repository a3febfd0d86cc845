//! The journal: what became of the session, for whoever asks afterwards. An event has moments, counts
//! and a reason; it has no token and no claim.

use std::collections::VecDeque;

use super::{
    access::Access,
    exchange::elapsed,
    inputs::{Epoch, Generation},
    machine::{Session, Standing},
    snapshot::SignedOutReason,
};
use crate::{
    clock::{Millis, Now, UnixMillis},
    config::{DEFAULT_AUDIENCE, further_audience},
    error::{AuthError, Code},
    json::{Members, Writer},
};

/// How many events are kept, the latest.
pub const KEPT: usize = 100;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    all(test, not(target_arch = "wasm32")),
    derive(ts_rs::TS),
    ts(rename = "SessionEventType", rename_all = "camelCase")
)]
pub enum EventType {
    /// Somebody signed in.
    SignedIn,
    /// The session of a vault that is gone was restored.
    Restored,
    /// The access token was renewed.
    Refreshed,
    /// An attempt to renew it failed; the session is kept.
    Degraded,
    /// It was renewed, after attempts that had failed.
    Recovered,
    /// Nobody is signed in any more, or the session that was to be restored was not.
    Ended,
    /// Something is not as the configuration wants it, and the session goes on: `error` says what.
    Warning,
}

/// One event. Times are milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    all(test, not(target_arch = "wasm32")),
    derive(ts_rs::TS),
    ts(rename = "SessionEvent", rename_all = "camelCase")
)]
pub struct Event {
    /// Which one it is of its vault: 1 for the first.
    #[cfg_attr(all(test, not(target_arch = "wasm32")), ts(type = "number"))]
    pub serial: u64,
    /// What happened.
    #[cfg_attr(all(test, not(target_arch = "wasm32")), ts(rename = "type"))]
    pub kind: EventType,
    /// Whose access token it was, where that is not the session's default one: the resource's `resource`.
    #[cfg_attr(all(test, not(target_arch = "wasm32")), ts(optional))]
    pub resource: Option<String>,
    /// When, since the Unix epoch by this device's clock.
    #[cfg_attr(all(test, not(target_arch = "wasm32")), ts(type = "number"))]
    pub at: UnixMillis,
    /// How long the token request was under way; absent where none was sent.
    #[cfg_attr(all(test, not(target_arch = "wasm32")), ts(optional, type = "number"))]
    pub took_ms: Option<Millis>,
    /// How long the access token lives in all; absent where that is not known, or none came.
    #[cfg_attr(all(test, not(target_arch = "wasm32")), ts(optional, type = "number"))]
    pub life_ms: Option<Millis>,
    /// Which attempt it was since the last access token came; 1 for the first.
    #[cfg_attr(all(test, not(target_arch = "wasm32")), ts(optional))]
    pub attempt: Option<u32>,
    /// When the next attempt is due by itself, by the clock of `at`; absent where none is planned.
    #[cfg_attr(all(test, not(target_arch = "wasm32")), ts(optional, type = "number"))]
    pub next_at: Option<UnixMillis>,
    /// Why it ended; only there.
    #[cfg_attr(all(test, not(target_arch = "wasm32")), ts(optional))]
    pub reason: Option<SignedOutReason>,
    /// The error behind it: of an attempt that failed and of a warning always, of an end where there is one.
    #[cfg_attr(
        all(test, not(target_arch = "wasm32")),
        ts(optional, as = "Option<crate::error::AuthErrorInfo>")
    )]
    pub error: Option<AuthError>,
}

/// The latest events as pages see them, and how many there were.
#[derive(Debug, Default)]
pub struct Journal {
    kept: VecDeque<String>,
    serial: u64,
    /// What was warned of last: once is enough.
    warned: Option<Code>,
}

/// How a session stood before an input: what happened is told from how it stands afterwards.
pub(super) struct Stand {
    epoch: Epoch,
    /// Of whoever was signed in: which tokens they were, by audience, and how often the renewal of each had
    /// failed.
    tokens: Vec<(Generation, u32)>,
    is_restoring: bool,
    sent: Option<Now>,
}

impl EventType {
    /// Every type.
    pub const ALL: &[Self] = &[
        Self::SignedIn,
        Self::Restored,
        Self::Refreshed,
        Self::Degraded,
        Self::Recovered,
        Self::Ended,
        Self::Warning,
    ];

    /// The type of that text.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == text)
    }

    /// The type as programs see it: `signedIn`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignedIn => "signedIn",
            Self::Restored => "restored",
            Self::Refreshed => "refreshed",
            Self::Degraded => "degraded",
            Self::Recovered => "recovered",
            Self::Ended => "ended",
            Self::Warning => "warning",
        }
    }
}

impl Event {
    fn of(kind: EventType, now: Now, before: &Stand) -> Self {
        Self {
            serial: 0,
            kind,
            resource: None,
            at: now.wall,
            took_ms: before.sent.map(|sent| elapsed(sent, now)),
            life_ms: None,
            attempt: None,
            next_at: None,
            reason: None,
            error: None,
        }
    }

    fn to_json(&self) -> String {
        let mut json = Writer::default();
        json.number("serial", i64::try_from(self.serial).ok());
        json.text("type", self.kind.as_str());
        json.optional("resource", self.resource.as_deref());
        json.number("at", Some(self.at.0));
        let length = |length: Option<Millis>| length.and_then(|it| i64::try_from(it.0).ok());
        for (name, value) in [
            ("tookMs", length(self.took_ms)),
            ("lifeMs", length(self.life_ms)),
            ("attempt", self.attempt.map(i64::from)),
            ("nextAt", self.next_at.map(|moment| moment.0)),
        ] {
            if value.is_some() {
                json.number(name, value);
            }
        }
        json.optional("reason", self.reason.map(SignedOutReason::as_str));
        if let Some(error) = &self.error {
            json.object("error", &|to| error.tell(to));
        }
        json.finish()
    }
}

impl Journal {
    /// The number of the latest event; 0 where there is none.
    #[must_use]
    pub fn latest(&self) -> u64 {
        self.serial
    }

    /// Those later than `serial`, as a JSON list. A number that is not reached yet is another vault's:
    /// whoever has it knows nothing of these.
    #[must_use]
    pub fn to_json(&self, serial: u64) -> String {
        let fresh = self.serial.checked_sub(serial).unwrap_or(self.serial);
        let known = self.kept.len().saturating_sub(usize::try_from(fresh).unwrap_or(KEPT));
        let mut list = "[".to_owned();
        for event in self.kept.iter().skip(known) {
            if list.len() > 1 {
                list.push(',');
            }
            list.push_str(event);
        }
        list.push(']');
        list
    }

    fn add(&mut self, event: Event) {
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.serial += 1;
        self.kept.push_back(Event { serial: self.serial, ..event }.to_json());
    }
}

impl Session {
    /// How it stands.
    pub(super) fn stand(&self) -> Stand {
        let heard = self.tenure().filter(|tenure| !tenure.is_unheard);
        let accesses = heard.map_or(&[][..], |tenure| &tenure.accesses);
        let token = |access: &Access| (access.generation, access.plan.failures());
        Stand {
            epoch: self.epoch,
            tokens: accesses.iter().map(token).collect(),
            is_restoring: matches!(self.standing, Standing::Restoring)
                || self.tenure().is_some_and(|tenure| tenure.is_unheard),
            sent: self.exchange.sent(),
        }
    }

    /// Tells of something that is not as it should be, once.
    pub(super) fn warned(&mut self, now: Now, error: AuthError) {
        if self.journal.warned.replace(error.code) != Some(error.code) {
            let mut event = Event::of(EventType::Warning, now, &self.stand());
            (event.took_ms, event.error) = (None, Some(error));
            self.journal.add(event);
        }
    }

    /// Notes what happened since it stood so.
    pub(super) fn note(&mut self, now: Now, before: &Stand) {
        match &self.standing {
            Standing::Restoring => {}
            Standing::SignedIn(tenure) if tenure.is_unheard => {}
            Standing::SignedOut { reason, error } => {
                let is_lost = before.is_restoring
                    && matches!(
                        reason,
                        SignedOutReason::VaultGone
                            | SignedOutReason::SealedUnreadable
                            | SignedOutReason::SessionEnded
                            | SignedOutReason::RefreshLost
                    );
                if !before.tokens.is_empty() || is_lost {
                    let mut event = Event::of(EventType::Ended, now, before);
                    event.reason = Some(*reason);
                    event.error.clone_from(error);
                    // Of an end that no answer brought about it would say nothing.
                    event.took_ms = event.took_ms.filter(|_| self.exchange.sent().is_none());
                    self.journal.add(event);
                }
            }
            Standing::SignedIn(tenure) => {
                let is_new = before.tokens.is_empty() || before.epoch != self.epoch;
                for (audience, access) in tenure.accesses.iter().enumerate() {
                    let (generation, failed) =
                        before.tokens.get(audience).copied().unwrap_or_default();
                    let failures = access.plan.failures();
                    let (kind, attempt) = if is_new {
                        match tenure.restored_by {
                            // The others have no token yet.
                            _ if audience != DEFAULT_AUDIENCE => break,
                            Some(_) => (EventType::Restored, None),
                            None => (EventType::SignedIn, None),
                        }
                    } else if access.generation != generation {
                        let is_late = failed > 0;
                        let kind =
                            if is_late { EventType::Recovered } else { EventType::Refreshed };
                        (kind, Some(failed.saturating_add(1)))
                    } else if failures != failed {
                        (EventType::Degraded, Some(failures))
                    } else {
                        continue;
                    };
                    let mut event = Event::of(kind, now, before);
                    event.attempt = attempt;
                    event.resource = further_audience(&self.audiences, audience).cloned();
                    // A fresh token has no error yet.
                    event.error = access.plan.error().cloned();
                    event.life_ms = access.lifetime.filter(|_| kind != EventType::Degraded);
                    event.next_at = self.next_refresh(tenure, access).map(|at| at.wall());
                    self.journal.add(event);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_read_as_it_is_written() {
        for kind in EventType::ALL {
            assert_eq!(EventType::read(kind.as_str()), Some(*kind));
        }
        assert_eq!(EventType::read("signedin"), None);
    }
}
