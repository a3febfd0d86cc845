//! A session on a bench: one input at a time, its orders as text, the clocks turned by hand.

use tokenward::{
    clock::{Millis, Now, UnixMillis},
    config::{DEFAULT_AUDIENCE, Restore},
    error::{AuthError, Code, Phase},
    oauth::{
        callback::Callback,
        transaction::{Mode, Transaction},
    },
    secret::Secret,
    session::{
        flag::Flag,
        grant::Grant,
        inputs::{
            Ask, Epoch, Generation, Input, Mark, Output, Reach, Ticket, TokenFailure, TokenRequest,
            Wake,
        },
        machine::Session,
        sealed::Unreadable,
        snapshot::{RestoredBy, Snapshot},
    },
};

use crate::fixtures::{ISSUER, START, failure, grant, indicators, text_of, transaction};

pub(crate) struct Rig {
    pub session: Session,
    pub now: Now,
    epoch: Epoch,
}

impl Rig {
    /// A vault that has nothing to restore, with a page.
    pub(crate) fn new() -> Self {
        let mut rig = Self::begun(Restore::Redirect);
        rig.tell(Input::FlagRead(None));
        rig
    }

    /// A vault that does not know yet what there is to restore, with a page.
    pub(crate) fn begun(restore: Restore) -> Self {
        Self::of(Session::new(7, restore))
    }

    fn of(session: Session) -> Self {
        let mut rig = Self { session, now: START, epoch: Epoch(0) };
        assert_eq!(rig.tell(Input::PageArrived), ["ReadFlag", "Recall"]);
        rig
    }

    /// A vault that finds the flag: somebody was signed in, and a restore was attempted so many
    /// seconds ago, if it was.
    pub(crate) fn flagged(attempted: Option<i64>) -> Self {
        let mut rig = Self::begun(Restore::Redirect);
        rig.flag_read(attempted);
        rig
    }

    /// A vault whose session is sealed, which finds the flag; the lock for reading the record is awaited.
    pub(crate) fn sealed(restore: Restore) -> Self {
        let mut rig = Self::begun_sealed(restore);
        assert_eq!(rig.flag_read(None), ["TakeLock"]);
        rig
    }

    /// The same before the flag was seen.
    pub(crate) fn begun_sealed(restore: Restore) -> Self {
        Self::of(Session::new(7, restore).sealed(true))
    }

    /// The same with nothing to restore.
    pub(crate) fn new_sealed() -> Self {
        let mut rig = Self::begun_sealed(Restore::Redirect);
        rig.tell(Input::FlagRead(None));
        rig
    }

    /// A vault whose refresh token a backend has, which finds the flag; the lock for asking it is awaited.
    pub(crate) fn with_cookie(restore: Restore) -> Self {
        let mut rig = Self::of(Session::new(7, restore).with_cookie(true));
        assert_eq!(rig.flag_read(None), ["TakeLock"]);
        rig
    }

    /// The lock is there, and the record read under it.
    pub(crate) fn unsealed(&mut self, record: Result<Option<Secret>, Unreadable>) -> Vec<String> {
        assert_eq!(self.tell(Input::LockTaken), ["Unseal"]);
        self.tell(Input::Unsealed(record))
    }

    /// The store has the flag, with an attempt so many seconds ago.
    pub(crate) fn flag_read(&mut self, attempted: Option<i64>) -> Vec<String> {
        let moment = |ago| UnixMillis(self.now.wall.0 - ago * 1000);
        let attempted = attempted.map(moment);
        self.tell(Input::FlagRead(Some(Flag { attempted, ..Flag::default() })))
    }

    /// A page waits for the session, and may leave for the provider.
    pub(crate) fn ask_restore(&mut self, ask: u64) -> Vec<String> {
        self.tell(Input::RestoreAsked { ask: Ask(ask), can_leave: true, can_frame: false })
    }

