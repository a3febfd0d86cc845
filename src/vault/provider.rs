//! What is known of the provider: its metadata, fetched once however many ask.

use std::{cell::RefCell, rc::Rc};

use futures_channel::oneshot;
use wasm_bindgen_futures::spawn_local;

use super::{pump::Vault, send};
use crate::{
    browser::url::BrowserUrls,
    error::{AuthError, Code, Phase},
    oauth::metadata::{self, Metadata},
};

type Answer = Result<Rc<Metadata>, AuthError>;

/// The provider's metadata, once they are known, and who waits for them until then.
#[derive(Default)]
pub(crate) struct Provider {
    known: RefCell<Option<Rc<Metadata>>>,
    waiting: RefCell<Vec<oneshot::Sender<Answer>>>,
}

impl Provider {
    /// The metadata, if they are known by now.
    pub(super) fn known(&self) -> Option<Rc<Metadata>> {
        self.known.borrow().clone()
    }
}

/// The metadata; asks the provider where they are not known. A failure is not remembered.
pub(super) async fn metadata(vault: Vault) -> Answer {
    if let Some(known) = vault.provider.known() {
        return Ok(known);
    }
    let (sender, answer) = oneshot::channel();
    vault.provider.waiting.borrow_mut().push(sender);
    if vault.provider.waiting.borrow().len() == 1 {
        spawn_local(async move {
            let answer = discover(vault).await.map(Rc::new);
            *vault.provider.known.borrow_mut() = answer.as_ref().ok().cloned();
            for waiting in vault.provider.waiting.take() {
                // Whoever no longer waits needs no answer.
                let _ = waiting.send(answer.clone());
            }
        });
    }
    answer.await.unwrap_or_else(|_| Err(unreachable()))
}

async fn discover(vault: Vault) -> Result<Metadata, AuthError> {
    let config = &vault.config;
    if let Some(fixed) = metadata::fixed(config) {
        return fixed.check_keys(config.is_openid());
    }
    let mut found = Err(unreachable());
    for url in metadata::well_known(&config.issuer) {
        found = send::get(&url, config.network_timeout)
            .await
            .and_then(|answer| metadata::read(&answer, &config.issuer, &BrowserUrls));
        // What is no document here may be one at the other place.
        if !found.as_ref().is_err_and(|error| error.code == Code::ProviderAnswerInvalid) {
            break;
        }
    }
    found.and_then(|found| found.check_keys(config.is_openid()))
}

fn unreachable() -> AuthError {
    AuthError::transient(
        Code::ProviderUnreachable,
        Phase::Discovery,
        "the provider's metadata could not be fetched",
    )
}
