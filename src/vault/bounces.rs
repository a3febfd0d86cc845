//! The sign-ins that came back of late, and the restores that left, as the store has them: noted, and
//! looked at when one begins.

use super::pump::Vault;
use crate::{
    browser::{
        store::{self, Next},
        time,
    },
    clock::UnixMillis,
    error::AuthError,
    session::{bounces::Bounces, turns::Turns},
};

/// The record of restores, one of all clients.
const TURNS: &str = "restores";

/// Leave for one more sign-in. A store that is denied remembers none.
pub(super) async fn check(vault: Vault) -> Result<(), AuthError> {
    let record = update(vault, &mut |_| Next::Keep).await;
    record.map_or(Ok(()), |record| Bounces::from_record(&record).check(time::now().wall))
}

/// One that began at `started` is back.
pub(super) async fn note(vault: Vault, started: UnixMillis) {
    let now = time::now().wall;
    update(vault, &mut |record| {
        let bounces = Bounces::from_record(record.unwrap_or_default());
        Next::Put(bounces.and(started, now).to_record())
    })
    .await;
}

/// A person signed out: whoever signs in next is no loop.
pub(super) async fn forget(vault: Vault) {
    update(vault, &mut |_| Next::Remove).await;
}

/// Leave for a page to have the session restored.
pub(super) async fn check_restore(vault: Vault) -> Result<(), AuthError> {
    let record = store::remember(TURNS, &mut |_| Next::Keep).await.ok().flatten();
    let turns = Turns::from_record(&record.unwrap_or_default());
    turns.check(&vault.config.client_at_issuer(), time::now().wall)
}

/// A page leaves for that.
pub(super) async fn note_restore(vault: Vault) {
    let (client, now) = (vault.config.client_at_issuer(), time::now().wall);
    let mut note = |record: Option<&str>| {
        let turns = Turns::from_record(record.unwrap_or_default());
        Next::Put(turns.and(&client, now).to_record())
    };
    // A store that is denied has no flag either, so nothing is restored.
    let _ = store::remember(TURNS, &mut note).await;
}

async fn update(vault: Vault, decide: &mut dyn FnMut(Option<&str>) -> Next) -> Option<String> {
    let name = ["bounces ", &vault.config.client_at_issuer()].concat();
    store::remember(&name, decide).await.ok().flatten()
}