    /// The same, and may show a hidden frame before.
    pub(crate) fn ask_restore_in_frame(&mut self, ask: u64) -> Vec<String> {
        self.tell(Input::RestoreAsked { ask: Ask(ask), can_leave: true, can_frame: true })
    }

    /// The store has the flag, with an attempt in a frame so many seconds ago, which is shown or is not.
    pub(crate) fn frame_flag_read(&mut self, ago: i64, is_shown: bool) -> Vec<String> {
        let attempted = Some(UnixMillis(self.now.wall.0 - ago * 1000));
        self.tell(Input::FlagRead(Some(Flag { attempted, in_frame: true, is_shown })))
    }

    /// The request of a restore in a frame is ready.
    pub(crate) fn frame_prepared(&mut self, state: &str) -> Vec<String> {
        let transaction = transaction(state, self.now.wall);
        let transaction = Transaction { mode: Mode::Silent, ..transaction };
        self.tell(Input::RestorePrepared(Ok(transaction)))
    }

    /// The request of a restore is ready.
    pub(crate) fn prepared(&mut self, state: &str) -> Vec<String> {
        self.tell(Input::RestorePrepared(Ok(transaction(state, self.now.wall))))
    }

    /// The same with somebody signed in, and so many further audiences.
    pub(crate) fn signed_in_for(audiences: usize, grant: Grant) -> Self {
        let session = Session::new(7, Restore::Redirect).with_audiences(&indicators(audiences));
        let mut rig = Self::of(session);
        rig.tell(Input::FlagRead(None));
        rig.exchange_code("state", Ok(grant));
        rig
    }

    /// The same with somebody signed in.
    pub(crate) fn signed_in(grant: Grant) -> Self {
        let mut rig = Self::new();
        rig.exchange_code("state", Ok(grant));
        rig
    }

    /// The same after a refresh that failed so; another one is wanted, and the lock for it awaited.
    pub(crate) fn after_failure(reach: Reach) -> Self {
        let mut rig = Self::signed_in(grant(1, 300, START));
        rig.advance(280);
        rig.woke();
        rig.exchange(Err(failure(reach)));
        rig.advance(6);
        rig.woke();
        rig
    }

    /// Tells the session and drains it. Waking it again at the same moment must change nothing.
    pub(crate) fn tell(&mut self, input: Input) -> Vec<String> {
        let outputs = self.tell_once(input);
        assert_eq!(self.tell_once(Input::Woke(Wake::Page)), Vec::<String>::new(), "a second look");
        let wake = self.session.wake_at();
        assert!(
            wake.is_none_or(|deadline| !deadline.is_due(self.now)),
            "a timer that fires at once"
        );
        outputs
    }

    fn tell_once(&mut self, input: Input) -> Vec<String> {
        self.session.handle(self.now, input);
        let outputs: Vec<_> = std::iter::from_fn(|| self.session.poll()).collect();
        for output in &outputs {
            if let Output::Send { epoch, .. } = output {
                self.epoch = *epoch;
            }
        }
        outputs.iter().map(describe).collect()
    }

    pub(crate) fn advance(&mut self, seconds: u64) {
        self.turn(i64::try_from(seconds * 1000).unwrap(), seconds * 1000);
    }

    /// Turns both clocks by hand, each its own way, in milliseconds.
    pub(crate) fn turn(&mut self, wall: i64, monotonic: u64) {
        self.now.wall = UnixMillis(self.now.wall.0 + wall);
        self.now.monotonic = self.now.monotonic + Millis(monotonic);
    }

    pub(crate) fn woke(&mut self) -> Vec<String> {
        self.tell(Input::Woke(Wake::Timer))
    }

    pub(crate) fn want(&mut self, ticket: u64) -> Vec<String> {
        self.want_for(ticket, DEFAULT_AUDIENCE)
    }

    /// The same for the audience of that number.
    pub(crate) fn want_for(&mut self, ticket: u64, audience: usize) -> Vec<String> {
        self.tell(Input::LeaseWanted(Ticket(ticket), audience))
    }

