//! Waiting: for a word that is said once, and for the first of two.

use std::{
    cell::RefCell,
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

use crate::crowd::Crowd;

/// A word that is said once, to all who wait for it and to those who come later.
pub(super) struct Told<T> {
    word: RefCell<Option<T>>,
    waiting: Crowd<()>,
}

impl<T> Default for Told<T> {
    fn default() -> Self {
        Self { word: RefCell::default(), waiting: Crowd::default() }
    }
}

impl<T: Clone> Told<T> {
    /// Says it. What was said first stands.
    pub(super) fn tell(&self, word: T) {
        self.word.borrow_mut().get_or_insert(word);
        self.waiting.tell(&());
    }

    /// Waits for it.
    pub(super) async fn wait(&self) -> T {
        loop {
            let word = self.word.borrow().clone();
            if let Some(word) = word {
                return word;
            }
            self.waiting.join().await;
        }
    }
}

/// What the first of two comes to; the other is dropped.
pub(super) async fn first<T>(one: impl Future<Output = T>, other: impl Future<Output = T>) -> T {
    let (mut one, mut other) = (pin!(one), pin!(other));
    poll_fn(|context| match one.as_mut().poll(context) {
        Poll::Pending => other.as_mut().poll(context),
        ready @ Poll::Ready(_) => ready,
    })
    .await
}
