//! The pages' questions to the session: sign in, here is a callback, restore, sign out. They are asked of the
//! machine, wait here, and are answered by the effects.

use std::cell::{Cell, RefCell};

use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;

use super::{
    bounces, farewell, frames,
    port::Asker,
    proofs, provider,
    pump::{Event, Vault},
    wire::{self, FromVault},
};
use crate::{
    browser::{fetch, random, store, time, url::BrowserUrls},
    config::Config,
    error::{AuthError, Code, Phase},
    oauth::{
        authorize::{self, Asked, Parameters},
        callback,
        discovery::Need,
        initiated,
        logout::Ended,
        metadata::Metadata,
        return_to, token,
        transaction::{Mode, Transaction},
    },
    secret::Secret,
    session::inputs::{Ask, Input, TokenRequest},
    table::Table,
    url::{ParseUrl, ParsedUrl},
};

/// The pages' questions that wait for the session's answer.
#[derive(Default)]
pub(crate) struct Asks {
    waiting: RefCell<Table<Ask, Question>>,
    next: Cell<u64>,
}

/// A question, with what its answer needs.
pub(super) enum Question {
    /// And what the authorization request says.
    SignIn(Asker, Parameters),
    /// Only who asked.
    Callback(Asker),
    /// And where the page is.
    Restore(Asker, Option<String>),
    /// And whether the provider's own session is left alone, and what the page wants afterwards.
    SignOut(Asker, bool, Option<String>),
}

impl Asks {
    fn add(&self, question: Question) -> Ask {
        let ask = Ask(self.next.get());
        self.next.set(ask.0 + 1);
        self.waiting.borrow_mut().insert(ask, question);
        ask
    }

    /// Whether nobody waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.borrow().is_empty()
    }

    /// The question, to be answered.
    pub(super) fn take(&self, ask: Ask) -> Option<Question> {
        self.waiting.borrow_mut().remove(ask)
    }
}

/// A page wants to sign in.
pub(super) fn sign_in(
    vault: Vault,
    asker: Asker,
    mode: Mode,
    wishes: Asked,
    return_to: Option<String>,
) {
    let wishes = match wishes.in_mode(mode, &vault.config) {
        Ok(wishes) => wishes,
        Err(error) => return fail(vault, asker, error),
    };
    spawn_local(async move {
        let is_loop = match mode {
            Mode::Redirect => bounces::check(vault).await,
            Mode::Popup | Mode::Silent => Ok(()),
        };
        let prepared = match is_loop {
            Ok(()) => prepare(vault, return_to.as_deref(), mode, &wishes).await,
            Err(error) => Err(error),
        };
        match prepared {
            Ok((transaction, parameters)) => {
                let ask = vault.asks.add(Question::SignIn(asker, parameters));
                vault.post(Event::Session(Input::SignInAsked { ask, transaction }));
            }
            Err(error) => fail(vault, asker, error),
        }
    });
}

/// A page is where somebody sends people who are to sign in.
pub(super) fn initiated(vault: Vault, asker: Asker, url: &str) {
    match at(url).and_then(|url| initiated::read(&url, &vault.config.issuer)) {
        Ok((wishes, return_to)) => sign_in(vault, asker, Mode::Redirect, wishes, return_to),
        Err(error) => fail(vault, asker, error),
    }
}

/// A page waits for the session, at an address that it may leave. One whose frame is shown asks again once
/// that came to nothing.
pub(super) fn restore(vault: Vault, asker: Asker, message: wire::Restore) {
    frames::end(vault, asker.port);
    let can_leave = message.return_to.is_some();
    let can_frame = message.frame.unwrap_or(false);
    let ask = vault.asks.add(Question::Restore(asker, message.return_to));
    vault.post(Event::Session(Input::RestoreAsked { ask, can_leave, can_frame }));
}

/// A transaction that begins now, and what its authorization request says.
pub(super) async fn prepare(
    vault: Vault,
    return_to: Option<&str>,
    mode: Mode,
    wishes: &Asked,
) -> Result<(Transaction, Parameters), AuthError> {
    let config = &vault.config;
    let return_to = return_to.map(|wanted| check(vault, wanted)).transpose()?;
    let metadata = provider::metadata(vault, Need::Current).await?;
    let entropy = random::bytes().ok_or_else(|| {
        AuthError::new(
            Code::InsecureContext,
            Phase::SignIn,
            "the browser withholds its random numbers: serve the page over https",
        )
    })?;
    let metadata = Metadata::clone(&metadata);
    let (openid, started) = (config.is_openid(), time::now().wall);
    let transaction = Transaction::begin(&entropy, return_to, openid, started, metadata);
    let mut transaction = transaction.in_mode(mode);
    transaction.jkt = proofs::binding(vault, mode).await?;
    let parameters = authorize::parameters(config, &mut transaction, wishes)?;
    Ok((transaction, parameters))
}

