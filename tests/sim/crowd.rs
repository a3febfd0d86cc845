//! Many seeds on every core: what was seen in all of them, and which of them broke a rule.

use std::{
    cell::RefCell,
    panic::{self, AssertUnwindSafe},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use crate::life::{self, Record};

/// What many lives came to.
#[derive(Debug, Default)]
pub(crate) struct Crowd {
    pub(crate) record: Record,
    /// The seed with the most refreshes a minute, and how many.
    pub(crate) busiest: (u64, f64),
    /// The seeds that broke a rule, with what they broke.
    pub(crate) broken: Vec<(u64, String)>,
}

thread_local! {
    static LAST_WORDS: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Lives through the seeds from 1 on.
pub(crate) fn live(seeds: u64, hours: u64) -> Crowd {
    let loud = panic::take_hook();
    panic::set_hook(Box::new(|info| {
        LAST_WORDS.with(|words| *words.borrow_mut() = info.to_string().replace('\n', " "));
    }));
    let next = AtomicU64::new(1);
    let crowd = Mutex::new(Crowd::default());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed > seeds {
                        return;
                    }
                    let outcome = one(seed, hours);
                    crowd.lock().unwrap().add(seed, outcome);
                }
            });
        }
    });
    panic::set_hook(loud);
    let mut crowd = crowd.into_inner().unwrap();
    crowd.broken.sort();
    crowd
}

/// One life; what it broke where it did.
fn one(seed: u64, hours: u64) -> Result<Record, String> {
    panic::catch_unwind(AssertUnwindSafe(|| life::live(seed, hours, None)))
        .map_err(|_| LAST_WORDS.with(RefCell::take))
}

impl Crowd {
    fn add(&mut self, seed: u64, outcome: Result<Record, String>) {
        match outcome {
            Ok(record) => {
                if record.tally.flaws() > 0 {
                    self.broken.push((seed, format!("{:?}", record.tally)));
                }
                let rate = record.refreshes_a_minute();
                if rate > self.busiest.1 {
                    self.busiest = (seed, rate);
                }
                self.record.add(&record);
            }
            Err(words) => self.broken.push((seed, words)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_hundred_hours_end_no_session_that_the_provider_honours() {
        let crowd = live(100, 3);
        assert_eq!(crowd.broken, []);
        let Record { tally, minutes, calls, good_calls, .. } = &crowd.record;
        assert!(*minutes > 10_000 && *calls > 50_000, "{minutes} {calls}");
        assert!(*good_calls > calls / 2, "{good_calls} of {calls}");
        assert!(tally.rotations_lost > 0 && tally.ended > 0 && tally.stolen > 0, "{tally:?}");
        assert!(crowd.record.refreshes_a_minute() <= 1.0, "{:?}", crowd.record);
    }

    #[test]
    fn a_seed_can_be_lived_again() {
        let lives = [life::live(7, 2, None), life::live(7, 2, None)];
        assert_eq!(format!("{:?}", lives[0]), format!("{:?}", lives[1]));
    }
}
