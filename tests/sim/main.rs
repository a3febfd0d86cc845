//! The simulator: the world of the native tests for as long as one likes, and a fleet of clients at one
//! provider. `cargo xtask sim` builds and starts it.
//!
//! The exit code is 0 where every goal was met, 1 where one was not, 2 for a command line that it does
//! not understand.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a broken rule of the world is a panic"
)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "what it finds is printed")]

#[path = "../native/fixtures.rs"]
mod fixtures;
#[path = "../native/world/mod.rs"]
mod world;

mod crowd;
mod fleet;
mod life;
mod report;

use std::process::ExitCode;

use lexopt::{Arg, Parser, ValueExt as _};

/// The virtual hours of a seed, unless told.
const HOURS_A_SEED: u64 = 10;

/// What is asked for.
#[derive(Debug, Default)]
struct Asked {
    /// Virtual hours in all.
    hours: Option<u64>,
    /// Over how many seeds they are spread.
    seeds: Option<u64>,
    /// The one seed to play again.
    seed: Option<u64>,
    /// How many clients the fleet has.
    fleet: Option<u64>,
}

fn main() -> ExitCode {
    let asked = match read(Parser::from_env()) {
        Ok(asked) => asked,
        Err(problem) => {
            eprintln!("sim: {problem}");
            return ExitCode::from(2);
        }
    };
    let is_good = match asked {
        Asked { fleet: Some(clients), .. } => report::fleets(clients),
        Asked { seed: Some(seed), hours, .. } => {
            report::replay(seed, hours.unwrap_or(HOURS_A_SEED))
        }
        Asked { hours, seeds, .. } => {
            let seeds =
                seeds.unwrap_or_else(|| hours.unwrap_or(1000).div_ceil(HOURS_A_SEED)).max(1);
            let hours = hours.map_or(HOURS_A_SEED, |hours| hours.div_ceil(seeds)).max(1);
            report::crowd(seeds, hours)
        }
    };
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn read(mut words: Parser) -> Result<Asked, lexopt::Error> {
    let mut asked = Asked::default();
    while let Some(word) = words.next()? {
        let number = match word {
            Arg::Long("hours") => &mut asked.hours,
            Arg::Long("seeds") => &mut asked.seeds,
            Arg::Long("seed") => &mut asked.seed,
            Arg::Long("fleet") => &mut asked.fleet,
            other => return Err(other.unexpected()),
        };
        *number = Some(words.value()?.parse()?);
    }
    Ok(asked)
}
