//! The tickets: which requests wait for a lease, and who gets one. Each is answered once, unless it
//! is dropped.

use std::mem;

use super::{
    access::Access,
    inputs::{Generation, Lease, Output, Ticket},
    machine::{Session, Standing},
    outcome::audience_unavailable,
    tenure::Tenure,
};
use crate::{
    clock::Now,
    error::{AuthError, Code, Phase},
    table::Table,
};

/// The tickets that wait, in the order in which they came.
pub(super) type Waiting = Table<Ticket, Need>;

/// What a ticket asks for: a valid access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Need {
    /// The number of the audience that it is for.
    pub(super) audience: usize,
    /// The one that a resource refused: it is to be another.
    refused: Option<Generation>,
}

enum Verdict {
    Lend(Lease),
    Refuse(AuthError),
    Wait,
}

impl Session {
    /// A request wants the use of an access token.
    pub(super) fn lease_wanted(&mut self, now: Now, ticket: Ticket, audience: usize) {
        self.admit(now, ticket, Need { audience, refused: None });
    }

    /// A resource refused the lease of this generation.
    pub(super) fn lease_refused(
        &mut self,
        now: Now,
        ticket: Ticket,
        audience: usize,
        refused: Generation,
    ) {
        let Standing::SignedIn(tenure) = &mut self.standing else {
            return self.refuse(ticket, session_ended());
        };
        if refused < tenure.first() {
            return self.refuse(ticket, session_ended());
        }
        let access = &mut tenure.accesses[audience];
        // It has been replaced, or is no longer there.
        if refused != access.generation {
            return self.admit(now, ticket, Need { audience, refused: None });
        }
        // In its last seconds a token is renewed for any request: that is not the resource's doing.
        if !access.is_comfortable(now) || access.accept_refusal(now) {
            self.admit(now, ticket, Need { audience, refused: Some(refused) });
        } else {
            self.refuse(ticket, not_renewable());
        }
    }

    /// Judges every waiting ticket again.
    pub(super) fn settle(&mut self, now: Now) {
        let mut waiting = mem::take(&mut self.waiting);
        waiting.retain(|ticket, need| !self.answer(now, ticket, *need));
        self.waiting = waiting;
    }

    /// Refuses every waiting ticket: whom they were for is gone.
    pub(super) fn refuse_all(&mut self) {
        for ticket in mem::take(&mut self.waiting).into_keys() {
            self.refuse(ticket, session_ended());
        }
    }

    fn admit(&mut self, now: Now, ticket: Ticket, need: Need) {
        self.waiting.remove(ticket);
        if !self.answer(now, ticket, need) {
            self.waiting.insert(ticket, need);
        }
    }

    fn answer(&mut self, now: Now, ticket: Ticket, need: Need) -> bool {
        match self.judge(now, need) {
            Verdict::Lend(lease) => self.outputs.push_back(Output::Lend { ticket, lease }),
            Verdict::Refuse(error) => self.refuse(ticket, error),
            Verdict::Wait => return false,
        }
        true
    }

    fn refuse(&mut self, ticket: Ticket, error: AuthError) {
        self.outputs.push_back(Output::Refuse { ticket, error });
    }

    fn judge(&self, now: Now, need: Need) -> Verdict {
        match &self.standing {
            Standing::SignedIn(_) if self.is_asking_backend() => Verdict::Wait,
            Standing::SignedIn(tenure) => self.judge_tenure(now, tenure, need),
            Standing::Restoring => Verdict::Wait,
            Standing::SignedOut { .. } if self.is_signing_in() => Verdict::Wait,
            Standing::SignedOut { .. } => Verdict::Refuse(not_signed_in()),
        }
    }

    fn judge_tenure(&self, now: Now, tenure: &Tenure, need: Need) -> Verdict {
        let access = &tenure.accesses[need.audience];
        let lease = access.lease().filter(|lease| need.refused != Some(lease.generation));
        let (lease, kept) = if access.is_comfortable(now) { (lease, None) } else { (None, lease) };
        if let Some(lease) = lease {
            return Verdict::Lend(lease);
        }
        if self.is_refreshing(need.audience) || self.may_attempt(now, tenure, access) {
            return Verdict::Wait;
        }
        // No renewal can be awaited: what is still valid is lent to its last moment.
        match kept.filter(|_| access.left(now).is_none_or(|left| left.0 > 0)) {
            Some(lease) => Verdict::Lend(lease),
            None => Verdict::Refuse(self.why_not(now, tenure, access)),
        }
    }

    /// Whether an attempt to refresh is made now: because a request waits for it, or by itself.
    fn may_attempt(&self, now: Now, tenure: &Tenure, access: &Access) -> bool {
        let is_due = self.has_pages && access.plan.is_due(now);
        self.is_online
            && tenure.grant.is_renewable()
            && (is_due || access.plan.pause_for_calls(now).0 == 0)
    }

    fn why_not(&self, now: Now, tenure: &Tenure, access: &Access) -> AuthError {
        let last = access.plan.error();
        if !tenure.grant.is_renewable() {
            return if access.lease().is_some() { not_renewable() } else { audience_unavailable() };
        }
        if let Some(error) = last.filter(|error| error.code == Code::AudienceUnavailable) {
            return error.clone();
        }
        if !self.is_online {
            return AuthError::transient(
                Code::Offline,
                Phase::Fetch,
                "the device is offline and the access token has expired; the session is kept",
            );
        }
        let why = last.map_or("", |error| error.message.as_ref());
        let message =
            ["the access token could not be renewed yet; the session is kept (", why, ")"];
        let mut error = AuthError::transient(Code::RefreshFailed, Phase::Refresh, message.concat());
        error.retry_after_ms = Some(access.plan.pause_for_calls(now));
        error.oauth_error = last.and_then(|error| error.oauth_error.clone());
        error
    }
}

fn not_signed_in() -> AuthError {
    AuthError::new(Code::NotSignedIn, Phase::Fetch, "nobody is signed in: call `signIn()` first")
}

fn session_ended() -> AuthError {
    AuthError::new(
        Code::SessionEnded,
        Phase::Fetch,
        "the session that this call belonged to has ended: call `signIn()`",
    )
}

fn not_renewable() -> AuthError {
    AuthError::new(
        Code::RefreshFailed,
        Phase::Refresh,
        "the resource refused the access token, and it cannot be renewed now",
    )
}
