//! What is known of the provider: its metadata, asked for when `oauth::discovery` says so.

use std::{cell::RefCell, rc::Rc};

use wasm_bindgen_futures::spawn_local;

use super::{pump::Vault, send};
use crate::{
    browser::{time, url::BrowserUrls},
    crowd::Crowd,
    error::{AuthError, Code, Phase},
    oauth::{
        discovery::{Discovery, Need},
        metadata::{self, Metadata},
    },
};

type Answer = Result<Rc<Metadata>, AuthError>;

/// The provider's metadata, and who waits for them.
#[derive(Default)]
pub(crate) struct Provider {
    discovery: RefCell<Discovery>,
    waiting: Crowd<Answer>,
}

impl Provider {
    /// The metadata, if they are known by now.
    pub(super) fn known(&self) -> Option<Rc<Metadata>> {
        self.discovery.borrow().known()
    }
}

/// The metadata; asks the provider where that is needed.
pub(super) async fn metadata(vault: Vault, need: Need) -> Answer {
    let provider = &vault.provider;
    let step = provider.discovery.borrow_mut().needed(time::now(), need);
    if step.ask {
        spawn_local(async move {
            let outcome = discover(vault).await;
            let answer = provider.discovery.borrow_mut().answered(time::now(), outcome);
            provider.waiting.tell(&answer);
        });
    }
    if let Some(known) = step.known {
        return Ok(known);
    }
    // Nothing is told before this: a spawned task begins in a later turn.
    provider.waiting.join().await.unwrap_or_else(|| Err(unreachable()))
}

async fn discover(vault: Vault) -> Result<Metadata, AuthError> {
    let config = &vault.config;
    if let Some(fixed) = metadata::fixed(config) {
        return fixed.check(config);
    }
    let (mut found, mut wrong) = (Err(unreachable()), None);
    for url in metadata::well_known(&config.issuer) {
        found = send::get(&url, config.network_timeout).await.and_then(|answer| {
            let read = metadata::read(&answer, &config.issuer, &BrowserUrls);
            wrong = read.as_ref().err().cloned().or(wrong.take());
            read
        });
        // What is no document here may be one at the other place.
        if !found.as_ref().is_err_and(|error| error.code == Code::ProviderAnswerInvalid) {
            break;
        }
    }
    // What is wrong with a document says more than that there is none at the other place.
    let found = found.map_err(|error| wrong.unwrap_or(error))?;
    found.check(config)
}

fn unreachable() -> AuthError {
    AuthError::transient(
        Code::ProviderUnreachable,
        Phase::Discovery,
        "the provider's metadata could not be fetched",
    )
}
