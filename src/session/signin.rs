//! Sign-ins under way and the callbacks that answer them: each is answered once, whatever comes back.

use std::collections::VecDeque;

use super::{
    exchange::PendingCode,
    inputs::{Ask, Epoch, Mark, Output, TokenRequest},
    machine::{Session, Standing},
    snapshot::{RestoredBy, SignedOutReason},
};
use crate::{
    clock::{Now, UnixMillis},
    error::{AuthError, Code, Phase},
    oauth::{
        callback::{self, Callback},
        transaction::{Mode, Transaction},
    },
};

/// How many sign-ins may be under way in one vault; the oldest is left to the store.
const PENDING: usize = 16;
/// How many used states are remembered, to say `callback_used` instead of `callback_unknown`.
const USED: usize = 32;

/// What is known of sign-ins until their callbacks.
#[derive(Debug, Default)]
pub(super) struct SignIns {
    pending: VecDeque<Transaction>,
    used: VecDeque<String>,
    /// Callbacks whose transaction is looked for in the store.
    pub(super) finding: Vec<(Ask, Callback)>,
}

impl SignIns {
    pub(super) fn remember(&mut self, transaction: Transaction, wall: UnixMillis) {
        self.pending.retain(|other| !other.has_expired(wall) && other.state != transaction.state);
        if self.pending.len() == PENDING {
            self.pending.pop_front();
        }
        self.pending.push_back(transaction);
    }

    fn take(&mut self, state: &str) -> Option<Transaction> {
        let index = self.pending.iter().position(|pending| is_same(&pending.state, state))?;
        self.pending.remove(index)
    }

    fn is_used(&self, state: &str) -> bool {
        let is_sought = || self.finding.iter().any(|(_, other)| is_same(&other.state, state));
        self.used.iter().any(|used| is_same(used, state)) || is_sought()
    }

    fn use_up(&mut self, state: String) {
        if self.used.len() == USED {
            self.used.pop_front();
        }
        self.used.push_back(state);
    }
}

impl Session {
    /// Whether nobody is signed in, but a callback is being judged.
    pub(super) fn is_signing_in(&self) -> bool {
        self.tenure().is_none()
            && (!self.sign_ins.finding.is_empty() || self.exchange.has_code(self.epoch))
    }

    pub(super) fn sign_in_asked(&mut self, now: Now, ask: Ask, transaction: Transaction) {
        self.yield_to_sign_in(now);
        self.sign_ins.remember(transaction.clone(), now.wall);
        self.outputs.push_back(Output::Navigate { ask, transaction });
    }

    pub(super) fn callback_arrived(&mut self, now: Now, ask: Ask, callback: Callback) {
        let state = callback.state.clone();
        if self.sign_ins.is_used(&state) {
            return self.conclude_failed(ask, used());
        }
        if let Some(transaction) = self.sign_ins.take(&state) {
            return self.judge_callback(now, ask, callback, transaction, true);
        }
        self.sign_ins.finding.push((ask, callback));
        if self.restore.has_read_flag {
            self.outputs.push_back(Output::Find { ask, state });
        }
    }

    /// Looks for the transactions of the callbacks that came before the flag was seen.
    pub(super) fn find_callbacks(&mut self) {
        for (ask, callback) in &self.sign_ins.finding {
            self.outputs.push_back(Output::Find { ask: *ask, state: callback.state.clone() });
        }
    }

    pub(super) fn found(&mut self, now: Now, ask: Ask, transaction: Option<Transaction>) {
        let sought = self.sign_ins.finding.iter().position(|(other, _)| *other == ask);
        let Some(index) = sought else { return };
        let (_, callback) = self.sign_ins.finding.swap_remove(index);
        match transaction {
            Some(found) if is_same(&found.state, &callback.state) => {
                self.judge_callback(now, ask, callback, found, false);
            }
            _ => self.conclude_failed(ask, unknown()),
        }
    }

