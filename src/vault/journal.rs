//! The pages that want to know what became of the session: each is answered at once, or at the next
//! event.

use std::cell::RefCell;

use super::{
    port::{Asker, PortId},
    pump::Vault,
    wire::FromVault,
};
use crate::table::Table;

/// The pages that wait, and after which event.
#[derive(Default)]
pub(crate) struct Readers(RefCell<Table<PortId, (Asker, u64)>>);

/// A page asks for the events after that one, or for all.
pub(super) fn asked(vault: Vault, asker: Asker, after: Option<u32>) {
    // One question of a port waits: a page cannot fill the vault with them.
    let earlier = vault.readers.0.borrow_mut().remove(asker.port);
    if let Some((earlier, after)) = earlier {
        answer(vault, earlier, after);
    }
    match after {
        Some(after) => {
            vault.readers.0.borrow_mut().insert(asker.port, (asker, after.into()));
            tell(vault);
        }
        None => answer(vault, asker, 0),
    }
}

/// Something may have happened.
pub(super) fn tell(vault: Vault) {
    let latest = vault.latest_event();
    let mut told = Vec::new();
    vault.readers.0.borrow_mut().retain(|_, (asker, after)| {
        if *after != latest {
            told.push((*asker, *after));
        }
        *after == latest
    });
    for (asker, after) in told {
        answer(vault, asker, after);
    }
}

/// The page is gone.
pub(super) fn forget(vault: Vault, port: PortId) {
    vault.readers.0.borrow_mut().remove(port);
}

fn answer(vault: Vault, asker: Asker, after: u64) {
    let events = vault.events(after);
    vault.ports.send(asker.port, &FromVault::Events { id: asker.id, events });
}
