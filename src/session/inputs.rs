//! What a session hears and what it orders. Inputs are in the past tense, outputs are orders.

use std::rc::Rc;

use crate::{
    clock::{Millis, UnixMillis},
    error::AuthError,
    oauth::{
        callback::Callback,
        logout::Ended,
        revocation::Revocable,
        transaction::{Mode, Transaction},
    },
    secret::Secret,
    session::{
        flag::Flag,
        grant::Grant,
        sealed::Unreadable,
        snapshot::Snapshot,
        tabs::{Chronicle, News, TabsEpoch},
    },
};

/// A request that waits for a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// A page's question that waits for an answer: a sign-in, a callback, a sign-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ask(pub u64);

/// Counts sign-ins and sign-outs. An answer carries the epoch that asked; a late one is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Epoch(pub u64);

/// Counts the access tokens of a vault. A lease says which one it lends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Generation(pub u64);

/// The use of one access token by one request.
#[derive(Clone, Debug)]
pub struct Lease {
    /// Which access token it is.
    pub generation: Generation,
    /// The token.
    pub token: Rc<Secret>,
}

/// Why a session should look at its clocks again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// The timer that `wake_at` asked for.
    Timer,
    /// A page became visible, was focused, was shown again or resumed.
    Page,
}

/// What a session is told.
#[derive(Debug)]
pub enum Input {
    /// The store was asked whether somebody was signed in (`Output::ReadFlag`).
    FlagRead(Option<Flag>),
    /// A page waits for the session to be restored.
    RestoreAsked {
        /// Who waits.
        ask: Ask,
        /// Whether the page may leave for the provider.
        can_leave: bool,
        /// Whether it can show a hidden frame.
        can_frame: bool,
    },
    /// The hidden frame of a restore came to nothing: its page gave it up, or is gone.
    FrameFailed,
    /// The authorization request of a restore is prepared, or could not be (`Output::Prepare`).
    RestorePrepared(Result<Transaction, AuthError>),
    /// A page asked for a sign-in; its transaction is prepared.
    SignInAsked {
        /// Who waits.
        ask: Ask,
        /// The prepared transaction.
        transaction: Transaction,
    },
    /// A page brought a callback.
    CallbackArrived {
        /// Who waits.
        ask: Ask,
        /// The callback's parameters.
        callback: Callback,
    },
    /// A page brought a name and a password (`TokenRequest::Password`).
    PasswordGiven {
        /// Who waits.
        ask: Ask,
        /// The request that they are for.
        request: TokenRequest,
    },
    /// A page brought what is no callback, or not a whole one.
    CallbackRefused {
        /// Who waits.
        ask: Ask,
        /// What is wrong with it.
        error: AuthError,
    },
    /// The store was asked for a transaction (`Output::Find`).
    Found {
        /// Who waits.
        ask: Ask,
        /// What it had.
        transaction: Option<Transaction>,
    },
    /// The lock around token requests is held (`Output::TakeLock`).
    LockTaken,
    /// The lock could not be had in time, or not even by force.
    LockMissed,
    /// A token request ended (`Output::Send`).
    TokenAnswered {
        /// The epoch that asked.
        epoch: Epoch,
        /// A grant, or what is known of the failure.
        outcome: Result<Grant, TokenFailure>,
    },
    /// The sealed record was read (`Output::Unseal`), or does not open.
    Unsealed(Result<Option<Secret>, Unreadable>),
    /// Something is not as the configuration wants it, and the session goes on.
    Warned(AuthError),
    /// Something woke the vault.
    Woke(Wake),
    /// The device is online again.
    WentOnline,
    /// The device lost its network.
    WentOffline,
    /// A page is there again, after none was.
    PageArrived,
    /// No page is left: nothing is refreshed for nobody.
    LastPageLeft,
    /// A request wants the use of an access token for the audience of that number.
    LeaseWanted(Ticket, usize),
    /// A resource refused a lease (401): a newer one is wanted.
    LeaseRefused {
        /// The request.
        ticket: Ticket,
        /// The number of its audience.
        audience: usize,
        /// The generation that was refused.
        generation: Generation,
    },
    /// The request was aborted or its page is gone.
    TicketDropped(Ticket),
    /// A page asked to sign out.
    SignOutAsked(Ask),
    /// The provider told a page that a session of its own ended (Front-Channel Logout).
    LogoutTold {
        /// Who waits.
        ask: Ask,
        /// Which session.
        ended: Ended,
    },
    /// A vault in another tab told what happened there.
    Heard {
        /// When, in the order that all tabs share.
        epoch: TabsEpoch,
        /// What.
        news: News,
    },
    /// What all tabs remember (`Output::Recall`).
    Recalled(Chronicle),
    /// The others were told, at this epoch (`Output::Tell`).
    Told(TabsEpoch),
}

/// What is known of a failed token request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenFailure {
    /// What to tell whoever waits.
    pub error: AuthError,
    /// Whether the provider may have acted.
    pub reach: Reach,
    /// Whether the provider said that the grant is over (`invalid_grant` and its kin).
    pub is_final: bool,
    /// `Retry-After`, where it was given.
    pub retry_after: Option<Millis>,
    /// What the provider issued all the same, for nobody: it is to be revoked.
    pub issued: Option<Revocable>,
}

