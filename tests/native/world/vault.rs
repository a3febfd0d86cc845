//! One vault of the world: a session, and what its realm has besides.

use std::collections::VecDeque;

use tokenward::{
    secret::Secret,
    session::{
        inputs::{Epoch, Input},
        machine::Session,
        snapshot::{SignedOutReason, Snapshot},
        tabs::{Chronicle, News, TabsEpoch},
    },
};

use super::timeline::Inside;
use crate::fixtures::indicators;

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
    /// The sealed record that it saw last.
    pub(crate) seen: Option<Secret>,
    /// Whether it was another one by then that was to be replaced last.
    pub(crate) is_taken: bool,
    /// The refresh token that it was given last.
    pub(crate) refresh_token: Option<String>,
    /// What it knows of the user's sign-out.
    pub(crate) sign_out: SignOut,
    /// How far it knows what happened in the tabs.
    tabs_epoch: Option<TabsEpoch>,
    /// What became of the device's clocks since it last looked.
    pub(crate) unseen: Unseen,
    /// They were set back and stood still before it could look: it has no clock left that could know,
    /// until it has a token that was asked for since. By audience.
    pub(crate) is_misled: Vec<bool>,
}

/// What a vault knows of the user's last sign-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignOut {
    /// Nothing, or somebody signed in since.
    Unknown,
    Known,
    /// It is what it hears now.
    Told,
}

/// What a vault has not seen yet of its device's clocks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Unseen {
    pub(crate) jump: bool,
    pub(crate) set_back: bool,
    pub(crate) sleep: bool,
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
    /// The clocks misled the vault while it waited: nothing can tell how old the answer's token is.
    pub(crate) is_misled: bool,
}

impl Vault {
    pub(crate) fn new(realm: u32, born: u64, session: Session, audiences: usize) -> Self {
        let session = session.with_audiences(&indicators(audiences));
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
            seen: None,
            is_taken: false,
            refresh_token: None,
            sign_out: SignOut::Unknown,
            tabs_epoch: None,
            unseen: Unseen::default(),
            is_misled: vec![false; audiences + 1],
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

    /// Notes what it is about to hear of the user's sign-ins and sign-outs.
    pub(crate) fn note(&mut self, input: &Input) {
        let known = self.tabs_epoch;
        let (epoch, is_told) = match input {
            Input::SignOutAsked(_) => (None, true),
            Input::Heard { epoch, news } => (Some(*epoch), *news == News::SignedOut),
            Input::Told(epoch) => (Some(*epoch), false),
            Input::Recalled(Chronicle { epoch, signed_out }) => {
                (Some(*epoch), known.is_some_and(|known| *signed_out > known))
            }
            _ => (None, false),
        };
        // News of a sign-in leave open whether a sign-out before it was heard.
        let is_sign_in = matches!(input, Input::Heard { news: News::SignedIn, .. });
        if !is_sign_in {
            self.tabs_epoch = known.max(epoch);
        }
        self.sign_out = match self.sign_out {
            _ if is_told => SignOut::Told,
            _ if is_sign_in => SignOut::Unknown,
            SignOut::Told => SignOut::Known,
            other => other,
        };
        if let (true, Some(flight)) = (is_told, &mut self.flight) {
            flight.is_stale = true;
        }
    }

    /// Something became of the device's clocks.
    pub(crate) fn miss(&mut self, unseen: Unseen) {
        self.unseen.jump |= unseen.jump;
        self.unseen.set_back |= unseen.set_back;
        self.unseen.sleep |= unseen.sleep;
        let is_misled = self.unseen.set_back && self.unseen.sleep;
        for misled in &mut self.is_misled {
            *misled |= is_misled;
        }
        if let Some(flight) = &mut self.flight {
            flight.is_misled |= is_misled;
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
