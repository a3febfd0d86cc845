//! The sealed record, as the store has it: with the key that it is encrypted under, in one entry, so that
//! both go at once. What it says, and when it is read and written, is said by `session::sealed`.

use std::cell::RefCell;

use futures_channel::oneshot::{self, Receiver, Sender};
use js_sys::{Array, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::CryptoKey;

use super::{
    proofs,
    pump::{Event, Vault},
};
use crate::{
    browser::{
        crypto, random,
        store::{self, Next},
    },
    config::Persistence,
    error::AuthError,
    secret::Secret,
    session::{
        inputs::Input,
        sealed::{self, IV},
    },
};

/// What this vault knows of it.
#[derive(Default)]
pub(crate) struct Seal {
    /// The entry's bytes as they were read or written last: another vault's is not overwritten.
    seen: RefCell<Vec<u8>>,
    key: RefCell<Option<CryptoKey>>,
    /// Done when whatever was begun last is over.
    turn: RefCell<Option<Receiver<()>>>,
}

/// Reads the record.
pub(super) fn open(vault: Vault) {
    spawn_local(async move {
        let _turn = turn(vault).await;
        let outcome = read(vault).await;
        vault.post(Event::Session(Input::Unsealed(outcome)));
    });
}

/// Puts a record, or nothing, in the place of the one that was seen last; a new one in that of any.
pub(super) fn put(vault: Vault, record: Option<Secret>, is_new: bool) {
    let turn = turn(vault);
    spawn_local(async move {
        let _turn = turn.await;
        if write(vault, record.as_ref(), is_new).await.is_none() {
            // An old one would be worth nothing, or be taken for the session's.
            let _ = change(vault, is_new, Next::Remove).await;
            vault.post(Event::Session(Input::Warned(sealed::unavailable())));
        } else if is_new && vault.config.persistence == Persistence::Sealed {
            let has_nonce = vault.possession.proofs.borrow().has_nonce();
            if !has_nonce {
                vault.post(Event::Session(Input::Warned(sealed::without_nonce())));
            }
        }
    });
}

/// Waits until all that was begun is over.
pub(super) async fn settled(vault: Vault) {
    turn(vault).await;
}

/// Removes the records of this client, of whichever configuration, and their keys: an earlier one may have
/// been sealed where this one is not.
pub(super) async fn wipe(vault: Vault) {
    let _turn = turn(vault).await;
    let _ = store::forget_all(&beginning(vault)).await;
    vault.seal.key.take();
}

/// Waits for everything that was begun before; the next one waits for the end of what this gives.
fn turn(vault: Vault) -> impl Future<Output = Sender<()>> {
    let (done, is_done) = oneshot::channel();
    let before = vault.seal.turn.replace(Some(is_done));
    async move {
        if let Some(before) = before {
            let _ = before.await;
        }
        done
    }
}

async fn read(vault: Vault) -> Result<Option<Secret>, AuthError> {
    let entry = store::exchange(&name(vault), &mut |_| Next::Keep).await;
    let Some(entry) = entry.ok().filter(JsValue::is_truthy) else { return Ok(None) };
    vault.seal.seen.replace(bytes(&entry));
    let opened = decrypt(vault, &entry).await.ok_or_else(sealed::unreadable)?;
    Ok(Some(opened))
}

async fn decrypt(vault: Vault, entry: &JsValue) -> Option<Secret> {
    let key: CryptoKey = entry.dyn_ref::<Array>()?.get(0).dyn_into().ok()?;
    let stored = vault.seal.seen.borrow().clone();
    let (iv, ciphertext) = sealed::disclose(&stored)?;
    let data = bound_to(vault).await?;
    // Under a key that can be read nothing would be sealed.
    let secret = crypto::decrypt(&key, iv, &data, ciphertext).await.ok().filter(|_| !key.extractable());
    vault.seal.key.replace(Some(key));
    secret
}

/// `None` where the browser does not keep it.
async fn write(vault: Vault, record: Option<&Secret>, is_new: bool) -> Option<()> {
    let Some(record) = record else { return change(vault, is_new, Next::Remove).await };
    let known = vault.seal.key.borrow().clone().filter(|_| !is_new);
    let key = match known {
        Some(key) => key,
        None => crypto::make_cipher_key().await.ok()?,
    };
    let (iv, data) = (random::bytes::<IV>()?, bound_to(vault).await?);
    let ciphertext = crypto::encrypt(&key, &iv, &data, record).await.ok()?;
    let stored = sealed::enclose(&iv, &ciphertext);
    let entry = Array::of2(&key, &Uint8Array::from(stored.as_slice()));
    change(vault, is_new, Next::PutValue(entry.into())).await?;
    vault.seal.key.replace(Some(key));
    vault.seal.seen.replace(stored);
    Some(())
}

/// Changes the entry, if it is the one that was seen last, or in any case.
async fn change(vault: Vault, is_new: bool, next: Next) -> Option<()> {
    let mut next = Some(next);
    let mut decide = |entry: &JsValue| {
        let is_seen = is_new || (entry.is_truthy() && bytes(entry) == *vault.seal.seen.borrow());
        next.take().filter(|_| is_seen).unwrap_or(Next::Keep)
    };
    store::exchange(&name(vault), &mut decide).await.ok().map(drop)
}

fn bytes(entry: &JsValue) -> Vec<u8> {
    let part = entry.dyn_ref::<Array>().map(|entry| entry.get(1));
    part.and_then(|part| part.dyn_into::<Uint8Array>().ok()).map_or_else(Vec::new, |it| it.to_vec())
}

/// What the record is bound to; `None` where its tokens are bound to a key that goes with this vault.
async fn bound_to(vault: Vault) -> Option<String> {
    let (config, key) = (&vault.config, proofs::key(vault).await.ok()?);
    if key.as_ref().is_some_and(|key| !key.is_stored()) {
        return None;
    }
    let jkt = key.map(|key| key.thumbprint());
    let client = config.client_at_issuer();
    Some(sealed::bound_to(&config.page_origin, &client, &config.fingerprint, jkt.as_deref()))
}

/// How the names of this client's entries begin: no name of a client has a line's end.
fn beginning(vault: Vault) -> String {
    ["sealed ", &vault.config.client_at_issuer(), "\n"].concat()
}

fn name(vault: Vault) -> String {
    [beginning(vault).as_str(), &vault.config.fingerprint].concat()
}
