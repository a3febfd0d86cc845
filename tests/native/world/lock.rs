//! The Web Lock that the vaults of one client share: one holder, a queue, and theft. Its holders are
//! realms, since a lock goes with the realm that holds it.

use std::collections::VecDeque;

#[derive(Default)]
pub(crate) struct Lock {
    holder: Option<u32>,
    waiting: VecDeque<(u32, u64)>,
    count: u64,
}

impl Lock {
    /// A realm asks. `None`: it has it at once; else the number of its request.
    pub(crate) fn request(&mut self, realm: u32) -> Option<u64> {
        if self.holder.is_none() {
            self.holder = Some(realm);
            return None;
        }
        self.count += 1;
        self.waiting.push_back((realm, self.count));
        Some(self.count)
    }

    /// A realm takes it from whoever holds it. That one learns nothing of it.
    pub(crate) fn steal(&mut self, realm: u32) {
        self.holder = Some(realm);
    }

    /// The wait of a request is over; whether it had waited until now.
    pub(crate) fn gave_up(&mut self, request: u64) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|(_, number)| *number != request);
        self.waiting.len() < before
    }

    /// A realm lets go; who has it now, if that changed. One that it was stolen from holds nothing.
    pub(crate) fn release(&mut self, realm: u32) -> Option<u32> {
        self.holder.take_if(|holder| *holder == realm)?;
        self.holder = self.waiting.pop_front().map(|(next, _)| next);
        self.holder
    }

    /// A realm ends, and its requests with it; who has the lock now, if that changed.
    pub(crate) fn lose(&mut self, realm: u32) -> Option<u32> {
        self.waiting.retain(|(waiting, _)| *waiting != realm);
        self.release(realm)
    }

    /// Whether none has it or waits for it, but perhaps this one.
    pub(crate) fn is_free_but_for(&self, realm: u32) -> bool {
        self.holder.is_none_or(|holder| holder == realm) && self.waiting.is_empty()
    }
}
