//! Authorised requests: what a page asked for, sent with a lease and answered. The machine in
//! `request::call` decides; this file carries.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;
use web_sys::{AbortController, Response};

use super::{
    asks::fail,
    attempt,
    credentials::{self, Held},
    port::{Asker, PortId},
    pump::{Event, Vault},
    relay, user_info,
    verified::{self, Signed},
    wire::{self, FromVault},
};
use crate::{
    browser::{fetch, url::BrowserUrls},
    config::credential::Usage,
    error::{AuthError, Code, Phase},
    oauth::userinfo,
    request::{
        call::{self, Call},
        httpsig::address,
        reflection::Reflection,
        target::{self, Passage},
    },
    secret::Secret,
    session::inputs::{Generation, Input, Lease, Ticket},
    table::Table,
    url::ParseUrl,
};

/// The requests and exports that wait for a lease or an answer, and the bodies on their way.
#[derive(Default)]
pub(crate) struct Requests {
    waiting: RefCell<Table<Ticket, Rc<Waiting>>>,
    next: Cell<u64>,
}

/// What a page waits for.
enum Waiting {
    Fetch(Box<Fetch>),
    Export(Asker),
    Body(Asker, AbortController),
}

/// Whose request it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A page's: it gets the answer as it is.
    Page,
    /// The vault's own, for `UserInfo`: a page gets the claims.
    UserInfo,
}

/// One request of a page.
pub(super) struct Fetch {
    pub(super) purpose: Purpose,
    pub(super) asker: Asker,
    pub(super) parts: wire::Fetch,
    pub(super) body: Option<JsValue>,
    pub(super) passage: Passage,
    pub(super) abort: AbortController,
    pub(super) lease: RefCell<Option<Lease>>,
    pub(super) key: RefCell<Option<Rc<Held>>>,
    /// What it was signed with, where its answer must be signed, too.
    pub(super) signed: RefCell<Option<Signed>>,
    latest: RefCell<Option<Response>>,
}

impl Waiting {
    fn asker(&self) -> Asker {
        match self {
            Self::Fetch(fetch) => fetch.asker,
            Self::Export(asker) | Self::Body(asker, _) => *asker,
        }
    }
}

impl Requests {
    fn add(&self, waiting: Waiting) -> Ticket {
        let ticket = Ticket(self.next.get());
        self.next.set(ticket.0 + 1);
        self.put(ticket, waiting);
        ticket
    }

    fn put(&self, ticket: Ticket, waiting: Waiting) {
        self.waiting.borrow_mut().insert(ticket, Rc::new(waiting));
    }

    /// Whether none is under way, to the end of its answer.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.borrow().is_empty()
    }

    fn get(&self, ticket: Ticket) -> Option<Rc<Waiting>> {
        self.waiting.borrow().get(ticket).cloned()
    }

    fn remove(&self, ticket: Ticket) {
        self.waiting.borrow_mut().remove(ticket);
    }

    fn of(&self, belongs: impl Fn(Asker) -> bool) -> Vec<Ticket> {
        let waiting = self.waiting.borrow();
        waiting.iter().filter(|(_, w)| belongs(w.asker())).map(|(ticket, _)| ticket).collect()
    }
}

/// A page wants a request sent.
pub(super) fn fetch(vault: Vault, asker: Asker, mut parts: wire::Fetch, body: JsValue) {
    let passage = admit(vault, &parts).and_then(|passage| {
        let key = passage.key.map(|key| &vault.config.keys[key].usage);
        if !matches!(key, Some(Usage::Signature(_))) {
            return Ok(passage);
        }
        parts.url = address::normal(&parts.url);
        // What is judged is what goes out.
        admit(vault, &parts)
    });
    let passage = match passage {
        Ok(passage) => passage,
        Err(error) => return fail(vault, asker, error),
    };
    let body = (!body.is_undefined()).then_some(body);
    begin(vault, Purpose::Page, asker, parts, body, passage);
}

/// Starts a request.
pub(super) fn begin(
    vault: Vault,
    purpose: Purpose,
    asker: Asker,
    parts: wire::Fetch,
    body: Option<JsValue>,
    passage: Passage,
) {
    let Ok(abort) = AbortController::new() else { return };
    let call = Call::new(body.as_ref().and_then(relay::body_length));
    let (lease, key) = (RefCell::new(None), RefCell::new(None));
    let (signed, latest) = (RefCell::new(None), RefCell::new(None));
    let fetch = Fetch { purpose, asker, parts, body, passage, abort, lease, key, signed, latest };
    let ticket = vault.requests.add(Waiting::Fetch(Box::new(fetch)));
    vault.begin(ticket, call);
}

