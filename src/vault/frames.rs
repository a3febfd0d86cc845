//! The hidden frame in which a page asks the provider who was signed in here: which page shows it, and the
//! Web Lock that tells the vaults of other tabs that it is shown, and goes with this one.

use std::cell::RefCell;

use super::{
    port::PortId,
    pump::{Event, Vault},
};
use crate::{
    browser::lock::{self, Held, Wait},
    clock::Millis,
    session::inputs::Input,
};

/// A lock that nobody holds is had much sooner.
const LOOK: Millis = Millis(500);

/// The page that shows the frame, with the lock for it; without one if another tab's vault has it.
#[derive(Default)]
pub(crate) struct Frames(RefCell<Option<(PortId, Option<Held>)>>);

/// This page is about to show it.
pub(super) async fn begin(vault: Vault, port: PortId) {
    let held = take(vault).await;
    vault.frames.0.replace(Some((port, held)));
    // It may have gone meanwhile, and nobody else says so.
    if vault.ports.get(port).is_none() {
        end(vault, port);
    }
}

/// This page shows none any more, if it did: it asks for what comes next, or is gone.
pub(super) fn end(vault: Vault, port: PortId) {
    let ended = vault.frames.0.borrow_mut().take_if(|(shows, _)| *shows == port);
    if ended.is_some() {
        vault.post(Event::Session(Input::FrameFailed));
    }
}

/// It did what it was for, or is not wanted after all.
pub(super) fn forget(vault: Vault) {
    vault.frames.0.take();
}

/// Whether the page of another tab's vault, or of this one, shows it now.
pub(super) async fn is_shown(vault: Vault) -> bool {
    take(vault).await.is_none()
}

async fn take(vault: Vault) -> Option<Held> {
    let name = ["tokenward/frame/", &vault.config.client_at_issuer()].concat();
    lock::take(&name, Wait::AtMost(LOOK)).await
}