    pub(crate) fn refused(&mut self, ticket: u64, generation: u64) -> Vec<String> {
        self.refused_for(ticket, DEFAULT_AUDIENCE, generation)
    }

    pub(crate) fn refused_for(
        &mut self,
        ticket: u64,
        audience: usize,
        generation: u64,
    ) -> Vec<String> {
        let generation = Generation(generation);
        self.tell(Input::LeaseRefused { ticket: Ticket(ticket), audience, generation })
    }

    /// Answers the token request that was sent last.
    pub(crate) fn answer(&mut self, outcome: Result<Grant, TokenFailure>) -> Vec<String> {
        self.tell(Input::TokenAnswered { epoch: self.epoch, outcome })
    }

    /// Grants the lock, and answers what is sent under it.
    pub(crate) fn exchange(&mut self, outcome: Result<Grant, TokenFailure>) -> Vec<String> {
        let sent = self.tell(Input::LockTaken);
        assert!(sent.iter().any(|output| output.starts_with("Send")), "{sent:?}");
        self.answer(outcome)
    }

    /// A whole sign-in.
    pub(crate) fn exchange_code(
        &mut self,
        state: &str,
        outcome: Result<Grant, TokenFailure>,
    ) -> Vec<String> {
        self.ask_sign_in(state);
        self.callback(1, state);
        self.exchange(outcome)
    }

    pub(crate) fn ask_sign_in(&mut self, state: &str) -> Vec<String> {
        let transaction = transaction(state, self.now.wall);
        self.tell(Input::SignInAsked { ask: Ask(0), transaction })
    }

    /// The same, beside the page.
    pub(crate) fn ask_sign_in_beside(&mut self, mode: Mode, state: &str) -> Vec<String> {
        let transaction = Transaction { mode, ..transaction(state, self.now.wall) };
        self.tell(Input::SignInAsked { ask: Ask(0), transaction })
    }

    pub(crate) fn callback(&mut self, ask: u64, state: &str) -> Vec<String> {
        self.tell(Input::CallbackArrived { ask: Ask(ask), callback: callback(state) })
    }

    pub(crate) fn status(&self) -> String {
        status(&self.session.snapshot())
    }

    pub(crate) fn refresh_at(&self) -> Option<i64> {
        match self.session.snapshot() {
            Snapshot::SignedIn { refresh_at, .. } => refresh_at,
            _ => None,
        }
    }
}

pub(crate) fn without_refresh_token(grant: Grant) -> Grant {
    Grant { refresh_token: None, ..grant }
}

/// `invalid_grant`.
pub(crate) fn grant_is_over() -> TokenFailure {
    let error = AuthError::new(Code::OauthError, Phase::Refresh, "the provider refused");
    TokenFailure {
        error: error.with_oauth_error("invalid_grant"),
        reach: Reach::Answered,
        is_final: true,
        retry_after: None,
        issued: None,
    }
}

/// The provider says for how many seconds it wants to be left alone.
pub(crate) fn told_to_wait(seconds: u64) -> TokenFailure {
    TokenFailure { retry_after: Some(Millis::from_secs(seconds)), ..failure(Reach::Answered) }
}

pub(crate) fn callback(state: &str) -> Callback {
    Callback { state: state.into(), iss: Some(ISSUER.into()), outcome: Ok(Secret::from("code")) }
}

