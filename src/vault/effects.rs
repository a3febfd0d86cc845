//! What the session orders, done. Every effect ends by posting an event or by answering a page.

use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;

use super::{
    asks::{Question, fail},
    provider,
    pump::{Event, Vault},
    requests, send,
    wire::FromVault,
};
use crate::{
    browser::{lock, store, time},
    clock::Millis,
    error::{AuthError, Code, Phase},
    oauth::{authorize, logout, token, transaction::Transaction},
    secret::Secret,
    session::{
        grant::Grant,
        inputs::{Ask, Input, Output, TokenFailure, TokenRequest},
        outcome::{self, Unanswered},
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
        Output::Find { ask, state, is_taken } => later(vault, async move |vault| {
            // A store that is denied has nothing.
            let record = store::find(&state, is_taken).await.ok().flatten();
            let transaction = record.and_then(|record| Transaction::from_record(&record));
            vault.post(Event::Session(Input::Found { ask, transaction }));
        }),
        Output::Forget { state } => spawn_local(async move {
            // A record that cannot be removed is stale after ten minutes, and of single use before.
            let _ = store::find(&state, true).await;
        }),
        Output::Navigate { ask, transaction } => later(vault, async move |vault| {
            navigate(vault, ask, &transaction).await;
        }),
        Output::Lend { ticket, lease } => requests::lend(vault, ticket, lease),
        Output::Refuse { ticket, error } => requests::refuse(vault, ticket, error),
        Output::Publish(snapshot) => {
            vault.ports.broadcast(&FromVault::State { state: snapshot.to_json() });
        }
        Output::Conclude { ask, outcome } => conclude(vault, ask, outcome),
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

async fn navigate(vault: &Vault, ask: Ask, transaction: &Transaction) {
    let Some(Question::SignIn(asker, wishes)) = vault.asks.take(ask) else { return };
    let url = match authorize::url(&vault.config, transaction, &wishes) {
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

fn conclude(vault: &Vault, ask: Ask, outcome: Result<Option<String>, AuthError>) {
    let Some(Question::Callback(asker)) = vault.asks.take(ask) else { return };
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
    let was_signed_in = token.is_some();
    if let Some(token) = token {
        revoke(vault, &token).await;
    }
    let metadata = vault.provider.known().filter(|_| was_signed_in && !is_local);
    let url = metadata.and_then(|metadata| logout::end_session_url(&vault.config, &metadata));
    vault.ports.send(asker.port, &FromVault::SignedOut { id: asker.id, url });
}
