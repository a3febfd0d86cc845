//! What the session orders, done. Every effect ends by posting an event or by answering a page.

use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;

use super::{
    asks::{self, Question, fail},
    port::Asker,
    provider,
    pump::{Event, Vault},
    requests, send,
    wire::FromVault,
};
use crate::{
    browser::{
        lock,
        store::{self, Change},
        time,
    },
    clock::Millis,
    error::{AuthError, Code, Phase},
    oauth::{
        authorize::{self, Asked},
        logout, token,
        transaction::Transaction,
    },
    secret::Secret,
    session::{
        grant::Grant,
        inputs::{Ask, Input, Mark, Output, TokenFailure, TokenRequest},
        outcome::{self, Unanswered},
        restore::Flag,
    },
};

/// How long the page waits for a revocation before it leaves for the provider.
const REVOCATION: Millis = Millis::from_secs(2);

/// Does what the session orders.
pub(super) fn perform(vault: &Vault, output: Output) {
    match output {
        Output::TakeLock => take_lock(vault),
        Output::ReleaseLock => drop(vault.token_lock.take()),
        Output::Send { epoch, request } => later(vault, async move |vault| {
            let outcome = token_request(vault, &request).await;
            vault.post(Event::Session(Input::TokenAnswered { epoch, outcome }));
        }),
        Output::Find { ask, state } => later(vault, async move |vault| {
            // A store that is denied has nothing.
            let record = store::take(&state).await.ok().flatten();
            let transaction = record.and_then(|record| Transaction::from_record(&record));
            vault.post(Event::Session(Input::Found { ask, transaction }));
        }),
        Output::Forget { state } => spawn_local(async move {
            // A record that cannot be removed is stale after ten minutes, and of single use before.
            let _ = store::take(&state).await;
        }),
        Output::Navigate { ask, transaction } => later(vault, async move |vault| {
            navigate(vault, ask, transaction).await;
        }),
        Output::Lend { ticket, lease } => requests::lend(vault, ticket, lease),
        Output::Refuse { ticket, error } => requests::refuse(vault, ticket, error),
        Output::Publish(snapshot) => {
            vault.ports.broadcast(&FromVault::State { state: snapshot.to_json() });
        }
        Output::ReadFlag => later(vault, async |vault| {
            let flag = flag(vault, Change::Keep).await;
            vault.post(Event::Session(Input::FlagRead(flag)));
        }),
        Output::RemoveFlag => note(vault, Mark::Clear, None),
        Output::Prepare => later(vault, async |vault| {
            let outcome = asks::prepare(vault, None).await;
            vault.post(Event::Session(Input::RestorePrepared(outcome)));
        }),
        Output::Conclude { ask, outcome, mark } => note(vault, mark, Some((ask, outcome))),
        Output::Revoke(token) => later(vault, async move |vault| revoke(vault, &token).await),
        Output::EndSession { ask, token } => later(vault, async move |vault| {
            end_session(vault, ask, token).await;
        }),
    }
}

fn later(vault: &Vault, effect: impl AsyncFnOnce(&Vault) + 'static) {
    let vault = Rc::clone(vault);
    spawn_local(async move { effect(&vault).await });
}

fn take_lock(vault: &Vault) {
    later(vault, async |vault| {
        let config = &vault.config;
        let name = format!("tokenward/{}/{}", config.issuer, config.client_id);
        // Longer than the request that another holder may have under way.
        let wait = config.network_timeout + config.network_timeout;
        let held = lock::take(&name, Some(wait)).await;
        let input = if held.is_some() { Input::LockTaken } else { Input::LockMissed };
        *vault.token_lock.borrow_mut() = held;
        vault.post(Event::Session(input));
    });
}

async fn token_request(vault: &Vault, request: &TokenRequest) -> Result<Grant, TokenFailure> {
    let answer = match form(vault, request).await {
        Ok((endpoint, form)) => send::post(&endpoint, &form, vault.config.network_timeout).await,
        Err(error) => Err(Unanswered::NotSent(error)),
    };
    outcome::judge(request, answer, &vault.config, time::now())
}

/// Where a token request goes, and its body. A code goes where its transaction began, if the provider
/// is still there.
async fn form(vault: &Vault, request: &TokenRequest) -> Result<(String, Secret), AuthError> {
    let config = &vault.config;
    let metadata = provider::metadata(vault).await?;
    let form = match request {
        TokenRequest::Code { code, transaction } => {
            transaction.check_provider(&metadata)?;
            token::code_body(config, code, transaction)
        }
        TokenRequest::Refresh { refresh_token, .. } => token::refresh_body(config, refresh_token),
    };
    Ok((metadata.token_endpoint.clone(), form))
}