fn admit(vault: Vault, parts: &wire::Fetch) -> Result<Passage, AuthError> {
    let url = BrowserUrls.parse(&parts.url, None).ok_or_else(|| {
        AuthError::new(Code::RequestInvalid, Phase::Fetch, "the request's URL is no URL")
    })?;
    let metadata = vault.provider.known();
    target::admit(&url, &parts.method, &parts.headers, &vault.config, metadata.as_deref())
}

/// A page wants the access token itself.
pub(super) fn export(vault: Vault, asker: Asker, resource: Option<&str>) {
    let audience = match target::admit_export(&vault.config, resource) {
        Ok(audience) => audience,
        Err(error) => return fail(vault, asker, error),
    };
    let ticket = vault.requests.add(Waiting::Export(asker));
    vault.post(Event::Session(Input::LeaseWanted(ticket, audience)));
}

/// The page no longer wants it.
pub(super) fn abort(vault: Vault, asker: Asker) {
    drop_all(vault, |other| other == asker);
}

/// The page is gone.
pub(super) fn abort_all(vault: Vault, port: PortId) {
    drop_all(vault, |asker| asker.port == port);
}

fn drop_all(vault: Vault, belongs: impl Fn(Asker) -> bool) {
    for ticket in vault.requests.of(belongs) {
        vault.post(Event::Session(Input::TicketDropped(ticket)));
        match vault.requests.get(ticket).as_deref() {
            Some(Waiting::Fetch(_)) => vault.post(Event::Call(ticket, call::Input::Aborted)),
            Some(Waiting::Body(_, abort)) => abort.abort(),
            Some(Waiting::Export(_)) | None => vault.requests.remove(ticket),
        }
    }
}

/// The session lends.
pub(super) fn lend(vault: Vault, ticket: Ticket, lease: Lease) {
    match vault.requests.get(ticket).as_deref() {
        Some(Waiting::Fetch(fetch)) => {
            let generation = lease.generation.0;
            *fetch.lease.borrow_mut() = Some(lease);
            vault.post(Event::Call(ticket, call::Input::Leased(generation)));
        }
        Some(Waiting::Export(asker)) => {
            // exposed: the configuration allows the page to have it (`allowTokenExport`).
            let token = lease.token.expose().to_owned();
            vault.ports.send(asker.port, &FromVault::AccessToken { id: asker.id, token });
            vault.requests.remove(ticket);
        }
        Some(Waiting::Body(..)) | None => {}
    }
}

/// The key that a request's credential needs.
pub(super) fn give(vault: Vault, ticket: Ticket, key: Rc<Held>, generation: call::Generation) {
    if let Some(Waiting::Fetch(fetch)) = vault.requests.get(ticket).as_deref() {
        *fetch.key.borrow_mut() = Some(key);
        vault.post(Event::Call(ticket, call::Input::Leased(generation)));
    }
}

/// The session lends nothing, or there is no key.
pub(super) fn refuse(vault: Vault, ticket: Ticket, error: AuthError) {
    match vault.requests.get(ticket).as_deref() {
        Some(Waiting::Fetch(_)) => {
            vault.post(Event::Call(ticket, call::Input::Refused(error)));
        }
        Some(Waiting::Export(asker)) => {
            fail(vault, *asker, error);
            vault.requests.remove(ticket);
        }
        Some(Waiting::Body(..)) | None => {}
    }
}

/// Does what a request's machine orders.
pub(super) fn perform(vault: Vault, ticket: Ticket, output: call::Output) {
    let Some(waiting) = vault.requests.get(ticket) else { return };
    let Waiting::Fetch(fetch) = &*waiting else { return };
    match output {
        call::Output::Want => want(vault, ticket, fetch, None),
        call::Output::WantNewer(refused) => want(vault, ticket, fetch, Some(refused)),
        call::Output::Send => send(vault, ticket, Rc::clone(&waiting)),
        call::Output::Reply | call::Output::ReplyUnrepeated => {
            end(vault, ticket);
            let is_unrepeated = output == call::Output::ReplyUnrepeated;
            match fetch.purpose {
                Purpose::Page => reply(vault, ticket, Rc::clone(&waiting), is_unrepeated),
                Purpose::UserInfo => reply_claims(vault, Rc::clone(&waiting)),
            }
        }
        call::Output::Fail(error) => {
            fail(vault, fetch.asker, error);
            end(vault, ticket);
        }
        call::Output::FailNetwork(message) => {
            let id = fetch.asker.id;
            match fetch.purpose {
                Purpose::Page => {
                    vault.ports.send(fetch.asker.port, &FromVault::NetworkFailed { id, message });
                }
                Purpose::UserInfo => fail(vault, fetch.asker, userinfo::unreachable()),
            }
            end(vault, ticket);
        }
        call::Output::Cancel => {
            fetch.abort.abort();
            end(vault, ticket);
        }
    }
}

