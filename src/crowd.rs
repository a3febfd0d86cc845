//! Tasks that wait for the same word, said to all of them at once.

use std::cell::RefCell;

use futures_channel::oneshot;

/// Whoever waits.
pub(crate) struct Crowd<T>(RefCell<Vec<oneshot::Sender<T>>>);

impl<T> Default for Crowd<T> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<T: Clone> Crowd<T> {
    /// Waits from this moment on; `None` if the word is never said.
    pub(crate) fn join(&self) -> impl Future<Output = Option<T>> + use<T> {
        let (sender, word) = oneshot::channel();
        self.0.borrow_mut().push(sender);
        async { word.await.ok() }
    }

    /// Says the word to all who wait now.
    pub(crate) fn tell(&self, word: &T) {
        for waiting in self.0.take() {
            // Whoever no longer waits need not be told.
            let _ = waiting.send(word.clone());
        }
    }
}