async fn navigate(vault: &Vault, ask: Ask, transaction: Transaction) {
    match vault.asks.take(ask) {
        Some(Question::SignIn(asker, wishes)) => {
            leave(vault, asker, &transaction, &wishes).await;
        }
        Some(Question::Restore(asker, at)) => {
            let attempted = Flag { attempted: Some(transaction.started) };
            if flag(vault, Change::Renew(attempted.to_record())).await.is_none() {
                return vault.post(Event::Session(Input::FlagRead(None)));
            }
            let return_to = at.and_then(|at| asks::check(vault, &at).ok());
            let wishes = Asked { prompt: Some("none".to_owned()), ..Asked::default() };
            leave(vault, asker, &Transaction { return_to, ..transaction }, &wishes).await;
        }
        _ => {}
    }
}

/// Sends a page to the provider, once the store has what is needed when it is back.
async fn leave(vault: &Vault, asker: Asker, transaction: &Transaction, wishes: &Asked) {
    let url = match authorize::url(&vault.config, transaction, wishes) {
        Ok(url) => url,
        Err(error) => return fail(vault, asker, error),
    };
    let wall = time::now().wall;
    let is_stale = |record: &Secret| {
        Transaction::from_record(record).is_none_or(|transaction| transaction.has_expired(wall))
    };
    match store::put(&transaction.state, &transaction.to_record(), is_stale).await {
        Ok(()) => vault.ports.send(asker.port, &FromVault::Navigate { id: asker.id, url }),
        Err(store::Denied) => fail(
            vault,
            asker,
            AuthError::new(
                Code::TransactionStorageDenied,
                Phase::SignIn,
                "the browser denies IndexedDB, so the sign-in could not be remembered: allow \
                 storage for this site",
            ),
        ),
    }
}

/// The flag that somebody was signed in, as it was before this change.
async fn flag(vault: &Vault, change: Change) -> Option<Flag> {
    let name = [vault.config.issuer.as_str(), vault.config.client_id.as_str()].join(" ");
    // A store that is denied has no flag, so it restores nothing, and that is all.
    store::flag(&name, change).await.ok().flatten().map(Flag::from_record)
}

/// Changes the flag, and tells a page afterwards: it may leave at once, and the vault with it.
fn note(vault: &Vault, mark: Mark, then: Option<(Ask, Result<Option<String>, AuthError>)>) {
    later(vault, async move |vault| {
        let change = match mark {
            Mark::Keep => None,
            Mark::Set => Some(Change::Put(Flag { attempted: None }.to_record())),
            Mark::Clear => Some(Change::Remove),
        };
        if let Some(change) = change {
            flag(vault, change).await;
        }
        if let Some((ask, outcome)) = then {
            conclude(vault, ask, outcome);
        }
    });
}

fn conclude(vault: &Vault, ask: Ask, outcome: Result<Option<String>, AuthError>) {
    let Some(Question::Callback(asker) | Question::Restore(asker, _)) = vault.asks.take(ask) else {
        return;
    };
    match outcome {
        Ok(return_to) => {
            vault.ports.send(asker.port, &FromVault::Concluded { id: asker.id, return_to });
        }
        Err(error) => fail(vault, asker, error),
    }
}

async fn revoke(vault: &Vault, token: &Secret) {
    let Ok(metadata) = provider::metadata(vault).await else { return };
    let Some(endpoint) = &metadata.revocation_endpoint else { return };
    let form = logout::revoke_body(&vault.config, token);
    // RFC 7009, 2.2: nothing that it answers changes what happens here.
    let _ = send::post(endpoint, &form, REVOCATION).await;
}

async fn end_session(vault: &Vault, ask: Ask, token: Option<Rc<Secret>>) {
    let Some(Question::SignOut(asker, is_local)) = vault.asks.take(ask) else { return };
    // First, and before the page knows: whoever signs out and reloads stays signed out.
    flag(vault, Change::Remove).await;
    let was_signed_in = token.is_some();
    if let Some(token) = token {
        revoke(vault, &token).await;
    }
    let metadata = vault.provider.known().filter(|_| was_signed_in && !is_local);
    let url = metadata.and_then(|metadata| logout::end_session_url(&vault.config, &metadata));
    vault.ports.send(asker.port, &FromVault::SignedOut { id: asker.id, url });
}
