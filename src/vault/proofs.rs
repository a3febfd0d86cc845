//! DPoP: the key of this client, made or found, and proofs signed with it. What a proof says, and whether
//! another one follows, is said by `oauth::dpop`.

use std::{cell::RefCell, rc::Rc};

use wasm_bindgen::JsValue;
use web_sys::CryptoKey;

use super::{pump::Vault, send};
use crate::{
    browser::{
        crypto, fetch, random,
        store::{self, Next},
        time,
        url::BrowserUrls,
    },
    config::RefreshCookie,
    error::AuthError,
    oauth::{
        dpop::{self, Proofs, Proven, PublicKey, Server},
        token::HttpAnswer,
        transaction::Mode,
    },
    secret::Secret,
    session::outcome::Unanswered,
    url::ParseUrl,
};

/// The key, and what is known of those who read proofs.
#[derive(Default)]
pub(crate) struct Possession {
    key: RefCell<Option<Rc<Key>>>,
    /// The nonces, and the provider's clock.
    pub(super) proofs: RefCell<Proofs>,
}

/// A key that tokens are bound to.
pub(super) struct Key {
    private: CryptoKey,
    public: PublicKey,
    is_stored: bool,
}

impl Key {
    /// Whether the next vault has it too.
    pub(super) fn is_stored(&self) -> bool {
        self.is_stored
    }

    /// Its thumbprint (`jkt`).
    pub(super) fn thumbprint(&self) -> String {
        self.public.thumbprint()
    }
}

/// The thumbprint that a sign-in in this mode is bound to; `None` where it is bound to none.
pub(super) async fn binding(vault: Vault, mode: Mode) -> Result<Option<String>, AuthError> {
    let key = key(vault).await?;
    Ok(key.filter(|key| mode.can_bind(key.is_stored)).map(|key| key.thumbprint()))
}

/// The key of this client; `None` where tokens are bound to none. The vaults of other tabs have the same
/// one, except where the browser cannot store it: then it lives here alone.
pub(super) async fn key(vault: Vault) -> Result<Option<Rc<Key>>, AuthError> {
    if !vault.config.is_bound() {
        return Ok(None);
    }
    let known = || vault.possession.key.borrow().clone();
    if let Some(key) = known() {
        return Ok(Some(key));
    }
    let found = find(vault).await.ok_or_else(dpop::key_unavailable)?;
    // Whoever asked at the same time may have been faster.
    let key = known().unwrap_or_else(|| Rc::new(found));
    *vault.possession.key.borrow_mut() = Some(Rc::clone(&key));
    Ok(Some(key))
}

async fn find(vault: Vault) -> Option<Key> {
    let name = name(vault);
    let is_pair = |value: &_| crypto::private_half(value).is_some();
    let mut kept = store::adopt(&name, None, is_pair).await;
    let mut made = JsValue::UNDEFINED;
    if kept.is_err() {
        made = crypto::make_pair().await.ok()?;
        kept = store::adopt(&name, Some(&made), is_pair).await;
    }
    let is_stored = kept.is_ok();
    let pair = kept.unwrap_or(made);
    Some(Key {
        is_stored,
        private: crypto::private_half(&pair)?,
        public: PublicKey::from_point(&crypto::public_point(&pair).await.ok()?)?,
    })
}

/// Forgets the key here.
pub(super) fn drop_key(vault: Vault) {
    vault.possession.key.take();
}

/// Removes the key for all tabs.
pub(super) async fn remove_key(vault: Vault) {
    if vault.config.is_bound() {
        // A store that is denied has none.
        let _ = store::remember(&name(vault), &mut |_| Next::Remove).await;
        drop_key(vault);
    }
}

fn name(vault: Vault) -> String {
    ["key ", &vault.config.client_at_issuer()].concat()
}

/// A fresh proof.
pub(super) async fn sign(
    vault: Vault,
    key: &Key,
    proven: &Proven<'_>,
    nonce: Option<&str>,
) -> Result<Secret, AuthError> {
    let entropy = random::bytes().ok_or_else(dpop::key_unavailable)?;
    let input = {
        let proofs = vault.possession.proofs.borrow();
        proofs.signing_input(proven, nonce, &key.public, &entropy, time::now())
    };
    let signature = crypto::sign(&key.private, &input).await;
    let signature = signature.map_err(|_| dpop::key_unavailable())?;
    Ok(Secret::new(dpop::compact(&input, &signature)))
}

/// Sends a form to the provider, with a proof where tokens are bound to a key. A second attempt has no
/// time of its own: the lock around token requests is held meanwhile.
pub(super) async fn post(
    vault: Vault,
    url: &str,
    form: &Secret,
    backend: Option<&RefreshCookie>,
) -> Result<HttpAnswer, Unanswered> {
    let signal = fetch::timeout(vault.config.network_timeout);
    let key = key(vault).await.map_err(Unanswered::NotSent)?;
    let Some((key, target)) = key.zip(BrowserUrls.parse(url, None)) else {
        return send::post(url, form, backend, None, &signal).await;
    };
    let (proofs, origin) = (&vault.possession.proofs, &target.origin);
    let (server, method) = (Server::Provider, "POST");
    let proven = Proven { server, method, url: &target, access_token: None };
    let mut attempt = proofs.borrow().attempt(origin);
    loop {
        let proof = sign(vault, &key, &proven, attempt.nonce.as_deref()).await;
        let proof = proof.map_err(Unanswered::NotSent)?;
        let answer = send::post(url, form, backend, Some(proof), &signal).await?;
        let next = proofs.borrow_mut().again(&attempt, origin, &answer, time::now());
        let Some(next) = next else { return Ok(answer) };
        attempt = next;
    }
}
