//! `demo`: the example application as a newcomer would have it, with a provider and an API.

use crate::cli::{Flag, Flags, Outcome, Verb};
use crate::tools::{Browser, Need};
use crate::{build, process, project, tools};
use anyhow::{Context, Result};
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

pub(crate) const VERB: Verb = Verb {
    name: "demo",
    summary: "Builds the example, starts provider, API and page, prints the address",
    flags: &[Flag {
        name: "check",
        value: None,
        help: "plays the scene in headless Chromium; pictures and report in target/demo",
    }],
    run,
};

fn run(flags: &Flags) -> Result<Outcome> {
    let check = flags.has("check");
    if check {
        tools::ensure(&[Need::Npm, Need::Browser(Browser::Chromium)])?;
    }
    prepare()?;
    if check {
        process::run(&mut installed("tsc"))?;
    }
    let script = if check { "check.mjs" } else { "serve.mjs" };
    serve(script, check)
}

/// Installs the built package into the example as a user would, and builds the page with it.
fn prepare() -> Result<()> {
    build::package()?;
    tools::npm_packages(&folder())?;
    // The lock file has a link to pkg/ in its place; what is tried is what npm would publish.
    let install = ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"];
    process::capture(example("npm").args(install).arg(build::tarball()?))?;
    process::capture(installed("tokenward").args(["init", "public"]))?;
    process::run(installed("vite").args(["build", "--logLevel", "warn"]))
}

/// Runs until the scene is played, or until Ctrl-C. Node holds one end of a pipe that closes when
/// this program dies, however it dies, so that no server stays behind.
fn serve(script: &str, check: bool) -> Result<Outcome> {
    let mut node = example("node");
    node.arg(script).stdin(Stdio::piped());
    if check {
        node.envs(Browser::Chromium.variables()?);
    }
    let mut child = node.spawn().context("cannot start node")?;
    let pipe = child.stdin.take();
    let status = child.wait()?;
    drop(pipe);
    Ok(Outcome::from_ok(status.success()))
}

fn folder() -> PathBuf {
    project::at("examples/web")
}

fn example(program: impl AsRef<OsStr>) -> Command {
    let mut command = process::command(program);
    command.current_dir(folder());
    command
}

/// A program that npm installed into the example.
fn installed(name: &str) -> Command {
    example(folder().join("node_modules/.bin").join(name))
}
