//! A fleet: many clients of one provider that signed in within a minute, and a provider that fails for
//! ten minutes. Each client is the session itself, in a vault that calls nothing; since the provider
//! does not notice how many they are, they live one after the other.

use std::thread;

use tokenward::{
    clock::{Millis, Now, UnixMillis},
    config::Restore,
    oauth::callback::Callback,
    secret::Secret,
    session::{
        inputs::{Ask, Input, Output, Reach, TokenRequest, Wake},
        machine::Session,
    },
};

use crate::{
    fixtures::{ISSUER, START, failure, grant, transaction},
    world::Dice,
};

/// Within how many milliseconds all signed in.
const SIGN_IN: u64 = 60_000;
/// For how long the provider fails.
const OUTAGE: u64 = 600_000;
/// How long a bin is in which requests are counted.
const BIN: u64 = 10_000;
/// How long a request takes.
const TRIP: u64 = 100;
/// The lifetimes of an access token before the steady state is judged, while it is, and after the outage.
const LIFETIMES: (u64, u64, u64) = (10, 10, 10);

/// The token requests of a fleet, over time.
pub(crate) struct Fleet {
    life: u64,
    bins: Vec<u64>,
}

/// The peak of token requests in ten seconds, over the mean of the steady state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peaks {
    pub(crate) mean: f64,
    pub(crate) steady: f64,
    pub(crate) during: f64,
    pub(crate) after: f64,
}

/// What the peaks may be.
pub(crate) const GOALS: [(&str, f64); 3] = [("steady", 2.0), ("outage", 10.0), ("after", 3.0)];

impl Peaks {
    /// Each with its name and its goal.
    pub(crate) fn judged(&self) -> impl Iterator<Item = (&'static str, f64, f64)> {
        let peaks = [self.steady, self.during, self.after];
        GOALS.iter().zip(peaks).map(|((name, goal), peak)| (*name, peak, *goal))
    }
}

/// Lets so many clients live, with access tokens of `life` seconds.
pub(crate) fn sail(clients: u64, life: u64) -> Fleet {
    let mut fleet = Fleet::new(life * 1000);
    let threads = thread::available_parallelism().map_or(1, |count| count.get() as u64);
    thread::scope(|scope| {
        let parts: Vec<_> = (0..threads)
            .map(|part| {
                scope.spawn(move || {
                    let mut fleet = Fleet::new(life * 1000);
                    for client in (part..clients).step_by(usize::try_from(threads).unwrap()) {
                        fleet.live(client);
                    }
                    fleet
                })
            })
            .collect();
        for part in parts {
            let part = part.join().unwrap();
            fleet.bins.iter_mut().zip(part.bins).for_each(|(sum, more)| *sum += more);
        }
    });
    fleet
}

impl Fleet {
    fn new(life: u64) -> Self {
        let mut fleet = Self { life, bins: Vec::new() };
        fleet.bins = vec![0; bin(fleet.end()) + 1];
        fleet
    }

    fn fails_from(&self) -> u64 {
        (LIFETIMES.0 + LIFETIMES.1) * self.life
    }

    fn end(&self) -> u64 {
        self.fails_from() + OUTAGE + LIFETIMES.2 * self.life
    }

    pub(crate) fn peaks(&self) -> Peaks {
        let bins = |from, to| &self.bins[bin(from)..bin(to)];
        let (fails, works) = (self.fails_from(), self.fails_from() + OUTAGE);
        let steady = bins(LIFETIMES.0 * self.life, fails);
        #[allow(clippy::cast_precision_loss, reason = "counts, to be compared")]
        let mean = steady.iter().sum::<u64>() as f64 / steady.len() as f64;
        #[allow(clippy::cast_precision_loss, reason = "counts, to be compared")]
        let peak = |bins: &[u64]| bins.iter().max().copied().unwrap_or(0) as f64 / mean;
        Peaks {
            mean,
            steady: peak(steady),
            during: peak(bins(fails, works)),
            after: peak(bins(works, self.end())),
        }
    }

    /// One client, from its sign-in to the end.
    fn live(&mut self, client: u64) {
        let mut dice = Dice::new(client);
        let mut time = dice.below(SIGN_IN);
        let mut session = signed_in(dice.draw(), self.life / 1000, time);
        while let Some(wake) = session.wake_at() {
            time += wake.remaining(at(time)).0;
            if time >= self.end() {
                return;
            }
            session.handle(at(time), Input::Woke(Wake::Timer));
            time = self.perform(&mut session, time);
        }
        panic!("a session without a timer: {:?}", session.snapshot());
    }

    /// Does what the session orders until nothing is left; when that is.
    fn perform(&mut self, session: &mut Session, mut time: u64) -> u64 {
        while let Some(output) = session.poll() {
            let input = match output {
                Output::TakeLock { .. } => Input::LockTaken,
                Output::Send { epoch, request: TokenRequest::Refresh { .. } } => {
                    self.bins[bin(time)] += 1;
                    time += TRIP;
                    let is_out = (self.fails_from()..self.fails_from() + OUTAGE).contains(&time);
                    let outcome = if is_out {
                        // A server that fails may have rotated the token.
                        Err(failure(Reach::Lost))
                    } else {
                        Ok(grant(1, self.life / 1000, at(time)))
                    };
                    Input::TokenAnswered { epoch, outcome }
                }
                _ => continue,
            };
            session.handle(at(time), input);
        }
        time
    }
}

fn signed_in(seed: u64, life: u64, time: u64) -> Session {
    let now = at(time);
    let mut session = Session::new(seed, Restore::Redirect);
    let transaction = transaction("state", now.wall);
    let callback = Callback {
        state: "state".into(),
        iss: Some(ISSUER.into()),
        outcome: Ok(Secret::from("code")),
    };
    session.handle(now, Input::FlagRead(None));
    session.handle(now, Input::PageArrived);
    session.handle(now, Input::SignInAsked { ask: Ask(1), transaction });
    session.handle(now, Input::CallbackArrived { ask: Ask(2), callback });
    session.handle(now, Input::LockTaken);
    while let Some(output) = session.poll() {
        if let Output::Send { epoch, .. } = output {
            let outcome = Ok(grant(1, life, now));
            session.handle(now, Input::TokenAnswered { epoch, outcome });
        }
    }
    session
}

fn bin(time: u64) -> usize {
    usize::try_from(time / BIN).unwrap()
}

fn at(time: u64) -> Now {
    Now {
        wall: UnixMillis(START.wall.0 + i64::try_from(time).unwrap()),
        monotonic: START.monotonic + Millis(time),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rf6_a_fleet_spreads_and_an_outage_ends_in_no_wave() {
        let fleet = sail(4000, 300);
        for (name, peak, goal) in fleet.peaks().judged() {
            assert!(peak > 1.0 && peak <= goal, "{name}: {peak}");
        }
        let first = fleet.bins[..bin(300_000)].iter().max().copied().unwrap();
        #[allow(clippy::cast_precision_loss, reason = "a count, to be compared")]
        let wave = first as f64 / fleet.peaks().mean;
        assert!(wave > 1.5, "nobody signed in together: {wave}");
    }
}
