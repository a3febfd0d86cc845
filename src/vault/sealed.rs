//! The sealed record, as the store has it: with the key that it is encrypted under, in one entry, so that
//! both go at once. What it says, and when it is read and written, is said by `session::sealed`.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
};

use futures_channel::oneshot::{self, Receiver, Sender};
use js_sys::{Array, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};

use super::{
    proofs,
    pump::{Event, Vault},
};
use crate::{
    browser::{
        crypto, fetch, random,
        store::{self, Next},
    },
    config::Persistence,
    secret::Secret,
    session::{
        inputs::Input,
        sealed::{self, IV, Unreadable},
    },
};

/// What this vault knows of it.
#[derive(Default)]
pub(crate) struct Seal {
    /// The entry's bytes as they were read or written last: another vault's is not overwritten.
    seen: RefCell<Vec<u8>>,
    /// Whether what was to be replaced last was another one by then.
    pub(super) is_taken: Cell<bool>,
    /// One after the other, each with whoever waits for its end.
    jobs: RefCell<VecDeque<(Job, Sender<()>)>>,
    is_busy: Cell<bool>,
}

/// Something to be done with the record.
pub(super) enum Job {
    Read,
    /// Put this, or nothing, in the place of what was seen last; a new one in that of anything.
    Put(Option<Secret>, bool),
    /// Remove those of this client, of whichever configuration: an earlier one may have been sealed
    /// where this one is not.
    Wipe,
    /// Only the end of all before it is waited for.
    Wait,
}

/// Has it done when all before it is over; dropping what this gives does not matter.
pub(super) fn order(vault: Vault, job: Job) -> Receiver<()> {
    let (done, is_done) = oneshot::channel();
    vault.seal.jobs.borrow_mut().push_back((job, done));
    if !vault.seal.is_busy.replace(true) {
        spawn_local(work(vault));
    }
    is_done
}

async fn work(vault: Vault) {
    let tell = |input| vault.post(Event::Session(input));
    loop {
        let job = vault.seal.jobs.borrow_mut().pop_front();
        let Some((job, done)) = job else { break };
        let next = match &job {
            Job::Wait => continue,
            Job::Read => Next::Keep,
            Job::Wipe => Next::RemoveAll(beginning(vault)),
            Job::Put(None, _) => Next::Remove,
            Job::Put(Some(record), _) => seal(vault, record).await.unwrap_or(Next::Keep),
        };
        let is_lost = matches!((&job, &next), (Job::Put(Some(_), _), Next::Keep));
        let is_new = matches!(job, Job::Wipe | Job::Put(_, true));
        let entry = change(vault, is_new, next).await;
        match job {
            Job::Read => {
                let entry = entry.filter(JsValue::is_truthy);
                let opened = match entry {
                    Some(entry) => open(vault, &entry).await.ok_or(Unreadable).map(Some),
                    None => Ok(None),
                };
                tell(Input::Unsealed(opened));
            }
            Job::Put(Some(_), is_new) if is_lost || entry.is_none() => {
                // An old one would be worth nothing, or be taken for the session's.
                vault.seal.jobs.borrow_mut().push_front((Job::Put(None, is_new), done));
                tell(Input::Warned(sealed::unavailable()));
            }
            Job::Put(Some(_), true) if vault.config.persistence == Persistence::Sealed => {
                let wants_nonce = vault.possession.proofs.borrow().wants_nonce;
                if !wants_nonce {
                    tell(Input::Warned(sealed::without_nonce()));
                }
            }
            _ => {}
        }
    }
    vault.seal.is_busy.set(false);
}

async fn open(vault: Vault, entry: &JsValue) -> Option<Secret> {
    let (stored, data) = (bytes(entry), bound_to(vault).await?);
    vault.seal.seen.replace(stored.clone());
    let (iv, ciphertext) = sealed::disclose(&stored)?;
    let opened = crypto::decrypt(&part(entry, 0), iv, &data, ciphertext).ok()?;
    fetch::take_text(&JsFuture::from(opened).await.ok()?)
}

/// The record as it is to be stored, under a key of its own; `None` where it cannot be.
async fn seal(vault: Vault, record: &Secret) -> Option<Next> {
    let (iv, data) = (random::bytes::<IV>()?, bound_to(vault).await?);
    let key = JsFuture::from(crypto::make_cipher_key().ok()?).await.ok()?;
    let encrypted = crypto::encrypt(&key, &iv, &data, record).ok()?;
    let encrypted = Uint8Array::new(&JsFuture::from(encrypted).await.ok()?).to_vec();
    let stored = sealed::enclose(&iv, &encrypted);
    Some(Next::PutValue(Array::of2(&key, &Uint8Array::from(stored.as_slice())).into()))
}

/// Changes the entry, if it is the one that was seen last, or in any case. Gives what it was.
async fn change(vault: Vault, is_new: bool, next: Next) -> Option<JsValue> {
    let (seen, mut next) = (&vault.seal.seen, Some(next));
    let mut decide = |entry: &JsValue| {
        let is_seen = is_new || (entry.is_truthy() && bytes(entry) == *seen.borrow());
        vault.seal.is_taken.set(!is_seen && entry.is_truthy());
        let next = next.take().filter(|_| is_seen).unwrap_or(Next::Keep);
        if let Next::PutValue(value) = &next {
            seen.replace(bytes(value));
        }
        next
    };
    store::exchange(&name(vault), &mut decide).await.ok()
}

/// One of an entry's two parts: the key, and the bytes.
fn part(entry: &JsValue, at: u32) -> JsValue {
    entry.dyn_ref::<Array>().map_or(JsValue::UNDEFINED, |entry| entry.get(at))
}

fn bytes(entry: &JsValue) -> Vec<u8> {
    part(entry, 1).dyn_ref::<Uint8Array>().map_or_else(Vec::new, Uint8Array::to_vec)
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
