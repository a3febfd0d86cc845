//! One request's life: it waits for a lease, is sent, and is sent once more where the lease was at
//! fault and the body is still there. It knows neither the session nor `fetch`.

use std::collections::VecDeque;

use super::challenge;
use crate::{
    error::{AuthError, Phase},
    oauth::dpop::{self, Told},
};

/// The largest body that is kept for a second try, in bytes.
pub const REPLAYABLE: u64 = 1024 * 1024;

/// The number of a lease's access token, as the session counts them.
pub type Generation = u64;

/// What a request is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// It was lent an access token.
    Leased(Generation),
    /// It gets no lease, or may not be sent.
    Refused(AuthError),
    /// The resource answered.
    Answered {
        /// The HTTP status.
        status: u16,
        /// `WWW-Authenticate`, where the browser shows it.
        challenge: Option<String>,
        /// What it told of a nonce for proofs; `None` where the token is bound to no key.
        nonce: Option<Told>,
    },
    /// No answer came; the browser's own words, which may be empty.
    NetworkFailed(String),
    /// It is no longer wanted.
    Aborted,
}

/// What a request orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Get a lease.
    Want,
    /// Get a lease other than this one, which the resource refused.
    WantNewer(Generation),
    /// Send it with the lease.
    Send,
    /// Deliver the latest answer.
    Reply,
    /// Deliver the latest answer, and say that a second try might have had another: the body is too large
    /// to have been kept for one.
    ReplyUnrepeated,
    /// It failed by a decision of ours.
    Fail(AuthError),
    /// The network failed; the browser's own words.
    FailNetwork(String),
    /// Stop whatever is under way for it.
    Cancel,
}

/// One request, from its arrival to its answer.
#[derive(Debug)]
pub struct Call {
    stage: Stage,
    /// The lease that it was sent with last.
    generation: Generation,
    budget: Budget,
    outputs: VecDeque<Output>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Waiting,
    Sending,
    /// There is an answer, but a newer lease may bring a better one.
    WaitingForNewer,
    Done,
}

/// What may be tried once more, each at most once and only if the body can be sent again.
#[derive(Debug)]
struct Budget {
    newer_lease: bool,
    nonce: bool,
    is_replayable: bool,
}

impl Budget {
    fn take_newer_lease(&mut self) -> bool {
        core::mem::take(&mut self.newer_lease)
    }

    fn take_nonce(&mut self) -> bool {
        core::mem::take(&mut self.nonce)
    }
}

impl Call {
    /// A request with a body of this many bytes, or with none. It begins by wanting a lease.
    #[must_use]
    pub fn new(body_length: Option<u64>) -> Self {
        let is_replayable = body_length.is_none_or(|length| length <= REPLAYABLE);
        Self {
            stage: Stage::Waiting,
            generation: 0,
            budget: Budget { newer_lease: true, nonce: true, is_replayable },
            outputs: VecDeque::from([Output::Want]),
        }
    }

    /// Takes in what happened. What does not fit the stage is late, and changes nothing.
    pub fn handle(&mut self, input: Input) {
        match (self.stage, input) {
            // The session has learned that the old lease was refused; this body is gone all the same.
            (Stage::WaitingForNewer, Input::Leased(_)) if !self.budget.is_replayable => {
                self.go(Stage::Done, Output::ReplyUnrepeated);
            }
            (Stage::Waiting | Stage::WaitingForNewer, Input::Leased(generation)) => {
                self.generation = generation;
                self.go(Stage::Sending, Output::Send);
            }
            (Stage::Sending, Input::Answered { status, challenge, nonce }) => {
                self.answered(status, challenge.as_deref(), nonce);
            }
            // The resource's own answer says more than why there is no second try.
            (Stage::WaitingForNewer, Input::Refused(_)) => self.go(Stage::Done, Output::Reply),
            (Stage::Waiting | Stage::Sending, Input::Refused(error)) => {
                self.go(Stage::Done, Output::Fail(error));
            }
            (Stage::Sending, Input::NetworkFailed(message)) => {
                self.go(Stage::Done, Output::FailNetwork(message));
            }
            (Stage::Waiting | Stage::Sending | Stage::WaitingForNewer, Input::Aborted) => {
                self.go(Stage::Done, Output::Cancel);
            }
            _ => {}
        }
    }

