//! Every command of the project, as a verb of `cargo xtask`.
//!
//! A verb installs what it needs and is missing (`tools`), then does its work and says how it went
//! with its exit code: 0 done, 1 failed, 2 asked for in a way that it does not understand.

// A command line tool speaks through stdout and stderr.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod build;
mod checklist;
mod clean;
mod cli;
mod demo;
mod lint;
mod process;
mod project;
mod sim;
mod size;
mod test;
mod tools;

use cli::{Outcome, Usage, Verb};
use std::process::ExitCode;

/// The verbs, in the order in which a newcomer meets them.
const VERBS: &[&Verb] = &[
    &demo::VERB,
    &test::VERB,
    &test::soak::VERB,
    &sim::VERB,
    &build::VERB,
    &size::VERB,
    &lint::VERB,
    &lint::FMT,
    &checklist::VERB,
    &clean::VERB,
];

fn main() -> ExitCode {
    match dispatch() {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::FAILURE,
        Err(problem) if problem.is::<Usage>() => {
            eprintln!("xtask: {problem}");
            ExitCode::from(2)
        }
        Err(problem) => {
            eprintln!("xtask: {problem:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch() -> anyhow::Result<Outcome> {
    let mut words = std::env::args_os().skip(1);
    let first = words.next().map(|word| word.to_string_lossy().into_owned());
    match first.as_deref() {
        None | Some("--help" | "-h" | "help") => {
            print!("{}", cli::overview(VERBS));
            Ok(Outcome::Done)
        }
        Some(name) => cli::find(VERBS, name)?.start(words),
    }
}
