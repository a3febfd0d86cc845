//! The provider's keys, fetched once however many ask, and what is verified with them. What is asked for
//! next is said by `jwt::verification`, and when the provider is asked by `jwt::keys`.

use std::{cell::RefCell, rc::Rc};

use wasm_bindgen_futures::spawn_local;

use super::{provider, pump::Vault, send};
use crate::{
    browser::{crypto, time},
    clock::Millis,
    crowd::Crowd,
    error::AuthError,
    jwt::{
        jwks::KeySet,
        keys::{self, Keys, Wanted},
        verification::{Doubt, Step, Verification},
    },
    oauth::{discovery::Need, metadata::Metadata},
    session::{grant::Grant, inputs::TokenFailure, proof::Unproven},
};

/// The keys of the provider, and who waits for them.
#[derive(Default)]
pub(crate) struct KeyRing {
    keys: RefCell<Keys>,
    waiting: Crowd<()>,
}

/// The grant, once its ID token is verified.
pub(super) async fn prove(vault: Vault, unproven: Unproven) -> Result<Grant, TokenFailure> {
    let verdict = match provider::metadata(vault, Need::Known).await {
        Ok(metadata) => match unproven.verification(&metadata) {
            Some(verification) => verify(vault, &metadata, verification).await,
            None => Ok(()),
        },
        Err(error) => Err(Doubt::Unproven(error)),
    };
    unproven.settle(verdict)
}

/// What comes of a verification by this provider's keys.
pub(super) async fn verify(
    vault: Vault,
    metadata: &Metadata,
    mut verification: Verification,
) -> Result<(), Doubt> {
    let uri = metadata.jwks_uri.as_deref().unwrap_or_default();
    let mut step = Step::Keys(None);
    loop {
        step = match step {
            Step::Keys(beyond) => {
                let (keys, is_new) = wanted(vault, uri, beyond.as_ref()).await;
                verification.keys(keys, is_new)
            }
            Step::Check(check) => verification.checked(crypto::verify(&check).await),
            Step::Digest(hash, of) => verification.digested(&crypto::digest(hash, &of).await),
            Step::Done(verdict) => return verdict,
        }
    }
}

/// The keys, and whether they were fetched for this question.
async fn wanted(
    vault: Vault,
    uri: &str,
    beyond: Option<&Rc<KeySet>>,
) -> (Result<Rc<KeySet>, AuthError>, bool) {
    let ring = &vault.keys;
    let wanted = ring.keys.borrow_mut().wanted(time::now(), uri, beyond);
    let is_new = match wanted {
        Wanted::Keys(keys) => return (Ok(keys), false),
        Wanted::None(error) => return (Err(error), false),
        Wanted::Fetch => true,
        Wanted::Wait => false,
    };
    let fetched = ring.waiting.join();
    if is_new {
        let uri = uri.to_owned();
        spawn_local(async move {
            let outcome = fetch(vault, &uri).await;
            ring.keys.borrow_mut().fetched(time::now(), &uri, outcome);
            ring.waiting.tell(&());
        });
    }
    fetched.await;
    (ring.keys.borrow().answer(time::now(), beyond), is_new)
}

async fn fetch(vault: Vault, uri: &str) -> Result<KeySet, AuthError> {
    // The lock around token requests is held meanwhile: two of these take no longer than one of those.
    let timeout = Millis(vault.config.network_timeout.0 / 2);
    let body = send::get(uri, timeout).await.map_err(|error| keys::unavailable(&error.message))?;
    KeySet::read(&body).map_err(keys::unreadable)
}
