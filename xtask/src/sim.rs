//! `sim`: the session in a simulated world, for many virtual hours, and a fleet of clients.

use crate::cli::{Flag, Flags, Outcome, Usage, Verb};
use crate::process;
use anyhow::Result;
use std::process::Command;

pub(crate) const VERB: Verb = Verb {
    name: "sim",
    summary: "Simulates the session for many virtual hours, or a fleet of clients",
    flags: &[
        Flag { name: "hours", value: Some("N"), help: "virtual hours in all, 1000 unless told" },
        Flag {
            name: "seeds",
            value: Some("M"),
            help: "over so many seeds; 10 hours each unless told",
        },
        Flag { name: "seed", value: Some("S"), help: "only this seed, with a trace" },
        Flag { name: "fleet", value: Some("N"), help: "N clients that signed in within a minute" },
    ],
    run,
};

fn run(flags: &Flags) -> Result<Outcome> {
    let numbers = numbers(flags)?;
    let status = simulator()?.args(numbers).status()?;
    Ok(Outcome::from_ok(status.success()))
}

/// The program, built from the sources as they are.
pub(crate) fn simulator() -> Result<Command> {
    process::run(process::cargo().args(BUILD))?;
    Ok(process::command("target/sim/sim"))
}

/// Fast code: a hundred thousand hours are a matter of minutes.
const BUILD: &[&str] = &["build", "--quiet", "--package", "sim", "--profile", "sim"];

/// The flags for the simulator, each a number above zero.
fn numbers(flags: &Flags) -> Result<Vec<String>> {
    let mut numbers = Vec::new();
    for Flag { name, .. } in VERB.flags {
        let Some(value) = flags.value(name) else { continue };
        if value.parse::<u64>().is_ok_and(|number| number > 0) {
            numbers.extend([format!("--{name}"), value.to_owned()]);
        } else {
            return Err(Usage(format!("--{name} wants a number above zero, not `{value}`")).into());
        }
    }
    Ok(numbers)
}