/// An order as a line: `Lend 1 at-1`, `Publish signedOut expired`.
pub(crate) fn describe(output: &Output) -> String {
    match output {
        Output::TakeLock { .. } => "TakeLock".into(),
        Output::StealLock => "StealLock".into(),
        Output::Bounced { .. } => "Bounced".into(),
        Output::Recall => "Recall".into(),
        Output::Tell(news) => format!("Tell {}", news.as_str()),
        Output::Keep(transaction) => format!("Keep {}", transaction.state),
        Output::ReleaseLock => "ReleaseLock".into(),
        Output::Send { request: TokenRequest::Code { code, .. }, .. } => {
            format!("Send {}", code.expose())
        }
        Output::Send { request: TokenRequest::Password { username, password }, .. } => {
            format!("Send {} {}", username.expose(), password.expose())
        }
        Output::Send { request: TokenRequest::Refresh { refresh_token, audience, .. }, .. } => {
            let further = if *audience == DEFAULT_AUDIENCE {
                String::new()
            } else {
                format!(" for {audience}")
            };
            format!("Send {}{further}", text_of(refresh_token.as_deref()))
        }
        Output::Unseal => "Unseal".into(),
        Output::Seal { record, is_new } => {
            let new = if *is_new { " new" } else { "" };
            let record = record.as_ref().map_or("-".into(), sealed);
            format!("Seal {record}{new}")
        }
        Output::Find { ask, state } => format!("Find {} {state}", ask.0),
        Output::Forget { state } => format!("Forget {state}"),
        Output::Navigate { ask, transaction } => {
            format!("Navigate {} {}", ask.0, transaction.state)
        }
        Output::Lend { ticket, lease } => format!("Lend {} {}", ticket.0, lease.token.expose()),
        Output::Refuse { ticket, error } => format!("Refuse {} {}", ticket.0, brief(error)),
        Output::Publish(snapshot) => format!("Publish {}", status(snapshot)),
        Output::Conclude { ask, outcome, mark } => {
            let mark = match mark {
                Mark::Keep => "",
                Mark::Set => " set",
                Mark::Clear => " clear",
            };
            let outcome = match outcome {
                Ok(to) => to.as_deref().unwrap_or("-"),
                Err(error) => brief(error),
            };
            format!("Conclude {} {outcome}{mark}", ask.0)
        }
        Output::ReadFlag => "ReadFlag".into(),
        Output::Prepare(Mode::Redirect) => "Prepare".into(),
        Output::Prepare(mode) => format!("Prepare {}", mode.as_str()),
        Output::DropKey => "DropKey".into(),
        Output::Revoke(token) => format!("Revoke {}", text_of(token.token())),
        Output::EndSession { ask, token, .. } => {
            format!(
                "EndSession {} {}",
                ask.0,
                token.as_ref().map_or("-", |token| text_of(token.token()))
            )
        }
    }
}

/// What a record says: `rt-1 lost`.
fn sealed(record: &Secret) -> String {
    let record: serde_json::Value = serde_json::from_str(record.expose()).unwrap();
    let lost = if record["lost"] == true { " lost" } else { "" };
    format!("{}{lost}", record["refresh_token"].as_str().unwrap_or("over"))
}

fn brief(error: &AuthError) -> &'static str {
    error.code.as_str()
}

pub(crate) fn status(snapshot: &Snapshot) -> String {
    match snapshot {
        Snapshot::Restoring => "restoring".into(),
        Snapshot::SigningIn => "signingIn".into(),
        Snapshot::SignedOut { reason, error } => {
            let reason = reason.as_str();
            let error = error.as_ref().map(|error| format!(" {}", brief(error)));
            format!("signedOut {}{}", reason.trim_matches('"'), error.unwrap_or_default())
        }
        Snapshot::SignedIn { refreshing, degraded, restored_by, .. } => {
            let refreshing = if *refreshing { " refreshing" } else { "" };
            let degraded = degraded.as_ref().map(|error| format!(" degraded {}", brief(error)));
            let restored = restored_by.map_or("", |by| match by {
                RestoredBy::Redirect => " restored",
                RestoredBy::Frame => " framed",
                RestoredBy::Sealed => " unsealed",
                RestoredBy::Cookie => " by cookie",
            });
            format!("signedIn{refreshing}{}{restored}", degraded.unwrap_or_default())
        }
    }
}
