//! The pages that want to know what became of the session: each is answered at once, or at the next
//! event.

use super::{
    port::{Asker, Port},
    pump::Vault,
    wire::{FromVault, Id},
};

/// A page asks for the events after that one, or for all.
pub(super) fn asked(vault: Vault, asker: Asker, after: Option<u32>) {
    let Some(port) = vault.ports.get(asker.port) else { return };
    // One question of a port waits: a page cannot fill the vault with them.
    if let Some((id, after)) = port.reader.take() {
        answer(vault, &port, id, after);
    }
    match after.map(u64::from) {
        Some(after) if after == vault.latest_event() => port.reader.set(Some((asker.id, after))),
        after => answer(vault, &port, asker.id, after.unwrap_or(0)),
    }
}

/// Something may have happened.
pub(super) fn tell(vault: Vault) {
    let latest = vault.latest_event();
    if vault.told_event.replace(latest) == latest {
        return;
    }
    for port in vault.ports.welcome() {
        if let Some((id, after)) = port.reader.take() {
            answer(vault, &port, id, after);
        }
    }
}

fn answer(vault: Vault, port: &Port, id: Id, after: u64) {
    port.send(&FromVault::Events { id, events: vault.events(after) }, None);
}
