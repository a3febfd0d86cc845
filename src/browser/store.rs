//! What outlives a vault, in IndexedDB: sign-ins under way, put before the page leaves and taken once
//! when it is back; the flag that somebody was signed in, what the tabs of a client remember
//! together, and the key that they sign with. It knows records under keys, not what they say.
//!
//! Two databases rather than two stores in one: a new version of a database is kept waiting by every
//! tab that has the old one open, and refuses a tab that runs yesterday's build.

use std::{cell::Cell, rc::Rc};

use futures_channel::oneshot;
use js_sys::{Array, Function};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{
    IdbDatabase, IdbFactory, IdbKeyRange, IdbObjectStore, IdbOpenDbRequest, IdbRequest,
    IdbTransaction, IdbTransactionMode,
};

use super::{global, object, time};
use crate::{clock::Millis, secret::Secret};

/// A database, and the one store in it.
type Name = (&'static str, &'static str);

const TRANSACTIONS: Name = ("tokenward", "transactions");
const MEMORIES: Name = ("tokenward.memory", "memories");

/// How long any answer of the browser's may take: engines are known that forget to give one, or give none
/// while a page that was left in the middle of a transaction is in the back/forward cache (WebKit). Nobody
/// may wait for ever to learn who is signed in.
const WAIT: Millis = Millis::from_secs(5);

/// The same where the last answer never came: to wait as long again for each would add up.
const WAIT_AGAIN: Millis = Millis::from_secs(1);

thread_local! {
    /// Whether the last answer never came.
    static IS_STUCK: Cell<bool> = const { Cell::new(false) };
}

/// The browser refused its storage.
#[derive(Debug)]
pub(crate) struct Denied;

impl From<JsValue> for Denied {
    fn from(_: JsValue) -> Self {
        Self
    }
}

/// Puts `record` under `key`, and removes the records that `is_stale` says are over.
pub(crate) async fn put(
    key: &str,
    record: &Secret,
    is_stale: impl Fn(&Secret) -> bool,
) -> Result<(), Denied> {
    let Open { store, transaction, .. } = &open(TRANSACTIONS).await?;
    let keys: Array = ended(&store.get_all_keys()?).await?.unchecked_into();
    let records: Array = ended(&store.get_all()?).await?.unchecked_into();
    for (key, record) in keys.iter().zip(records.iter()) {
        if record.as_string().is_none_or(|record| is_stale(&Secret::new(record))) {
            ended(&store.delete(&key)?).await?;
        }
    }
    // exposed: the vault may be gone when the page is back; the caller decides what a record holds.
    let text = JsValue::from_str(record.expose());
    ended(&store.put_with_key(&text, &JsValue::from_str(key))?).await?;
    committed(transaction).await
}

/// Takes the record under `key` out: whoever takes it is the only one to have it.
pub(crate) async fn take(key: &str) -> Result<Option<Secret>, Denied> {
    let record = update(TRANSACTIONS, key, &mut |_| Next::Remove).await?;
    Ok(record.map(Secret::new))
}

/// Reads the record under `key`, and leaves it there.
pub(crate) async fn peek(key: &str) -> Result<Option<Secret>, Denied> {
    let record = update(TRANSACTIONS, key, &mut |_| Next::Keep).await?;
    Ok(record.map(Secret::new))
}

/// What becomes of a record.
pub(crate) enum Next {
    /// It stays as it is.
    Keep,
    /// It becomes this.
    Put(String),
    /// It becomes this, which is no text.
    PutValue(JsValue),
    /// It is removed.
    Remove,
    /// It is removed, and all whose keys begin so.
    RemoveAll(String),
}

/// Reads what is remembered under `key`, and does with it what `decide` says; nobody else, in another
/// tab's vault, changes it meanwhile. Gives what was remembered before.
pub(crate) async fn remember(
    key: &str,
    decide: &mut dyn FnMut(Option<&str>) -> Next,
) -> Result<Option<String>, Denied> {
    update(MEMORIES, key, decide).await
}

/// The value under `key` that `is_usable`; else `value` is put there, where it is given. A key for signing
/// is kept so, which is no text: whoever comes first has it for all tabs.
pub(crate) async fn adopt(
    key: &str,
    value: Option<&JsValue>,
    is_usable: impl Fn(&JsValue) -> bool,
) -> Result<JsValue, Denied> {
    let Open { store, transaction, .. } = &open(MEMORIES).await?;
    let key = JsValue::from_str(key);
    let found = ended(&store.get(&key)?).await?;
    if is_usable(&found) {
        return Ok(found);
    }
    let value = value.ok_or(Denied)?;
    ended(&store.put_with_key(value, &key)?).await?;
    committed(transaction).await?;
    Ok(value.clone())
}

/// The same with what is no text.
pub(crate) async fn exchange(
    key: &str,
    decide: &mut dyn FnMut(&JsValue) -> Next,
) -> Result<JsValue, Denied> {
    change(MEMORIES, key, decide).await
}

async fn update(
    name: Name,
    key: &str,
    decide: &mut dyn FnMut(Option<&str>) -> Next,
) -> Result<Option<String>, Denied> {
    let record = change(name, key, &mut |record| decide(record.as_string().as_deref())).await?;
    Ok(record.as_string())
}

