//! One vault of the world: a session, and what its realm has besides.

use std::collections::VecDeque;

use tokenward::{
    config::Restore,
    session::{
        inputs::Epoch,
        machine::Session,
        snapshot::{SignedOutReason, Snapshot},
    },
};

use super::timeline::Inside;

/// A vault, in a realm that can end, stand still, and begin anew.
pub(crate) struct Vault {
    /// Counts realms: what was under way for an earlier one reaches nobody.
    pub(crate) realm: u32,
    /// When it began.
    pub(crate) born: u64,
    pub(crate) session: Session,
    pub(crate) claim: Claim,
    pub(crate) flight: Option<Flight>,
    /// When its timer fires.
    pub(crate) timer: Option<u64>,
    /// Until when its realm stands still.
    pub(crate) frozen_until: u64,
    /// What waits for it to go on, in the order in which it came.
    pub(crate) held: VecDeque<Inside>,
    /// Whether it has a page, so that it hears the others.
    pub(crate) has_pages: bool,
    /// What its pages were told last, and who that is.
    pub(crate) published: Snapshot,
    pub(crate) user: Option<u8>,
    /// When the session began that its pages see.
    pub(crate) signed_in: u64,
    /// The refresh token that it was given last.
    pub(crate) refresh_token: Option<String>,
    /// Whether it knows that the user signed out, and nobody signed in since.
    pub(crate) knows_sign_out: bool,
    /// The device's clock was set since it last looked; set back, since then.
    pub(crate) has_jumped: bool,
    pub(crate) is_set_back: bool,
    /// The clock was set back, and the device slept, before it could look: it has no clock left that
    /// could know, until it has a new token.
    pub(crate) is_misled: bool,
}

/// What a vault believes of the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    Free,
    Asked,
    Held,
}

/// The token request under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flight {
    pub(crate) epoch: Epoch,
    /// The user signed out meanwhile.
    pub(crate) is_stale: bool,
    /// Whether it is a refresh.
    pub(crate) is_refresh: bool,
}

impl Vault {
    pub(crate) fn new(realm: u32, born: u64, seed: u64) -> Self {
        let session = Session::new(seed, Restore::Redirect);
        Self {
            realm,
            born,
            claim: Claim::Free,
            flight: None,
            timer: None,
            frozen_until: 0,
            held: VecDeque::new(),
            has_pages: false,
            published: session.snapshot(),
            session,
            user: None,
            signed_in: 0,
            refresh_token: None,
            knows_sign_out: false,
            has_jumped: false,
            is_set_back: false,
            is_misled: false,
        }
    }

    pub(crate) fn is_signed_in(&self) -> bool {
        matches!(self.published, Snapshot::SignedIn { .. })
    }

    /// Why nobody is signed in, where that is so.
    pub(crate) fn reason(&self) -> Option<SignedOutReason> {
        match &self.published {
            Snapshot::SignedOut { reason, .. } => Some(*reason),
            _ => None,
        }
    }

    /// The user signed out, and it knows.
    pub(crate) fn hear_sign_out(&mut self) {
        self.knows_sign_out = true;
        if let Some(flight) = &mut self.flight {
            flight.is_stale = true;
        }
    }

    /// Its pages are told this.
    pub(crate) fn publish(&mut self, snapshot: Snapshot) {
        self.user = match &snapshot {
            Snapshot::SignedIn { claims, .. } => user(claims),
            _ => None,
        };
        self.published = snapshot;
    }
}

/// The user of the provider's claims.
fn user(claims: &str) -> Option<u8> {
    let (_, rest) = claims.split_once("\"sub\":\"user-")?;
    rest.split_once('"')?.0.parse().ok()
}
