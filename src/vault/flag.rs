//! The flag that somebody was signed in, as the store has it: read, set, and removed at the session's
//! word.

use wasm_bindgen_futures::spawn_local;

use super::{
    effects, frames,
    pump::{Event, Vault},
    sealed::{self, Job},
};
use crate::{
    browser::store::{self, Next},
    error::AuthError,
    session::{
        flag::Flag,
        inputs::{Ask, Input, Mark},
    },
};

/// Tells the session what the flag says.
pub(super) fn read(vault: Vault) {
    spawn_local(async move {
        let mut flag = look(vault).await;
        if flag.is_some_and(|flag| flag.in_frame) {
            let none = frames::keep_off(vault).await;
            // The last one that was shown may have done what it was for just now.
            flag = look(vault).await.map(|flag| Flag { is_shown: none.is_none(), ..flag });
        }
        vault.post(Event::Session(Input::FlagRead(flag)));
    });
}

async fn look(vault: Vault) -> Option<Flag> {
    update(vault, &mut |_| Next::Keep).await
}

/// Notes when a page left to restore the session. Says whether the flag is still there: whoever removed
/// it meanwhile, in another tab's vault, is not overruled.
pub(super) async fn renew(vault: Vault, flag: Flag) -> bool {
    let mut renewed = |record: Option<&str>| match record {
        Some(_) => Next::Put(flag.to_record()),
        None => Next::Keep,
    };
    update(vault, &mut renewed).await.is_some()
}

/// Removes it.
pub(super) async fn remove(vault: Vault) {
    update(vault, &mut |_| Next::Remove).await;
}

/// Changes the flag, and tells a page afterwards: it may leave at once, and the vault with it.
pub(super) fn note(
    vault: Vault,
    mark: Mark,
    then: Option<(Ask, Result<Option<String>, AuthError>)>,
) {
    spawn_local(async move {
        match mark {
            Mark::Keep => {}
            Mark::Clear => remove(vault).await,
            Mark::Set => {
                // What was sealed is there too.
                let _ = sealed::order(vault, Job::Wait).await;
                let set = Flag::default().to_record();
                update(vault, &mut |_| Next::Put(set.clone())).await;
                frames::forget(vault);
            }
        }
        if let Some((ask, outcome)) = then {
            effects::conclude(vault, ask, outcome);
        }
    });
}

/// The flag as it was before this change. A store that is denied has none, so it restores nothing, and
/// that is all.
async fn update(vault: Vault, decide: &mut dyn FnMut(Option<&str>) -> Next) -> Option<Flag> {
    let name = vault.config.client_at_issuer();
    store::remember(&name, decide).await.ok().flatten().as_deref().map(Flag::from_record)
}