/// Reads what is under `key` and changes it, in one transaction.
async fn change(
    name: Name,
    key: &str,
    decide: &mut dyn FnMut(&JsValue) -> Next,
) -> Result<JsValue, Denied> {
    let Open { store, transaction, .. } = &open(name).await?;
    let key = JsValue::from_str(key);
    let record = ended(&store.get(&key)?).await?;
    let request = match decide(&record) {
        Next::Keep => None,
        Next::Put(text) => Some(store.put_with_key(&JsValue::from_str(&text), &key)?),
        Next::PutValue(value) => Some(store.put_with_key(&value, &key)?),
        Next::Remove => Some(store.delete(&key)?),
        Next::RemoveAll(beginning) => {
            // After every text that goes on.
            let end = [beginning.as_str(), "\u{ffff}"].concat();
            let range =
                IdbKeyRange::bound(&JsValue::from_str(&beginning), &JsValue::from_str(&end))?;
            Some(store.delete(&range)?)
        }
    };
    if let Some(request) = request {
        ended(&request).await?;
    }
    committed(transaction).await?;
    Ok(record)
}

/// An open database and a transaction on its store, which is over as soon as nothing is asked of it; the database
/// is closed when it is no longer needed.
struct Open {
    database: IdbDatabase,
    transaction: IdbTransaction,
    store: IdbObjectStore,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.database.close();
    }
}

async fn open((name, store): Name) -> Result<Open, Denied> {
    let factory = object::own_or_inherited(&global(), "indexedDB");
    let factory: IdbFactory = factory.dyn_into().map_err(|_| Denied)?;
    // In whatever version it is there.
    let database = opened(&factory.open(name)?, store).await?;
    let version = database.version();
    if let Ok(open) = begin(database, store) {
        return Ok(open);
    }
    // A script of this origin made one of that name without the store: the next version has it.
    begin(opened(&factory.open_with_f64(name, version + 1.0)?, store).await?, store)
}

/// Waits until the database is open; a version of it that is made meanwhile has the store.
async fn opened(request: &IdbOpenDbRequest, store: &'static str) -> Result<IdbDatabase, Denied> {
    let opening = request.clone();
    let upgrade = Closure::once(move |_: JsValue| {
        if let Ok(database) = opening.result() {
            let database: IdbDatabase = database.unchecked_into();
            // It fails only if the store is there already.
            let _ = database.create_object_store(store);
        }
    });
    request.set_onupgradeneeded(Some(upgrade.as_ref().unchecked_ref()));
    let Ok(database) = ended(request).await else {
        // It may still be made, then it must not lack its store, nor stay open: that would keep whoever changes
        // its version waiting.
        upgrade.into_js_value();
        let opening = request.clone();
        let late = Closure::once_into_js(move |_: JsValue| {
            if let Ok(database) = opening.result() {
                database.unchecked_into::<IdbDatabase>().close();
            }
        });
        request.set_onsuccess(Some(late.unchecked_ref()));
        return Err(Denied);
    };
    request.set_onupgradeneeded(None);
    Ok(database.unchecked_into())
}

/// Begins a transaction, or closes a database that has no such store.
fn begin(database: IdbDatabase, store: &str) -> Result<Open, Denied> {
    let begun = || {
        let mode = IdbTransactionMode::Readwrite;
        let transaction = database.transaction_with_str_and_mode(store, mode)?;
        let store = transaction.object_store(store)?;
        Ok((transaction, store))
    };
    match begun() {
        Ok((transaction, store)) => Ok(Open { database, transaction, store }),
        Err(denied) => {
            database.close();
            Err(denied)
        }
    }
}

/// Waits for the request's end, or until it has taken too long.
async fn ended(request: &IdbRequest) -> Result<JsValue, Denied> {
    told(&|succeed, fail| {
        request.set_onsuccess(succeed);
        request.set_onerror(fail);
    })
    .await?;
    Ok(request.result()?)
}

/// Waits until nothing of the transaction is left to do. What was put is there only then; and a page that
/// leaves before may stop its worker in the middle, which keeps every other tab waiting.
async fn committed(transaction: &IdbTransaction) -> Result<(), Denied> {
    told(&|succeed, fail| {
        transaction.set_oncomplete(succeed);
        transaction.set_onabort(fail);
    })
    .await
}

/// Waits for one of the two that `listen` sets, or until it has taken too long.
async fn told(listen: &dyn Fn(Option<&Function>, Option<&Function>)) -> Result<(), Denied> {
    let (sender, ended) = oneshot::channel();
    let sender = Rc::new(Cell::new(Some(sender)));
    let (on_error, too_late) = (sender.clone(), sender.clone());
    let succeed = Closure::once(move |_: JsValue| {
        sender.take().map(|sender| sender.send(true));
    });
    let fail = Closure::once(move |event: web_sys::Event| {
        // The failure is this function's result; unprevented it would also end the worker's log.
        event.prevent_default();
        on_error.take().map(|sender| sender.send(false));
    });
    let wait = if IS_STUCK.get() { WAIT_AGAIN } else { WAIT };
    let _timer = time::wake_in(wait, move || {
        too_late.take();
    });
    listen(Some(succeed.as_ref().unchecked_ref()), Some(fail.as_ref().unchecked_ref()));
    let answer = ended.await;
    IS_STUCK.set(answer.is_err());
    let has_succeeded = answer.unwrap_or(false);
    listen(None, None);
    if has_succeeded { Ok(()) } else { Err(Denied) }
}