    /// The next thing to do, if there is one.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn answered(&mut self, status: u16, challenge: Option<&str>, nonce: Option<Told>) {
        if is_nonce_missing(status, challenge, nonce) {
            if nonce == Some(Told::New) && self.budget.take_nonce() {
                if !self.budget.is_replayable {
                    return self.go(Stage::Done, Output::ReplyUnrepeated);
                }
                // The same lease, with another proof.
                return self.go(Stage::Sending, Output::Send);
            }
            if nonce == Some(Told::Nothing) && self.budget.nonce {
                return self.go(Stage::Done, Output::Fail(dpop::nonce_unreadable(Phase::Fetch)));
            }
        }
        if is_lease_at_fault(status, challenge, nonce.is_some()) && self.budget.take_newer_lease() {
            self.go(Stage::WaitingForNewer, Output::WantNewer(self.generation));
        } else {
            self.go(Stage::Done, Output::Reply);
        }
    }

    fn go(&mut self, stage: Stage, output: Output) {
        self.stage = stage;
        self.outputs.push_back(output);
    }
}

/// Whether another access token may help (RFC 6750, 3.1). Where the challenge is not visible to this
/// origin, a 401 alone says so; one that names another error says that it would not.
fn is_lease_at_fault(status: u16, challenge: Option<&str>, is_bound: bool) -> bool {
    let error = challenge.and_then(|text| challenge::error(text, is_bound)).unwrap_or_default();
    status == 401 && (error.is_empty() || error == "invalid_token")
}