/// The address to return to, if it is the application's own.
pub(super) fn check(vault: Vault, return_to: &str) -> Result<String, AuthError> {
    let Config { page_origin, app_origins, .. } = &vault.config;
    return_to::check(return_to, page_origin, app_origins, &BrowserUrls)
}

/// A page is at its redirect URI.
pub(super) fn callback(vault: Vault, asker: Asker, url: &str) {
    let ask = vault.asks.add(Question::Callback(asker));
    vault.post(Event::Session(match at(url).and_then(|url| callback::read(&url)) {
        Ok(callback) => Input::CallbackArrived { ask, callback },
        Err(error) => Input::CallbackRefused { ask, error },
    }));
}

/// A page at a redirect URI of the vault's own origin asks which page of the application the callback is for:
/// the one where the sign-in wanted to be. It is judged there.
pub(super) fn way_back(vault: Vault, asker: Asker, url: &str) {
    let callback = at(url).and_then(|url| callback::read(&url));
    spawn_local(async move {
        let return_to = match callback {
            Ok(callback) => wanted(vault, &callback.state).await,
            Err(_) => None,
        };
        vault.ports.send(asker.port, &FromVault::Concluded { id: asker.id, return_to });
    });
}

/// Where the stored sign-in of this `state` wants to be. Checked once more: it comes from the store.
async fn wanted(vault: Vault, state: &str) -> Option<String> {
    let record = store::peek(state).await.ok()??;
    check(vault, &Transaction::from_record(&record)?.return_to?).ok()
}

/// A page was given a name and a password, the bytes of which are wiped here.
pub(super) fn password(vault: Vault, asker: Asker, username: String, bytes: &JsValue) {
    let admitted = token::admit_password(&vault.config);
    match admitted.and_then(|()| fetch::take_text(bytes).ok_or_else(no_password)) {
        Ok(password) => {
            let request = TokenRequest::Password { username: Secret::new(username), password };
            let ask = vault.asks.add(Question::Callback(asker));
            vault.post(Event::Session(Input::PasswordGiven { ask, request }));
        }
        Err(error) => fail(vault, asker, error),
    }
}

fn no_password() -> AuthError {
    AuthError::new(Code::MessageInvalid, Phase::SignIn, "a password must be a string")
}

fn at(url: &str) -> Result<ParsedUrl, AuthError> {
    BrowserUrls.parse(url, None).ok_or_else(|| {
        AuthError::new(Code::CallbackInvalid, Phase::Callback, "the page's address is no URL")
    })
}

/// A page that the provider loaded heard that a session ended there.
pub(super) fn logout_told(vault: Vault, asker: Asker, url: &str) {
    match at(url).and_then(|url| Ended::read(&url)) {
        Ok(ended) => {
            let ask = vault.asks.add(Question::SignOut(asker, true, None));
            vault.post(Event::Session(Input::LogoutTold { ask, ended }));
        }
        Err(error) => fail(vault, asker, error),
    }
}

/// A page may be back from a sign-out at the provider.
pub(super) fn after_sign_out(vault: Vault, asker: Asker, url: &str) {
    let url = at(url);
    spawn_local(async move {
        let return_to = match url {
            Ok(url) => farewell::answered(vault, &url).await,
            Err(_) => None,
        };
        vault.ports.send(asker.port, &FromVault::Concluded { id: asker.id, return_to });
    });
}

/// A page wants to sign out.
pub(super) fn sign_out(vault: Vault, asker: Asker, message: wire::SignOut) {
    let question = Question::SignOut(asker, message.local.unwrap_or(false), message.return_to);
    let ask = vault.asks.add(question);
    vault.post(Event::Session(Input::SignOutAsked(ask)));
}

/// Answers a question with an error.
pub(super) fn fail(vault: Vault, asker: Asker, error: AuthError) {
    vault.ports.send(asker.port, &FromVault::Failed { id: asker.id, error });
}
