//! Revocations that a backend is being told (`refreshCookie`). Its answer takes the cookie away, so whatever would
//! bring another one waits until it is there.

use std::cell::Cell;

use crate::crowd::Crowd;

/// Those under way.
#[derive(Default)]
pub(crate) struct Revocations {
    count: Cell<u32>,
    waiting: Crowd<()>,
}

/// One that is under way, until it is dropped.
pub(super) struct UnderWay(&'static Revocations);

impl Revocations {
    pub(super) fn begin(&'static self) -> UnderWay {
        self.count.set(self.count.get() + 1);
        UnderWay(self)
    }

    /// Waits until none is under way.
    pub(super) async fn over(&self) {
        while self.count.get() > 0 {
            self.waiting.join().await;
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.count.set(self.0.count.get() - 1);
        self.0.waiting.tell(&());
    }
}
