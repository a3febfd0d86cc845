//! The sign-ins that came back of late, as the store has them: noted and looked at when one begins.

use super::pump::Vault;
use crate::{
    browser::{
        store::{self, Next},
        time,
    },
    clock::UnixMillis,
    error::AuthError,
    session::bounces::Bounces,
};

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

async fn update(vault: Vault, decide: &mut dyn FnMut(Option<&str>) -> Next) -> Option<String> {
    let config = &vault.config;
    let name = ["bounces ", &config.issuer, " ", &config.client_id].concat();
    store::remember(&name, decide).await.ok().flatten()
}
