//! The pages' questions to the session: sign in, here is a callback, restore, sign out. They are asked of the
//! machine, wait here, and are answered by the effects.

use std::cell::{Cell, RefCell};

use wasm_bindgen_futures::spawn_local;

use super::{
    bounces,
    port::Asker,
    provider,
    pump::{Event, Vault},
    wire::{self, FromVault},
};
use crate::{
    browser::{random, time, url::BrowserUrls},
    error::{AuthError, Code, Phase},
    oauth::{
        authorize::{self, Asked, Parameters},
        callback,
        discovery::Need,
        metadata::Metadata,
        return_to,
        transaction::{Mode, Transaction},
    },
    session::inputs::{Ask, Input},
    table::Table,
    url::ParseUrl,
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
    /// And whether the provider's own session is left alone.
    SignOut(Asker, bool),
}

impl Asks {
    fn add(&self, question: Question) -> Ask {
        let ask = Ask(self.next.get());
        self.next.set(ask.0 + 1);
        self.waiting.borrow_mut().insert(ask, question);
        ask
    }

    /// The question, to be answered.
    pub(super) fn take(&self, ask: Ask) -> Option<Question> {
        self.waiting.borrow_mut().remove(ask)
    }
}

/// A page wants to sign in.
pub(super) fn sign_in(vault: Vault, asker: Asker, message: wire::SignIn) {
    let mode = message.mode.unwrap_or_default();
    let wishes = match message.asked.unwrap_or_default().in_mode(mode, &vault.config) {
        Ok(wishes) => wishes,
        Err(error) => return fail(vault, asker, error),
    };
    spawn_local(async move {
        let is_loop = match mode {
            Mode::Redirect => bounces::check(vault).await,
            Mode::Popup | Mode::Silent => Ok(()),
        };
        let prepared = match is_loop {
            Ok(()) => prepare(vault, message.return_to.as_deref(), mode, &wishes).await,
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

/// A page waits for the session, at an address that it may leave.
pub(super) fn restore(vault: Vault, asker: Asker, at: Option<String>) {
    let can_leave = at.is_some();
    let ask = vault.asks.add(Question::Restore(asker, at));
    vault.post(Event::Session(Input::RestoreAsked { ask, can_leave }));
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
    let parameters = authorize::parameters(config, &mut transaction, wishes)?;
    Ok((transaction, parameters))
}

/// The address to return to, if it is of the pages' own origin.
pub(super) fn check(vault: Vault, return_to: &str) -> Result<String, AuthError> {
    return_to::check(return_to, &vault.config.page_origin, &BrowserUrls)
}

/// A page is at its redirect URI.
pub(super) fn callback(vault: Vault, asker: Asker, url: &str) {
    let read = BrowserUrls.parse(url, None).ok_or_else(|| {
        AuthError::new(Code::CallbackInvalid, Phase::Callback, "the callback is no URL")
    });
    let ask = vault.asks.add(Question::Callback(asker));
    vault.post(Event::Session(match read.and_then(|url| callback::read(&url)) {
        Ok(callback) => Input::CallbackArrived { ask, callback },
        Err(error) => Input::CallbackRefused { ask, error },
    }));
}

/// A page wants to sign out.
pub(super) fn sign_out(vault: Vault, asker: Asker, message: &wire::SignOut) {
    let question = Question::SignOut(asker, message.local.unwrap_or(false));
    let ask = vault.asks.add(question);
    vault.post(Event::Session(Input::SignOutAsked(ask)));
}

/// Answers a question with an error.
pub(super) fn fail(vault: Vault, asker: Asker, error: AuthError) {
    vault.ports.send(asker.port, &FromVault::Failed { id: asker.id, error });
}
