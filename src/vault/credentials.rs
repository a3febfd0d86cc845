//! API keys and the keys of signatures: handed in by a page or fetched from the application's own endpoint,
//! held here alone, and written into requests. Who gets one when is said by `request::keyring`, what is signed
//! by `request::httpsig`.

use std::cell::{Cell, RefCell};

use base64ct::{Base64UrlUnpadded, Encoding};
use js_sys::{ArrayBuffer, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::CryptoKey;
use zeroize::Zeroizing;

use super::{
    asks::fail,
    port::Asker,
    pump::Vault,
    requests, send,
    wire::{self, FromVault},
};
use crate::{
    browser::{crypto, fetch, random, url::BrowserUrls},
    config::credential::{Key, Profile, Usage},
    crowd::Crowd,
    error::AuthError,
    request::{
        apikey,
        call::Generation,
        httpsig,
        keyring::{self, KeyState, Wanted},
        target,
    },
    secret::Secret,
    session::inputs::Ticket,
    url::ParseUrl,
};

/// The shortest key that signs, in bytes: as long as the digest (RFC 2104, 3).
const SHORTEST: u32 = 32;

/// A key as it is held.
pub(crate) enum Held {
    /// The value of its header field.
    ApiKey(Secret),
    /// One that signs, and cannot be read back.
    Signing(CryptoKey),
}

/// Every key of the configuration, in its order.
pub(crate) struct Credentials {
    all: Vec<One>,
    /// The sign-outs after which the keys were forgotten.
    sign_outs: Cell<u64>,
}

#[derive(Default)]
struct One {
    state: RefCell<KeyState<Held>>,
    waiting: Crowd<()>,
    /// Counts what pages say of it: what is read slowly must not come after what was said later.
    said: Cell<u64>,
}

impl One {
    fn say(&self) -> u64 {
        self.said.set(self.said.get() + 1);
        self.said.get()
    }
}

impl Credentials {
    pub(super) fn of(keys: &[Key]) -> Self {
        let all = keys.iter().map(|_| One::default()).collect();
        Self { all, sign_outs: Cell::new(0) }
    }

    /// Forgets every key, once for each sign-out.
    pub(super) fn forget_after(&self, sign_outs: u64) {
        if self.sign_outs.replace(sign_outs) != sign_outs {
            for one in &self.all {
                one.say();
                one.state.borrow_mut().set(None);
            }
        }
    }
}

/// A page hands a key in, or wants it forgotten.
pub(super) fn set(vault: Vault, asker: Asker, name: &str, body: JsValue) {
    let Some(which) = vault.config.keys.iter().position(|key| key.name == name) else {
        return fail(vault, asker, keyring::unknown());
    };
    let one = &vault.credentials.all[which];
    let said = one.say();
    spawn_local(async move {
        let key = match body.dyn_into::<ArrayBuffer>() {
            Ok(bytes) => hold(&vault.config.keys[which], &bytes).await.map(Some),
            Err(_) => Ok(None),
        };
        match key {
            Ok(key) => {
                if one.said.get() == said {
                    one.state.borrow_mut().set(key);
                }
                let concluded = FromVault::Concluded { id: asker.id, return_to: None };
                vault.ports.send(asker.port, &concluded);
            }
            Err(error) => fail(vault, asker, error),
        }
    });
}

/// A request wants a key: a later one than `beyond`, where that is given.
pub(super) fn want(vault: Vault, ticket: Ticket, which: usize, beyond: Option<Generation>) {
    let one = &vault.credentials.all[which];
    let endpoint = vault.config.keys[which].endpoint.as_deref();
    let wanted = one.state.borrow_mut().wanted(beyond, endpoint.is_some());
    match wanted {
        Wanted::Key(key, generation) => return requests::give(vault, ticket, key, generation),
        Wanted::None(error) => return requests::refuse(vault, ticket, error),
        Wanted::Fetch => {
            let began = one.state.borrow().generation();
            spawn_local(async move {
                let outcome = fetched(vault, which).await;
                one.state.borrow_mut().fetched(began, outcome);
                one.waiting.tell(&());
            });
        }
        Wanted::Wait => {}
    }
    let told = one.waiting.join();
    spawn_local(async move {
        told.await;
        let answer = one.state.borrow().answer(beyond);
        match answer {
            Ok((key, generation)) => requests::give(vault, ticket, key, generation),
            Err(error) => requests::refuse(vault, ticket, error),
        }
    });
}

/// The header fields that a request gets with that key.
pub(super) async fn write(
    vault: Vault,
    which: usize,
    key: &Held,
    parts: &wire::Fetch,
    body: Option<&JsValue>,
) -> Result<Vec<(&'static str, Secret)>, AuthError> {
    match (key, &vault.config.keys[which].usage) {
        (Held::ApiKey(value), Usage::ApiKey { header, .. }) => Ok(vec![(header, value.clone())]),
        (Held::Signing(key), Usage::Signature(profile)) => {
            sign(vault, profile, key, parts, body).await
        }
        _ => Err(keyring::unfit()),
    }
}

async fn sign(
    vault: Vault,
    profile: &Profile,
    key: &CryptoKey,
    parts: &wire::Fetch,
    body: Option<&JsValue>,
) -> Result<Vec<(&'static str, Secret)>, AuthError> {
    let url = BrowserUrls.parse(&parts.url, None).ok_or_else(target::not_sendable)?;
    let content = if httpsig::covers_content(profile, body.is_some()) {
        let body = body.map_or_else(|| ArrayBuffer::new(0).into(), JsValue::clone);
        if fetch::is_stream(&body) {
            return Err(httpsig::not_coverable());
        }
        let body = body.dyn_into::<ArrayBuffer>().map_err(|_| target::not_sendable())?;
        Some(crypto::sha256(&body).await.map_err(|_| keyring::unfit())?)
    } else {
        None
    };
    let nonce = random::bytes::<16>().ok_or_else(target::not_sendable)?;
    let nonce = Base64UrlUnpadded::encode_string(&nonce);
    let request = (&*parts.method, &url, &*parts.headers);
    let draft = httpsig::draft(profile, request, content.as_deref(), vault.server_now(), &nonce)?;
    let signature = crypto::hmac(key, &draft.base).await.map_err(|_| keyring::unfit())?;
    let headers = draft.headers(&profile.label, &signature);
    Ok(headers.into_iter().map(|(name, value)| (name, Secret::new(value))).collect())
}

/// The key in bytes that are wiped.
async fn hold(key: &Key, bytes: &ArrayBuffer) -> Result<Held, AuthError> {
    match &key.usage {
        Usage::ApiKey { prefix, .. } => {
            // What is too long is not copied; what is no text is no key either.
            let text = if bytes.byte_length() as usize > apikey::LONGEST {
                None
            } else {
                fetch::take_text(bytes)
            };
            let text = text.unwrap_or_else(|| Secret::from(""));
            apikey::value(prefix, &text).map(Held::ApiKey)
        }
        Usage::Signature(_) => {
            let view = Uint8Array::new(bytes);
            let length = view.length();
            let is_fit = length >= SHORTEST && length as usize <= apikey::LONGEST;
            let key = if is_fit { crypto::hmac_key(&view).await.ok() } else { None };
            view.fill(0, 0, length);
            key.map(Held::Signing).ok_or_else(keyring::unfit)
        }
    }
}

async fn fetched(vault: Vault, which: usize) -> Result<Held, AuthError> {
    let key = &vault.config.keys[which];
    let url = key.endpoint.as_deref().unwrap_or_default();
    let answer = send::get_own(url, vault.config.network_timeout).await.map_err(|_| {
        keyring::unavailable("the key's `endpoint` could not be reached: try again", true)
    })?;
    let text = keyring::read(answer.status, &answer.body)?;
    match &key.usage {
        Usage::ApiKey { prefix, .. } => apikey::value(prefix, &text).map(Held::ApiKey),
        Usage::Signature(_) => {
            // exposed: to be imported as what it is.
            let bytes = Base64UrlUnpadded::decode_vec(text.expose()).map(Zeroizing::new);
            let bytes = bytes.map_err(|_| keyring::unfit())?;
            hold(key, &fetch::bytes_body(&bytes).buffer()).await
        }
    }
}
