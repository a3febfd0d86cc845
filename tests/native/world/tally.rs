//! What is counted in a world. The first four must stay zero.

use std::ops::AddAssign;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Sessions that ended though the provider still honoured them.
    pub(crate) lost: u64,
    /// Calls that were sent with an expired token.
    pub(crate) expired: u64,
    /// Rotated tokens that were used though an answer to an earlier use had come.
    pub(crate) reused: u64,
    /// Tabs that stayed without their session though the provider knew the user.
    pub(crate) unrestored: u64,
    /// Refreshes that were sent.
    pub(crate) refreshes: u64,
    /// Expired tokens that were lent where no clock of the device could know: forgiven.
    pub(crate) misled: u64,
    /// Sessions that ended because, by the provider's own record, the answer with a rotated token never
    /// came and no grace covered it.
    pub(crate) rotations_lost: u64,
    /// Sessions that the provider ended.
    pub(crate) ended: u64,
    /// Realms that died while a refresh was under way.
    pub(crate) died_refreshing: u64,
    /// Locks that were taken by force.
    pub(crate) stolen: u64,
}

impl Tally {
    /// What must not be.
    pub(crate) fn flaws(&self) -> u64 {
        self.lost + self.expired + self.reused + self.unrestored
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.lost += other.lost;
        self.expired += other.expired;
        self.reused += other.reused;
        self.unrestored += other.unrestored;
        self.refreshes += other.refreshes;
        self.misled += other.misled;
        self.rotations_lost += other.rotations_lost;
        self.ended += other.ended;
        self.died_refreshing += other.died_refreshing;
        self.stolen += other.stolen;
    }
}
