//! Who is signed in: the grant, with the one refresh token, and an access token for each audience. It
//! holds the tokens and shows none.

use std::rc::Rc;

use super::{
    access::Access, grant::Grant, inputs::Generation, random::Random, refresh::Plan,
    snapshot::RestoredBy,
};
use crate::{
    clock::{Deadline, Millis, Now},
    config::DEFAULT_AUDIENCE,
};

/// One user's time, from a sign-in to its end or the next sign-in.
#[derive(Debug)]
pub(super) struct Tenure {
    /// What all audiences share, and the default one's access token.
    pub(super) grant: Rc<Grant>,
    /// Whether the provider may have rotated the refresh token in an answer that never came.
    pub(super) is_lost: bool,
    /// What restored it, if nobody signed in.
    pub(super) restored_by: Option<RestoredBy>,
    /// It comes from a sealed record or a cookie, and the provider was not asked yet.
    pub(super) is_unheard: bool,
    /// By audience, the default one first.
    pub(super) accesses: Vec<Access>,
    /// The first generation that is this user's. A request that held an older lease is not this
    /// user's, and is never retried with a token of this one.
    first: Generation,
}

impl Tenure {
    /// A tenure that begins, with so many audiences. `first` is where the same user's earlier tenure
    /// began, if it did.
    pub(super) fn begin(
        grant: Grant,
        audiences: usize,
        generation: Generation,
        first: Option<Generation>,
        random: &mut Random,
    ) -> Self {
        let grant = Rc::new(grant);
        let mut tenure = Self {
            grant: Rc::clone(&grant),
            is_lost: false,
            restored_by: None,
            is_unheard: false,
            accesses: (0..audiences).map(|_| Access::default()).collect(),
            first: first.unwrap_or(generation),
        };
        tenure.accesses[DEFAULT_AUDIENCE].renew(&grant, generation, random);
        tenure
    }

    /// A tenure that comes from a sealed record or a cookie: its first access token is due now.
    pub(super) fn restored(
        grant: Rc<Grant>,
        by: RestoredBy,
        audiences: usize,
        generation: Generation,
        now: Now,
    ) -> Self {
        let mut accesses: Vec<_> = (0..audiences).map(|_| Access::default()).collect();
        accesses[DEFAULT_AUDIENCE].plan = Plan::due(now);
        Self {
            grant,
            is_lost: false,
            restored_by: Some(by),
            is_unheard: true,
            accesses,
            first: generation,
        }
    }

    /// Goes on with the refresh token of the record, where another vault has renewed it.
    pub(super) fn adopt(&mut self, mut record: Rc<Grant>, is_lost: bool) {
        if record.refresh_token == self.grant.refresh_token {
            return;
        }
        if let Some(grant) = Rc::get_mut(&mut record) {
            grant.access_token = Rc::clone(&self.grant.access_token);
            grant.offset = self.grant.offset;
        }
        self.grant = record;
        self.is_lost = is_lost;
    }

    /// The same tenure with a renewed grant, whose access token is for this audience. Whatever else came
    /// with it is every audience's.
    pub(super) fn renew(
        &mut self,
        audience: usize,
        mut grant: Grant,
        generation: Generation,
        random: &mut Random,
    ) {
        self.is_lost = false;
        self.accesses[audience].renew(&grant, generation, random);
        if audience != DEFAULT_AUDIENCE {
            grant.access_token = Rc::clone(&self.grant.access_token);
            grant.scopes.clone_from(&self.grant.scopes);
        }
        self.grant = Rc::new(grant);
    }

    /// The default audience's access.
    pub(super) fn default(&self) -> &Access {
        &self.accesses[DEFAULT_AUDIENCE]
    }

    /// Where this user's generations begin.
    pub(super) fn first(&self) -> Generation {
        self.first
    }

    /// When it ends by itself: at the expiry, where nothing can renew it.
    pub(super) fn end(&self) -> Option<Deadline> {
        self.default().expiry().filter(|_| !self.grant.is_renewable())
    }

    /// Every audience's plan.
    pub(super) fn plans(&mut self) -> impl Iterator<Item = &mut Plan> {
        self.accesses.iter_mut().map(|access| &mut access.plan)
    }

    /// The wall clock was set back by so much.
    pub(super) fn set_back(&mut self, by: Millis) {
        for access in &mut self.accesses {
            access.set_back(by);
        }
    }
}
