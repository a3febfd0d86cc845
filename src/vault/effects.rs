//! What the session orders, done. Every effect ends by posting an event or by answering a page.

use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;

use super::{
    asks::{self, Question, fail},
    bounces, farewell, flag, frames, keys,
    port::Asker,
    proofs, provider,
    pump::{Event, Vault},
    requests,
    sealed::{self, Job},
    send, tabs,
    wire::FromVault,
};
use crate::{
    browser::{fetch, store, time},
    clock::Millis,
    error::{AuthError, Code, Phase},
    oauth::{
        authorize::{self, Asked, Parameters},
        discovery::Need,
        logout, par,
        revocation::{self, Revocable},
        token,
        transaction::{Mode, Transaction},
    },
    secret::Secret,
    session::{
        flag::Flag,
        grant::Grant,
        inputs::{Ask, Input, Output, TokenFailure, TokenRequest},
        outcome::{self, Unanswered},
        sealed::taken,
    },
};

/// How long the page waits for a revocation before it leaves for the provider.
const REVOCATION: Millis = Millis::from_secs(2);

/// Does what the session orders.
pub(super) fn perform(vault: Vault, output: Output) {
    if is_sign_in(&output) {
        vault.sign_ins.set(vault.sign_ins.get() + 1);
    }
    match output {
        Output::TakeLock { jitter } => tabs::take_lock(vault, jitter),
        Output::StealLock => tabs::steal_lock(vault),
        Output::ReleaseLock => tabs::release_lock(vault),
        Output::Send { epoch, request } => spawn_local(async move {
            // What is sealed before is there before, and the cookie of before is gone.
            let _ = sealed::order(vault, Job::Wait).await;
            vault.revocations.over().await;
            let outcome = token_request(vault, &request).await;
            vault.post(Event::Session(Input::TokenAnswered { epoch, outcome }));
        }),
        Output::Unseal => drop(sealed::order(vault, Job::Read)),
        Output::Seal { record, is_new } => drop(sealed::order(vault, Job::Put(record, is_new))),
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
        Output::Publish(snapshot) if !vault.config.is_sealed() => {
            vault.ports.broadcast(&FromVault::State { state: snapshot.to_json() });
        }
        Output::Publish(_) => spawn_local(async move {
            // A page that sees it may leave at once, and the vault with it.
            let _ = sealed::order(vault, Job::Wait).await;
            vault.ports.broadcast(&FromVault::State { state: vault.snapshot() });
        }),
        Output::ReadFlag => flag::read(vault),
        Output::Prepare(mode) => spawn_local(async move {
            let is_loop = match mode {
                Mode::Redirect => bounces::check_restore(vault).await,
                // The page stays: there is nothing to go round in.
                Mode::Popup | Mode::Silent => Ok(()),
            };
            let prepared = match is_loop {
                Ok(()) => asks::prepare(vault, None, mode, &Asked::without_asking()).await,
                Err(error) => Err(error),
            };
            let outcome = prepared.map(|(transaction, _)| transaction);
            vault.post(Event::Session(Input::RestorePrepared(outcome)));
        }),
        Output::Conclude { ask, outcome, mark } => flag::note(vault, mark, Some((ask, outcome))),
        Output::Bounced { started } => spawn_local(bounces::note(vault, started)),
        Output::Recall => tabs::recall(vault),
        Output::Tell(news) => tabs::tell(vault, news),
        Output::DropKey => proofs::drop_key(vault),
        Output::Revoke(token) => spawn_local(revoke(vault, token)),
        Output::EndSession { ask, token, id_token } => {
            // At once, as a revocation does.
            let is_told = vault.config.refresh_cookie.is_some();
            let under_way = is_told.then(|| vault.revocations.begin());
            spawn_local(async move {
                end_session(vault, ask, token, id_token).await;
                drop(under_way);
            });
        }
    }
}

/// Whether the provider is asked to grant something anew.
fn is_sign_in(output: &Output) -> bool {
    match output {
        Output::Navigate { .. } => true,
        Output::Send { request, .. } => !matches!(request, TokenRequest::Refresh { .. }),
        _ => false,
    }
}