/// How far a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It is known not to have been sent.
    NotSent,
    /// It was sent, or may have been, and no answer came: a rotation may have happened.
    Lost,
    /// The provider answered.
    Answered,
}

/// A token request to be sent.
#[derive(Clone, Debug)]
pub enum TokenRequest {
    /// Exchange the code of a callback (RFC 6749, 4.1.3). Never sent twice.
    Code {
        /// The code.
        code: Secret,
        /// The transaction it answers.
        transaction: Box<Transaction>,
    },
    /// Exchange a password (RFC 6749, 4.3). Never sent twice.
    Password {
        /// Whose.
        username: Secret,
        /// The password.
        password: Secret,
    },
    /// Refresh (RFC 6749, 6).
    Refresh {
        /// The grant to be renewed: what the answer is compared with.
        grant: Rc<Grant>,
        /// Its refresh token; `None` where a backend has it behind a cookie.
        refresh_token: Option<Rc<Secret>>,
        /// The number of the audience that the access token is to be for.
        audience: usize,
    },
}

/// What becomes of the flag that somebody was signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It stays as it is.
    Keep,
    /// A session has begun.
    Set,
    /// Nobody is signed in any more, as far as the provider is concerned.
    Clear,
}

/// What a session orders.
#[derive(Debug)]
pub enum Output {
    /// Look for the flag that somebody was signed in; answer with `FlagRead`.
    ReadFlag,
    /// Prepare the transaction of a restore in this mode; answer with `RestorePrepared`.
    Prepare(Mode),
    /// Take the lock around token requests, waiting for it twice as long as a request may take and
    /// `jitter` more; answer with `LockTaken` or `LockMissed`.
    TakeLock {
        /// Spreads the vaults that give up waiting for the same holder.
        jitter: Millis,
    },
    /// Take it by force: whoever holds it hangs. Answer with `LockTaken` or `LockMissed`.
    StealLock,
    /// Let go of it.
    ReleaseLock,
    /// Send this; answer with `TokenAnswered`.
    Send {
        /// To be repeated in the answer.
        epoch: Epoch,
        /// What to send.
        request: TokenRequest,
    },
    /// Read the sealed record; answer with `Unsealed`.
    Unseal,
    /// Put this in the place of the sealed record that was seen last, or nothing; with `is_new` in the place
    /// of whichever there is. What is ordered after it waits for it: it is there before a refresh token is
    /// used.
    Seal {
        /// What the record says.
        record: Option<Secret>,
        /// Whether the session has just begun.
        is_new: bool,
    },
    /// Look for a stored transaction and remove it; answer with `Found`.
    Find {
        /// To be repeated in the answer.
        ask: Ask,
        /// Its `state`.
        state: String,
    },
    /// Remove a stored transaction: it was used from memory.
    Forget {
        /// Its `state`.
        state: String,
    },
    /// Store this transaction again: its callback is still to come.
    Keep(Transaction),
    /// Store the transaction of a redirect, then give the page the URL of its authorization request. A restore
    /// notes its moment in the flag first, and goes nowhere if the flag is gone: answer with `FlagRead` then.
    Navigate {
        /// Who waits.
        ask: Ask,
        /// The transaction.
        transaction: Transaction,
    },
    /// Lend the use of an access token.
    Lend {
        /// To whom.
        ticket: Ticket,
        /// What.
        lease: Lease,
    },
    /// Lend nothing.
    Refuse {
        /// To whom.
        ticket: Ticket,
        /// Why.
        error: AuthError,
    },
    /// Show this to the pages.
    Publish(Snapshot),
    /// A callback was accepted or refused, or a page waits for nothing any more.
    Conclude {
        /// Who waits.
        ask: Ask,
        /// Where the application wants to be, or why it failed.
        outcome: Result<Option<String>, AuthError>,
        /// What becomes of the flag before that.
        mark: Mark,
    },
    /// A sign-in is back from the provider: remember when (`session::bounces`).
    Bounced {
        /// When it began.
        started: UnixMillis,
    },
    /// Listen to the other tabs, and say what all tabs remember (`Recalled`).
    Recall,
    /// Remember this for all tabs and tell the others; answer with `Told`.
    Tell(News),
    /// Forget the key that tokens were bound to (RFC 9449), if there is one: somebody signed out in another
    /// tab, and whoever signs in next has another.
    DropKey,
    /// Revoke this token (RFC 7009); nothing depends on the answer.
    Revoke(Revocable),
    /// The session is gone here: remove the flag and the key of all tabs, revoke what it had, then let the page leave for the
    /// provider.
    EndSession {
        /// Who waits.
        ask: Ask,
        /// The refresh token, or else the access token; `None` where nobody was signed in.
        token: Option<Revocable>,
        /// The ID token, where there was one.
        id_token: Option<Rc<Secret>>,
    },
}
