//! The hidden frame in which a page asks the provider who was signed in here: which page shows it, and the
//! Web Lock that tells the vaults of other tabs that one is shown, and goes with this vault.

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

/// The page that shows the frame, with the lock for it; without one where the browser has none.
#[derive(Default)]
pub(crate) struct Frames(RefCell<Option<(PortId, Option<Held>)>>);

/// This page is about to show it.
pub(super) async fn begin(vault: Vault, port: PortId) {
    // Those of other tabs may have theirs at the same time.
    let held = lock::take(&name(vault), Wait::Shared).await;
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

/// What keeps any page from showing one, of this vault or of another tab's; `None` where one does.
pub(super) async fn keep_off(vault: Vault) -> Option<Held> {
    lock::take(&name(vault), Wait::AtMost(LOOK)).await
}

fn name(vault: Vault) -> String {
    ["tokenward/frame/", &vault.config.client_at_issuer()].concat()
}
