//! IndexedDB: sign-ins under way, put before the page leaves and taken once when it is back; and what the
//! tabs of a client remember together. It knows records as texts under keys, not what they say.

use futures_channel::oneshot;
use js_sys::Array;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{
    IdbDatabase, IdbFactory, IdbObjectStore, IdbOpenDbRequest, IdbRequest, IdbTransactionMode,
};

use super::{global, object};
use crate::secret::Secret;

/// A database with its one store.
type Place = (&'static str, &'static str);

const TRANSACTIONS: Place = ("tokenward", "transactions");
const MEMORIES: Place = ("tokenward-tabs", "memories");

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
    let database = open(TRANSACTIONS).await?;
    let store = writable(&database, TRANSACTIONS)?;
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
    database.close();
    Ok(())
}

/// Takes the record under `key` out: whoever takes it is the only one to have it.
pub(crate) async fn take(key: &str) -> Result<Option<Secret>, Denied> {
    let database = open(TRANSACTIONS).await?;
    let store = writable(&database, TRANSACTIONS)?;
    let key = JsValue::from_str(key);
    let record = ended(&store.get(&key)?).await?;
    ended(&store.delete(&key)?).await?;
    database.close();
    Ok(record.as_string().map(Secret::new))
}

/// Reads what is remembered under `key`, and remembers what `change` makes of it, if anything; nobody
/// else changes it meanwhile. Where storage is denied, nothing is remembered.
pub(crate) async fn remember(key: &str, change: &mut dyn FnMut(Option<String>) -> Option<String>) {
    let mut change = Some(change);
    if update(&JsValue::from_str(key), &mut change).await.is_err() {
        // What is to happen does not depend on it.
        if let Some(change) = change {
            change(None);
        }
    }
}

type Change<'a> = Option<&'a mut dyn FnMut(Option<String>) -> Option<String>>;

async fn update(key: &JsValue, change: &mut Change<'_>) -> Result<(), Denied> {
    let database = open(MEMORIES).await?;
    let store = writable(&database, MEMORIES)?;
    let record = ended(&store.get(key)?).await?.as_string();
    if let Some(changed) = change.take().and_then(|change| change(record)) {
        ended(&store.put_with_key(&JsValue::from_str(&changed), key)?).await?;
    }
    database.close();
    Ok(())
}

fn writable(database: &IdbDatabase, (_, store): Place) -> Result<IdbObjectStore, Denied> {
    let transaction =
        database.transaction_with_str_and_mode(store, IdbTransactionMode::Readwrite)?;
    Ok(transaction.object_store(store)?)
}

async fn open((database, store): Place) -> Result<IdbDatabase, Denied> {
    let factory = object::own_or_inherited(&global(), "indexedDB");
    let factory: IdbFactory = factory.dyn_into().map_err(|_| Denied)?;
    let request: IdbOpenDbRequest = factory.open_with_u32(database, 1)?;
    let opening = request.clone();
    let upgrade = Closure::once(move |_: JsValue| {
        if let Ok(database) = opening.result() {
            let database: IdbDatabase = database.unchecked_into();
            // It fails only if the store is there already.
            let _ = database.create_object_store(store);
        }
    });
    request.set_onupgradeneeded(Some(upgrade.as_ref().unchecked_ref()));
    let database = ended(&request).await;
    request.set_onupgradeneeded(None);
    Ok(database?.unchecked_into())
}

/// Waits for the request's end.
async fn ended(request: &IdbRequest) -> Result<JsValue, Denied> {
    let (sender, ended) = oneshot::channel();
    let sender = std::rc::Rc::new(std::cell::Cell::new(Some(sender)));
    let on_error = sender.clone();
    let succeed = Closure::once(move |_: JsValue| {
        sender.take().map(|sender| sender.send(true));
    });
    let fail = Closure::once(move |event: web_sys::Event| {
        // The failure is this function's result; unprevented it would also end the worker's log.
        event.prevent_default();
        on_error.take().map(|sender| sender.send(false));
    });
    request.set_onsuccess(Some(succeed.as_ref().unchecked_ref()));
    request.set_onerror(Some(fail.as_ref().unchecked_ref()));
    let has_succeeded = ended.await.unwrap_or(false);
    request.set_onsuccess(None);
    request.set_onerror(None);
    if has_succeeded { Ok(request.result()?) } else { Err(Denied) }
}
