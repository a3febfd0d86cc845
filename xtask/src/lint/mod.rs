//! `lint`: every rule that a machine can check; `fmt`: the rules that it can mend.

mod files;

pub(crate) use files::project_files;

use crate::cli::{Flags, Outcome, Verb};
use crate::tools::{CrateTool, Need};
use crate::{checklist, process, project, tools};
use anyhow::Result;
use std::process::Command;
use std::time::Instant;

pub(crate) const VERB: Verb = Verb {
    name: "lint",
    summary: "Checks format, clippy (native and wasm), biome, tsc, dependencies, files, the checklist",
    flags: &[],
    run: lint,
};

pub(crate) const FMT: Verb =
    Verb { name: "fmt", summary: "Formats Rust, TypeScript and JavaScript", flags: &[], run: fmt };

/// One check: its name and the command that makes it.
struct Check {
    name: &'static str,
    command: Command,
}

fn lint(_: &Flags) -> Result<Outcome> {
    tools::ensure(&[Need::WasmTarget, Need::Npm])?;
    // Where it is missing it is compiled for a minute or two, in a folder of its own: what one compiler
    // leaves of two processors, the other takes.
    let installing = std::thread::spawn(|| tools::ensure(&[Need::Crate(CrateTool::CargoDeny)]));
    let mut failed = 0;
    let mut told = |name: &str, start: Instant, complaint: Option<String>| {
        let seconds = start.elapsed().as_secs_f64();
        let verdict = if complaint.is_some() { "FAILED" } else { "ok" };
        println!("{name:<18} {verdict:<6} {seconds:>6.1} s");
        if let Some(complaint) = complaint {
            failed += 1;
            println!("{}\n", complaint.trim_end());
        }
    };
    let mut make = |mut check: Check| -> Result<()> {
        let start = Instant::now();
        let printed = process::quiet(&mut check.command)?;
        told(check.name, start, (!printed.ok).then_some(printed.text));
        Ok(())
    };
    checks().into_iter().try_for_each(&mut make)?;
    installing.join().unwrap_or_else(|_| anyhow::bail!("an installation panicked"))?;
    make(Check { name: "cargo-deny", command: deny()? })?;
    let start = Instant::now();
    let complaints = files::complaints()?;
    told("files", start, (!complaints.is_empty()).then(|| complaints.join("\n")));
    let start = Instant::now();
    let complaints = checklist::complaints()?;
    told("checklist", start, (!complaints.is_empty()).then(|| complaints.join("\n")));
    Ok(Outcome::from_ok(failed == 0))
}

/// The quick ones first.
fn checks() -> Vec<Check> {
    let fmt = ["fmt", "--all", "--check", "--", "--color=never"];
    let fmt_yew = ["fmt", "--manifest-path", YEW, "--check", "--", "--color=never"];
    let biome = ["ci", "--colors=off", "--error-on-warnings"];
    let mut checks = vec![
        Check { name: "rustfmt", command: with(process::cargo(), &fmt) },
        Check { name: "rustfmt yew", command: with(process::cargo(), &fmt_yew) },
        Check { name: "biome", command: with(process::npm_bin("biome"), &biome) },
    ];
    for (name, config) in PROGRAMS {
        let tsc = with(process::npm_bin("tsc"), &["--noEmit", "-p", config]);
        checks.push(Check { name, command: tsc });
    }
    for (name, targets, allowed) in CLIPPY {
        checks.push(Check { name, command: clippy(targets, allowed) });
    }
    checks
}

/// What clippy looks at, and what it lets pass there. A test may unwrap: it fails then, which is
/// its purpose. Code that ships may not.
const CLIPPY: &[(&str, &[&str], &[&str])] = &[
    ("clippy native", &["--workspace", "--lib", "--bins"], &[]),
    ("clippy wasm", &["-p", "tokenward", "--lib", "--target", WASM], &[]),
    ("clippy tests", &["--workspace", "--all-targets"], IN_TESTS),
    // All of them, as wasm-pack builds them: the library's own too.
    ("clippy wasm tests", &["-p", "tokenward", "--tests", "--target", WASM], IN_TESTS),
];

/// A workspace of its own, which `--all` does not reach.
const YEW: &str = "examples/yew/Cargo.toml";

const WASM: &str = "wasm32-unknown-unknown";

const IN_TESTS: &[&str] =
    &["-A", "clippy::unwrap_used", "-A", "clippy::expect_used", "-A", "clippy::print_stdout"];

/// The TypeScript programs: pages and workers have different globals, so each has its own.
const PROGRAMS: &[(&str, &str)] = &[
    ("tsc page", "pkg-template/tsconfig.json"),
    ("tsc worker", "pkg-template/tsconfig.worker.json"),
    ("tsc command", "pkg-template/tsconfig.bin.json"),
    ("tsc tests", "tests/tsconfig.json"),
];

fn clippy(targets: &[&str], allowed: &[&str]) -> Command {
    let cargo = with(process::cargo(), &["clippy", "--quiet"]);
    with(with(with(cargo, targets), &["--", "-D", "warnings"]), allowed)
}

fn deny() -> Result<Command> {
    let command = process::command(CrateTool::CargoDeny.program()?);
    Ok(with(command, &["--log-level", "error", "check", "bans", "licenses", "sources"]))
}

fn fmt(_: &Flags) -> Result<Outcome> {
    tools::ensure(&[Need::Npm])?;
    process::run(process::cargo().args(["fmt", "--all"]))?;
    process::run(process::cargo().args(["fmt", "--manifest-path", YEW]))?;
    process::run(process::npm_bin("biome").args(["check", "--write"]).arg(project::root()))?;
    Ok(Outcome::Done)
}

fn with(mut command: Command, words: &[&str]) -> Command {
    command.args(words);
    command
}