async fn token_request(vault: Vault, request: &TokenRequest) -> Result<Grant, TokenFailure> {
    let answer = match form(vault, request).await {
        Ok((endpoint, form)) => {
            let backend = vault.config.refresh_cookie.as_ref();
            proofs::post(vault, &endpoint, &form, backend).await
        }
        Err(error) => Err(Unanswered::NotSent(error)),
    };
    let unproven = outcome::judge(request, answer, &vault.config, time::now())?;
    let grant = keys::prove(vault, unproven).await?;
    vault.possession.proofs.borrow_mut().offset = grant.offset;
    Ok(grant)
}

/// Where a token request goes, and its body. A code goes where its transaction began.
async fn form(vault: Vault, request: &TokenRequest) -> Result<(String, Secret), AuthError> {
    let config = &vault.config;
    let known = provider::metadata(vault, Need::Known).await?;
    let (metadata, form) = match request {
        TokenRequest::Code { code, transaction } => {
            transaction.check_provider(&known)?;
            let key = proofs::key(vault).await?;
            transaction.check_key(key.map(|key| key.thumbprint()).as_deref())?;
            (&transaction.metadata, token::code_body(config, code, transaction))
        }
        TokenRequest::Password { username, password } => {
            (&*known, token::password_body(config, username, password))
        }
        TokenRequest::Refresh { .. } if vault.seal.is_taken.get() => return Err(taken()),
        TokenRequest::Refresh { refresh_token, audience, .. } => {
            (&*known, token::refresh_body(config, refresh_token.as_deref(), *audience))
        }
    };
    let endpoint = match &config.refresh_cookie {
        Some(backend) => &backend.token,
        None => &metadata.token_endpoint,
    };
    Ok((endpoint.clone(), form))
}

async fn navigate(vault: Vault, ask: Ask, transaction: Transaction) {
    match vault.asks.take(ask) {
        Some(Question::SignIn(asker, parameters)) => {
            leave(vault, asker, &transaction, &parameters).await;
        }
        Some(Question::Restore(asker, at)) => {
            let in_frame = transaction.mode == Mode::Silent;
            if in_frame {
                frames::begin(vault, asker.port).await;
            }
            let attempted = Some(transaction.started);
            if !flag::renew(vault, Flag { attempted, in_frame, is_shown: false }).await {
                frames::forget(vault);
                return vault.post(Event::Session(Input::FlagRead(None)));
            }
            if !in_frame {
                bounces::note_restore(vault).await;
            }
            // A page that stays has nowhere to return to.
            let at = at.filter(|_| !in_frame);
            let return_to = at.and_then(|at| asks::check(vault, &at).ok());
            let mut transaction = Transaction { return_to, ..transaction };
            let wishes = Asked::without_asking();
            match authorize::parameters(&vault.config, &mut transaction, &wishes) {
                Ok(parameters) => leave(vault, asker, &transaction, &parameters).await,
                Err(error) => fail(vault, asker, error),
            }
        }
        _ => {}
    }
}

/// Sends a page to the provider, once the store has what is needed when it is back; or a window, beside
/// which the page stays, and this vault with it.
async fn leave(vault: Vault, asker: Asker, transaction: &Transaction, parameters: &Parameters) {
    let is_beside = transaction.mode != Mode::Redirect;
    let channel = is_beside.then(|| transaction.state.clone());
    match address(vault, transaction, parameters).await {
        Ok(url) => {
            vault.ports.send(asker.port, &FromVault::Navigate { id: asker.id, url, channel });
        }
        Err(error) => fail(vault, asker, error),
    }
}

/// The URL of the authorization request, when its transaction is kept. A reference to a pushed one is
/// for one use: each navigation has its own, and one that was over before is replaced once.
async fn address(
    vault: Vault,
    transaction: &Transaction,
    parameters: &Parameters,
) -> Result<String, AuthError> {
    let config = &vault.config;
    if transaction.mode == Mode::Redirect {
        keep(transaction).await.map_err(|store::Denied| {
            AuthError::new(
                Code::TransactionStorageDenied,
                Phase::SignIn,
                "the browser denies IndexedDB, so the sign-in could not be remembered: allow \
                 storage for this site",
            )
        })?;
    }
    let Some(endpoint) = par::endpoint(config, &transaction.metadata)? else {
        return Ok(authorize::url(transaction, parameters));
    };
    for _ in 0..2 {
        let (sent, form) = (time::now(), par::body(parameters));
        // A proof would bind the code just as `dpop_jkt` does.
        let answer = if transaction.jkt.is_some() {
            proofs::post(vault, endpoint, &form, None).await
        } else {
            let signal = fetch::timeout(config.network_timeout);
            send::post(endpoint, &form, None, None, &signal).await
        };
        let answer = answer.map_err(|unanswered| unanswered.into_error(Phase::SignIn))?;
        let pushed = par::read(&answer, sent)?;
        if pushed.is_held(sent, time::now()) {
            return Ok(pushed.url(config, transaction));
        }
    }
    Err(par::too_short())
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
    let Some(
        Question::Callback(asker) | Question::Restore(asker, _) | Question::SignOut(asker, ..),
    ) = vault.asks.take(ask)
    else {
        return;
    };
    match outcome {
        Ok(return_to) => {
            vault.ports.send(asker.port, &FromVault::Concluded { id: asker.id, return_to });
        }
        Err(error) => fail(vault, asker, error),
    }
}

