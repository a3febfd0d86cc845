//! The tools that verbs use: which, which version, and how each is installed where it is missing.
//!
//! Everything is installed once. Programs from crates.io stay under `.tools/<crate>-<version>/`,
//! npm's packages in `node_modules/`, browsers and drivers come from the system.

mod browsers;
mod crates;
mod npm;

pub(crate) use browsers::Browser;
pub(crate) use crates::CrateTool;

use crate::process;
use anyhow::Result;
use std::path::Path;

/// What a verb needs before it can start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// The standard library for wasm32.
    WasmTarget,
    /// Its source, from which the release is built.
    RustSource,
    /// The nightly compiler, which has what fuzzing needs.
    Nightly,
    /// A program from crates.io.
    Crate(CrateTool),
    /// The packages of the root `package.json`.
    Npm,
    /// A browser and, where the system has it, its driver.
    Browser(Browser),
}

/// Installs what is missing of `needs`.
///
/// System packages, npm's and cargo's are different networks and locks: they install side by side.
pub(crate) fn ensure(needs: &[Need]) -> Result<()> {
    let has = |need| needs.contains(&need);
    let browsers: Vec<Browser> =
        Browser::ALL.into_iter().filter(|browser| has(Need::Browser(*browser))).collect();
    std::thread::scope(|scope| {
        let system = scope.spawn(|| browsers::ensure(&browsers));
        let npm = scope.spawn(|| if has(Need::Npm) { npm::ensure() } else { Ok(()) });
        if has(Need::WasmTarget) {
            wasm_target()?;
        }
        if has(Need::RustSource) {
            rust_source()?;
        }
        if has(Need::Nightly) {
            nightly()?;
        }
        for tool in CrateTool::ALL.into_iter().filter(|tool| has(Need::Crate(*tool))) {
            tool.ensure()?;
        }
        for thread in [system, npm] {
            thread.join().unwrap_or_else(|_| anyhow::bail!("an installation panicked"))?;
        }
        Ok(())
    })
}

/// The npm packages of a project of its own inside this one, exactly as its lock file says.
pub(crate) fn npm_packages(folder: &Path) -> Result<()> {
    npm::ensure_in(folder)
}

/// Says what is being installed, so that a long silence has a name.
fn announce(what: &str) {
    eprintln!("xtask: installing {what}");
}

fn wasm_target() -> Result<()> {
    const TARGET: &str = "wasm32-unknown-unknown";
    let libraries = process::capture(process::command("rustc").args([
        "--print",
        "target-libdir",
        "--target",
        TARGET,
    ]))?;
    if Path::new(libraries.trim()).is_dir() {
        return Ok(());
    }
    announce(&format!("the Rust target {TARGET}"));
    process::run(process::command("rustup").args(["target", "add", TARGET]))
}

fn nightly() -> Result<()> {
    let installed = process::capture(process::command("rustup").args(["toolchain", "list"]))?;
    if installed.lines().any(|name| name.starts_with("nightly")) {
        return Ok(());
    }
    announce("the nightly compiler");
    let install = ["toolchain", "install", "nightly", "--profile", "minimal", "--no-self-update"];
    process::run(process::command("rustup").args(install))
}

fn rust_source() -> Result<()> {
    let sysroot = process::capture(process::command("rustc").args(["--print", "sysroot"]))?;
    if Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library").is_dir() {
        return Ok(());
    }
    announce("the source of Rust's standard library");
    process::run(process::command("rustup").args(["component", "add", "rust-src"]))
}