/// Asks for what the request is sent with: other than what the resource refused, where that is given.
fn want(vault: Vault, ticket: Ticket, fetch: &Fetch, refused: Option<call::Generation>) {
    let audience = fetch.passage.audience;
    vault.post(Event::Session(match (fetch.passage.key, refused.map(Generation)) {
        (Some(key), _) => return credentials::want(vault, ticket, key, refused),
        (None, Some(generation)) => Input::LeaseRefused { ticket, audience, generation },
        (None, None) => Input::LeaseWanted(ticket, audience),
    }));
}

fn end(vault: Vault, ticket: Ticket) {
    vault.requests.remove(ticket);
    vault.end(ticket);
}

fn reply(vault: Vault, ticket: Ticket, waiting: Rc<Waiting>, is_unrepeated: bool) {
    let Waiting::Fetch(fetch) = &*waiting else { return };
    let Some(response) = fetch.latest.take() else { return };
    let content_type = fetch::header(&response, "content-type");
    let reflection = Reflection::new(lent(vault, fetch), content_type.as_deref());
    // The answer may be read for long; what it was asked with is not needed any more.
    drop((fetch.lease.take(), fetch.key.take()));
    vault.requests.put(ticket, Waiting::Body(fetch.asker, fetch.abort.clone()));
    spawn_local(async move {
        let Waiting::Fetch(fetch) = &*waiting else { return };
        let (asker, signal) = (fetch.asker, fetch.abort.signal());
        let pipe = verified::body(vault, fetch, &response).await.and_then(|body| {
            let answer = relay::Answer { response: &response, body, is_unrepeated };
            relay::reply(vault.ports, asker, answer, reflection).map_err(call::Input::Refused)
        });
        match pipe {
            Ok(Some(pipe)) => pipe.run(&signal).await,
            Err(call::Input::Refused(error)) => {
                fetch.abort.abort();
                fail(vault, asker, error);
            }
            // What was aborted has nobody who waits for it.
            Err(call::Input::NetworkFailed(message)) if !signal.aborted() => {
                let failed = FromVault::NetworkFailed { id: asker.id, message };
                vault.ports.send(asker.port, &failed);
            }
            Ok(None) | Err(_) => {}
        }
        vault.requests.remove(ticket);
    });
}

/// What the request was sent with that would be of use to whoever has it.
fn lent(vault: Vault, fetch: &Fetch) -> Option<Secret> {
    let token = fetch.lease.borrow().as_ref().map(|lease| Secret::clone(&lease.token));
    token.or_else(|| {
        let usage = &vault.config.keys.get(fetch.passage.key?)?.usage;
        match (fetch.key.borrow().as_deref()?, usage) {
            (Held::ApiKey(value), Usage::ApiKey { prefix, .. }) => {
                // exposed: an echo may leave out what stands before the key.
                value.expose().strip_prefix(prefix.as_str()).map(Secret::from)
            }
            _ => None,
        }
    })
}

fn reply_claims(vault: Vault, waiting: Rc<Waiting>) {
    spawn_local(async move {
        let Waiting::Fetch(fetch) = &*waiting else { return };
        let asker = fetch.asker;
        let Some(response) = fetch.latest.take() else { return };
        let lease = fetch.lease.take();
        match user_info::claims(vault, &response, lease.as_ref()).await {
            Ok(claims) => {
                vault.ports.send(asker.port, &FromVault::UserInfo { id: asker.id, claims });
            }
            Err(error) => fail(vault, asker, error),
        }
    });
}

fn send(vault: Vault, ticket: Ticket, waiting: Rc<Waiting>) {
    spawn_local(async move {
        let Waiting::Fetch(fetch) = &*waiting else { return };
        let input = match attempt::attempt(vault, fetch).await {
            Ok((response, _)) if fetch::is_redirect(&response) => {
                call::Input::Refused(target::redirect_refused())
            }
            Ok((response, nonce)) => {
                let status = response.status();
                let challenge = fetch::header(&response, "www-authenticate");
                *fetch.latest.borrow_mut() = Some(response);
                call::Input::Answered { status, challenge, nonce }
            }
            Err(input) => input,
        };
        vault.post(Event::Call(ticket, input));
    });
}