/// Revokes a token. The first attempt is waited for, the others are not (RFC 7009, 2.2.1): nothing that
/// the provider answers changes what happens here. There are no others once somebody signs in again: a
/// provider may revoke all that this client was granted (RFC 7009, 2.1), and what is being granted with it.
fn revoke(vault: Vault, token: Revocable) -> impl Future<Output = ()> {
    // At once: whoever signs in may do so in the very turn that orders this.
    let sign_ins = vault.sign_ins.get();
    let config = &vault.config;
    // The same: what is asked for from now on waits for it.
    let under_way = token.is_behind_cookie().then(|| vault.revocations.begin());
    async move {
        let Some(endpoint) = revocation_endpoint(vault, &token).await else { return };
        let form = token.body(config);
        let backend = config.refresh_cookie.as_ref().filter(|_| token.is_behind_cookie());
        let first = fetch::timeout(REVOCATION);
        let mut answer = send::post(&endpoint, &form, backend, None, &first).await;
        drop(under_way);
        if backend.is_some() {
            // By the next attempt the cookie may be the next person's.
            return;
        }
        spawn_local(async move {
            for attempts in 1.. {
                let server_now = time::now().wall;
                let wait = revocation::again(answer.as_ref().ok(), attempts, server_now);
                let Some(wait) = wait else { return };
                time::sleep(wait).await;
                if vault.sign_ins.get() != sign_ins {
                    return;
                }
                let signal = fetch::timeout(vault.config.network_timeout);
                answer = send::post(&endpoint, &form, None, None, &signal).await;
            }
        });
    }
}

async fn revocation_endpoint(vault: Vault, token: &Revocable) -> Option<String> {
    if token.is_behind_cookie() {
        return Some(vault.config.refresh_cookie.as_ref()?.revocation.clone());
    }
    provider::metadata(vault, Need::Known).await.ok()?.revocation_endpoint.clone()
}

async fn end_session(
    vault: Vault,
    ask: Ask,
    token: Option<Revocable>,
    id_token: Option<Rc<Secret>>,
) {
    let Some(Question::SignOut(asker, is_local, return_to)) = vault.asks.take(ask) else { return };
    // First, and before the page knows: whoever signs out and reloads stays signed out.
    flag::remove(vault).await;
    let _ = sealed::order(vault, Job::Wipe).await;
    proofs::remove_key(vault).await;
    bounces::forget(vault).await;
    let was_signed_in = token.is_some();
    // A cookie goes in any case: nobody may have asked yet whom it stands for.
    let token = vault.config.refresh_cookie.as_ref().map(|_| Revocable::behind_cookie()).or(token);
    if let Some(token) = token {
        revoke(vault, token).await;
    }
    // The session is over, whatever the page wants afterwards.
    let return_to = match return_to.map(|wanted| asks::check(vault, &wanted)).transpose() {
        Ok(return_to) => return_to,
        Err(error) => return fail(vault, asker, error.in_phase(Phase::SignOut)),
    };
    let config = &vault.config;
    let metadata = vault.provider.known().filter(|_| was_signed_in && !is_local);
    let state = match metadata.as_deref().filter(|known| logout::comes_back(config, known)) {
        Some(_) => farewell::begin(vault, return_to).await,
        None => None,
    };
    let url = metadata.and_then(|metadata| {
        logout::end_session_url(config, &metadata, id_token.as_deref(), state.as_deref())
    });
    vault.ports.send(asker.port, &FromVault::SignedOut { id: asker.id, url });
}