    /// Nobody signed in, or somebody stays who was, or may be restored: the callback failed.
    pub(super) fn conclude_failed(&mut self, ask: Ask, error: AuthError) {
        match self.standing {
            Standing::SignedIn(_) => {}
            Standing::Restoring => self.restore_after(error.clone()),
            Standing::SignedOut { .. } => {
                let reason = SignedOutReason::CallbackFailed;
                self.standing = Standing::SignedOut { reason, error: Some(error.clone()) };
            }
        }
        self.outputs.push_back(Output::Conclude { ask, outcome: Err(error), mark: Mark::Keep });
    }

    /// Nobody comes back from these callbacks: the user signed out.
    pub(super) fn abandon_callbacks(&mut self, epoch: Epoch) {
        let mut asks = Vec::from_iter(self.exchange.code_under_way(epoch));
        asks.extend(self.exchange.codes.drain(..).map(|code| code.ask));
        asks.extend(self.sign_ins.finding.drain(..).map(|(ask, _)| ask));
        for ask in asks {
            let outcome = Err(signed_out());
            self.outputs.push_back(Output::Conclude { ask, outcome, mark: Mark::Keep });
        }
    }

    fn judge_callback(
        &mut self,
        now: Now,
        ask: Ask,
        callback: Callback,
        transaction: Transaction,
        is_stored: bool,
    ) {
        let issuer = callback::check_issuer(&callback, &transaction.metadata);
        if let (Err(error), Err(_)) = (&issuer, &callback.outcome) {
            // A foreign provider's refusal does not end the sign-in at the one that was asked, though
            // this vault may be gone when that comes back.
            if !is_stored {
                self.outputs.push_back(Output::Keep(transaction.clone()));
            }
            self.sign_ins.remember(transaction, now.wall);
            return self.conclude_failed(ask, error.clone());
        }
        let state = transaction.state.clone();
        let is_redirect = transaction.mode == Mode::Redirect;
        if is_stored && is_redirect {
            self.outputs.push_back(Output::Forget { state: state.clone() });
        }
        self.sign_ins.use_up(state);
        // Beside a window the page stays: there is nothing to go round in.
        if is_redirect && !transaction.is_restore {
            self.outputs.push_back(Output::Bounced { started: transaction.started });
        }
        if transaction.is_restore && !self.wants_restore() {
            return self.drop_restore(ask, transaction.return_to);
        }
        let code = if transaction.has_expired(now.wall) {
            Err(unknown())
        } else {
            let refused = |error: callback::OauthError| error.to_auth_error(Phase::Callback);
            issuer.and_then(|()| callback.outcome.map_err(refused))
        };
        match code {
            Ok(code) => {
                let transaction = Box::new(transaction);
                let request = TokenRequest::Code { code, transaction };
                self.exchange.codes.push_back(PendingCode { ask, request });
            }
            Err(error) if transaction.is_restore => {
                let (by, is_final) = (RestoredBy::of(transaction.mode), !error.retryable);
                self.restore_refused(now, ask, by, transaction.return_to, error, is_final);
            }
            Err(error) if transaction.mode == Mode::Silent => self.fail_quietly(ask, error),
            Err(error) => self.conclude_failed(ask, error),
        }
    }

    /// A sign-in failed of which the page alone hears, as one that asked nobody: everything is as it was,
    /// unless a restore waited for how it ends.
    pub(super) fn fail_quietly(&mut self, ask: Ask, error: AuthError) {
        if matches!(self.standing, Standing::Restoring) {
            return self.conclude_failed(ask, error);
        }
        self.outputs.push_back(Output::Conclude { ask, outcome: Err(error), mark: Mark::Keep });
    }
}

/// Compares in a time that depends on the lengths alone.
fn is_same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    a.len() == b.len() && a.iter().zip(b).fold(0, |acc, (x, y)| acc | (x ^ y)) == 0
}

fn unknown() -> AuthError {
    AuthError::new(
        Code::CallbackUnknown,
        Phase::Callback,
        "no sign-in of this browser belongs to this callback, or it took longer than ten minutes: \
         call `signIn()` again",
    )
}

fn used() -> AuthError {
    AuthError::new(
        Code::CallbackUsed,
        Phase::Callback,
        "this callback was used before: remove `code` and `state` from the page's URL",
    )
}

fn signed_out() -> AuthError {
    AuthError::new(
        Code::SessionEnded,
        Phase::Callback,
        "the user signed out while the sign-in was under way",
    )
}
