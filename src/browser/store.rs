//! Sign-ins under way, in IndexedDB: put before the page leaves, taken once when it is back. It knows
//! records as texts under keys, not what they say.

use futures_channel::oneshot;
use js_sys::Array;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{
    IdbDatabase, IdbFactory, IdbObjectStore, IdbOpenDbRequest, IdbRequest, IdbTransactionMode,
};

use super::{global, object};
use crate::secret::Secret;

const DATABASE: &str = "tokenward";
const STORE: &str = "transactions";

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
    let database = open().await?;
    let store = writable(&database)?;
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

/// The record under `key`. Where it is taken out, whoever takes it is the only one to have it.
pub(crate) async fn find(key: &str, is_taken: bool) -> Result<Option<Secret>, Denied> {
    let database = open().await?;
    let store = writable(&database)?;
    let key = JsValue::from_str(key);
    let record = ended(&store.get(&key)?).await?;
    if is_taken {
        ended(&store.delete(&key)?).await?;
    }
    database.close();
    Ok(record.as_string().map(Secret::new))
}

fn writable(database: &IdbDatabase) -> Result<IdbObjectStore, Denied> {
    let transaction =
        database.transaction_with_str_and_mode(STORE, IdbTransactionMode::Readwrite)?;
    Ok(transaction.object_store(STORE)?)
}

async fn open() -> Result<IdbDatabase, Denied> {
    let factory = object::own_or_inherited(&global(), "indexedDB");
    let factory: IdbFactory = factory.dyn_into().map_err(|_| Denied)?;
    let request: IdbOpenDbRequest = factory.open_with_u32(DATABASE, 1)?;
    let opening = request.clone();
    let upgrade = Closure::once(move |_: JsValue| {
        if let Ok(database) = opening.result() {
            let database: IdbDatabase = database.unchecked_into();
            // It fails only if the store is there already.
            let _ = database.create_object_store(STORE);
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
