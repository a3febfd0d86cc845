//! What the session orders, done. Every effect ends by posting an event or by answering a page.

use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;

use super::{
    asks::{self, Question, fail},
    flag, keys,
    port::Asker,
    provider,
    pump::{Event, Vault},
    requests, send, tabs,
    wire::FromVault,
};
use crate::{
    browser::{store, time},
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
        inputs::{Ask, Input, Output, TokenFailure, TokenRequest},
        outcome::{self, Unanswered},
        restore::Flag,
    },
};

/// How long the page waits for a revocation before it leaves for the provider.
const REVOCATION: Millis = Millis::from_secs(2);

/// Does what the session orders.
pub(super) fn perform(vault: Vault, output: Output) {
    match output {
        Output::TakeLock { jitter } => tabs::take_lock(vault, jitter),
        Output::StealLock => tabs::steal_lock(vault),
        Output::ReleaseLock => tabs::release_lock(vault),
        Output::Send { epoch, request } => spawn_local(async move {
            let outcome = token_request(vault, &request).await;
            vault.post(Event::Session(Input::TokenAnswered { epoch, outcome }));
        }),
        Output::Find { ask, state } => spawn_local(async move {
            // A store that is denied has nothing.
            let record = store::take(&state).await.ok().flatten();
            let transaction = record.and_then(|record| Transaction::from_record(&record));
            vault.post(Event::Session(Input::Found { ask, transaction }));
        }),
        Output::Forget { state } => spawn_local(async move {
            // A record that cannot be removed is stale after ten minutes, and of single use before.
            let _ = store::take(&state).await;
        }),
        Output::Keep(transaction) => spawn_local(async move {
            // Without storage it is known to this vault alone.
            let _ = keep(&transaction).await;
        }),
        Output::Navigate { ask, transaction } => spawn_local(async move {
            navigate(vault, ask, transaction).await;
        }),
        Output::Lend { ticket, lease } => requests::lend(vault, ticket, lease),
        Output::Refuse { ticket, error } => requests::refuse(vault, ticket, error),
        Output::Publish(snapshot) => {
            vault.ports.broadcast(&FromVault::State { state: snapshot.to_json() });
        }
        Output::ReadFlag => flag::read(vault),
        Output::Prepare => spawn_local(async move {
            let outcome = asks::prepare(vault, None).await;
            vault.post(Event::Session(Input::RestorePrepared(outcome)));
        }),
        Output::Conclude { ask, outcome, mark } => flag::note(vault, mark, Some((ask, outcome))),
        Output::Recall => tabs::recall(vault),
        Output::Tell(news) => tabs::tell(vault, news),
        Output::Revoke(token) => spawn_local(async move { revoke(vault, &token).await }),
        Output::EndSession { ask, token } => spawn_local(async move {
            end_session(vault, ask, token).await;
        }),
    }
}

async fn token_request(vault: Vault, request: &TokenRequest) -> Result<Grant, TokenFailure> {
    let answer = match form(vault, request).await {
        Ok((endpoint, form)) => send::post(&endpoint, &form, vault.config.network_timeout).await,
        Err(error) => Err(Unanswered::NotSent(error)),
    };
    let unproven = outcome::judge(request, answer, &vault.config, time::now())?;
    keys::prove(vault, unproven).await
}

/// Where a token request goes, and its body. A code goes where its transaction began, if the provider
/// is still there.
async fn form(vault: Vault, request: &TokenRequest) -> Result<(String, Secret), AuthError> {
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

async fn navigate(vault: Vault, ask: Ask, transaction: Transaction) {
    match vault.asks.take(ask) {
        Some(Question::SignIn(asker, wishes)) => {
            leave(vault, asker, &transaction, &wishes).await;
        }
        Some(Question::Restore(asker, at)) => {
            let attempted = Flag { attempted: Some(transaction.started) };
            if !flag::renew(vault, attempted).await {
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
async fn leave(vault: Vault, asker: Asker, transaction: &Transaction, wishes: &Asked) {
    let url = match authorize::url(&vault.config, transaction, wishes) {
        Ok(url) => url,
        Err(error) => return fail(vault, asker, error),
    };
    match keep(transaction).await {
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

/// Stores a transaction until its callback comes, and takes those away that nobody came back from.
async fn keep(transaction: &Transaction) -> Result<(), store::Denied> {
    let wall = time::now().wall;
    let is_stale = |record: &Secret| {
        Transaction::from_record(record).is_none_or(|transaction| transaction.has_expired(wall))
    };
    store::put(&transaction.state, &transaction.to_record(), is_stale).await
}

/// Answers a page that brought a callback, or waits for a restore.
pub(super) fn conclude(vault: Vault, ask: Ask, outcome: Result<Option<String>, AuthError>) {
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

async fn revoke(vault: Vault, token: &Secret) {
    let Ok(metadata) = provider::metadata(vault).await else { return };
    let Some(endpoint) = &metadata.revocation_endpoint else { return };
    let form = logout::revoke_body(&vault.config, token);
    // RFC 7009, 2.2: nothing that it answers changes what happens here.
    let _ = send::post(endpoint, &form, REVOCATION).await;
}

async fn end_session(vault: Vault, ask: Ask, token: Option<Rc<Secret>>) {
    let Some(Question::SignOut(asker, is_local)) = vault.asks.take(ask) else { return };
    // First, and before the page knows: whoever signs out and reloads stays signed out.
    flag::remove(vault).await;
    let was_signed_in = token.is_some();
    if let Some(token) = token {
        revoke(vault, &token).await;
    }
    let metadata = vault.provider.known().filter(|_| was_signed_in && !is_local);
    let url = metadata.and_then(|metadata| logout::end_session_url(&vault.config, &metadata));
    vault.ports.send(asker.port, &FromVault::SignedOut { id: asker.id, url });
}