/// Whether a proof with another nonce is wanted (RFC 9449, 9), as far as that can be seen: where the
/// challenge is hidden from this origin, a nonce that is new says so.
fn is_nonce_missing(status: u16, challenge: Option<&str>, nonce: Option<Told>) -> bool {
    let is_wanted = match challenge {
        Some(text) => challenge::error(text, true).as_deref() == Some(dpop::USE_NONCE),
        None => nonce == Some(Told::New),
    };
    status == 401 && nonce.is_some() && is_wanted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Code, Phase};

    fn outputs(call: &mut Call) -> Vec<Output> {
        core::iter::from_fn(|| call.poll()).collect()
    }

    fn told(call: &mut Call, input: Input) -> Vec<Output> {
        call.handle(input);
        outputs(call)
    }

    fn answered(status: u16, challenge: Option<&str>) -> Input {
        Input::Answered { status, challenge: challenge.map(str::to_owned), nonce: None }
    }

    fn told_nonce(challenge: Option<&str>, nonce: Told) -> Input {
        let challenge = challenge.map(str::to_owned);
        Input::Answered { status: 401, challenge, nonce: Some(nonce) }
    }

    const WANTED: Option<&str> = Some("DPoP error=\"use_dpop_nonce\"");

    fn refused() -> AuthError {
        AuthError::new(Code::SessionEnded, Phase::Fetch, "it ended")
    }

    fn sent(body_length: Option<u64>) -> Call {
        let mut call = Call::new(body_length);
        assert_eq!(outputs(&mut call), [Output::Want]);
        assert_eq!(told(&mut call, Input::Leased(7)), [Output::Send]);
        call
    }

    #[test]
    fn an_answer_is_delivered() {
        assert_eq!(told(&mut sent(None), answered(200, None)), [Output::Reply]);
        assert_eq!(told(&mut sent(None), answered(500, None)), [Output::Reply]);
    }

    #[test]
    fn br5_a_refused_lease_is_replaced_once() {
        for challenge in [None, Some("Bearer error=\"invalid_token\""), Some("Bearer"), Some("?!")]
        {
            let mut call = sent(Some(REPLAYABLE));
            assert_eq!(told(&mut call, answered(401, challenge)), [Output::WantNewer(7)]);
            assert_eq!(told(&mut call, Input::Leased(8)), [Output::Send]);
            assert_eq!(told(&mut call, answered(401, challenge)), [Output::Reply], "{challenge:?}");
        }
    }

    #[test]
    fn br5_a_body_that_is_gone_is_not_sent_again() {
        let mut call = sent(Some(REPLAYABLE + 1));
        let wanted = told(&mut call, answered(401, None));
        assert_eq!(wanted, [Output::WantNewer(7)], "or the next large body would meet the same");
        assert_eq!(told(&mut call, Input::Leased(8)), [Output::ReplyUnrepeated]);
    }

    #[test]
    fn br5_no_newer_lease_gives_the_answer_that_came() {
        let mut call = sent(None);
        told(&mut call, answered(401, None));
        assert_eq!(told(&mut call, Input::Refused(refused())), [Output::Reply]);
    }

    #[test]
    fn dp7_br5_a_nonce_and_a_newer_lease_are_tried_once_each() {
        for hidden in [WANTED, None] {
            let mut call = sent(Some(REPLAYABLE));
            assert_eq!(told(&mut call, told_nonce(hidden, Told::New)), [Output::Send]);
            let at_fault = told_nonce(Some("DPoP error=\"invalid_token\""), Told::New);
            assert_eq!(told(&mut call, at_fault), [Output::WantNewer(7)]);
            assert_eq!(told(&mut call, Input::Leased(8)), [Output::Send]);
            assert_eq!(told(&mut call, told_nonce(hidden, Told::New)), [Output::Reply]);
        }
        let mut call = sent(None);
        assert_eq!(told(&mut call, told_nonce(None, Told::Same)), [Output::WantNewer(7)]);
        assert_eq!(told(&mut call, Input::Leased(8)), [Output::Send]);
        assert_eq!(told(&mut call, told_nonce(WANTED, Told::New)), [Output::Send]);
        assert_eq!(told(&mut call, told_nonce(WANTED, Told::New)), [Output::Reply]);
    }

    #[test]
    fn dp7_dp13_no_second_try_without_another_nonce_or_a_body() {
        assert_eq!(told(&mut sent(None), told_nonce(WANTED, Told::Same)), [Output::Reply]);
        let mut large = sent(Some(REPLAYABLE + 1));
        assert_eq!(told(&mut large, told_nonce(WANTED, Told::New)), [Output::ReplyUnrepeated]);
        let unreadable = Output::Fail(dpop::nonce_unreadable(Phase::Fetch));
        assert_eq!(told(&mut sent(None), told_nonce(WANTED, Told::Nothing)), [unreadable]);
        let elsewhere = Input::Answered {
            status: 200,
            challenge: WANTED.map(str::to_owned),
            nonce: Some(Told::New),
        };
        assert_eq!(told(&mut sent(None), elsewhere), [Output::Reply]);
        assert_eq!(told(&mut sent(None), answered(401, WANTED)), [Output::WantNewer(7)], "bearer");
    }

    #[test]
    fn dp9_a_bearer_challenge_is_no_reason_to_send_again_as_bearer() {
        let scope = Some("Bearer error=\"insufficient_scope\"");
        assert_eq!(told(&mut sent(None), told_nonce(scope, Told::Nothing)), [Output::Reply]);
    }

    #[test]
    fn br6_other_refusals_are_answers() {
        let scope = Some("Bearer error=\"insufficient_scope\"");
        for input in [answered(403, scope), answered(401, scope), answered(403, None)] {
            assert_eq!(told(&mut sent(None), input), [Output::Reply]);
        }
    }

    #[test]
    fn failures_end_it() {
        let mut waiting = Call::new(None);
        outputs(&mut waiting);
        for mut call in [waiting, sent(None)] {
            let fail = Output::Fail(refused());
            assert_eq!(told(&mut call, Input::Refused(refused())), [fail]);
        }
        let network = Input::NetworkFailed("gone".into());
        assert_eq!(told(&mut sent(None), network), [Output::FailNetwork("gone".into())]);
    }

    #[test]
    fn an_abort_cancels_at_every_stage_and_only_once() {
        let mut newer = sent(None);
        told(&mut newer, answered(401, None));
        let mut waiting = Call::new(None);
        outputs(&mut waiting);
        for mut call in [waiting, sent(None), newer] {
            assert_eq!(told(&mut call, Input::Aborted), [Output::Cancel]);
            for late in [Input::Aborted, Input::Leased(9), answered(200, None)] {
                assert_eq!(told(&mut call, late), []);
            }
        }
    }
}
