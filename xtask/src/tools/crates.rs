//! Programs from crates.io, each pinned here and nowhere else.

use super::announce;
use crate::{process, project};
use anyhow::{Context, Result};
use std::path::PathBuf;

/// A program from crates.io.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CrateTool {
    WasmBindgen,
    WasmPack,
    Geckodriver,
    CargoDeny,
    CargoFuzz,
}

impl CrateTool {
    pub(crate) const ALL: [Self; 5] =
        [Self::WasmBindgen, Self::WasmPack, Self::Geckodriver, Self::CargoDeny, Self::CargoFuzz];

    /// The crate, its program, and the version; `None` where `Cargo.lock` decides, because the
    /// program and the library of that name must be of one version.
    fn pin(self) -> (&'static str, &'static str, Option<&'static str>) {
        match self {
            Self::WasmBindgen => ("wasm-bindgen-cli", "wasm-bindgen", None),
            Self::WasmPack => ("wasm-pack", "wasm-pack", Some("0.15.1")),
            Self::Geckodriver => ("geckodriver", "geckodriver", Some("0.37.1")),
            Self::CargoDeny => ("cargo-deny", "cargo-deny", Some("0.20.2")),
            Self::CargoFuzz => ("cargo-fuzz", "cargo-fuzz", Some("0.13.2")),
        }
    }

    /// The version in use.
    pub(crate) fn version(self) -> Result<String> {
        match self.pin() {
            (_, _, Some(version)) => Ok(version.to_owned()),
            (_, library, None) => project::locked_version(library),
        }
    }

    /// The folder of the installed program; the program may be missing.
    pub(crate) fn folder(self) -> Result<PathBuf> {
        let (krate, _, _) = self.pin();
        Ok(project::at(".tools").join(format!("{krate}-{}", self.version()?)).join("bin"))
    }

    /// The installed program.
    pub(crate) fn program(self) -> Result<PathBuf> {
        Ok(self.folder()?.join(self.pin().1))
    }

    pub(super) fn ensure(self) -> Result<()> {
        if self.program()?.exists() {
            return Ok(());
        }
        let (krate, _, _) = self.pin();
        let version = self.version()?;
        announce(&format!("{krate} {version} (once, a minute or two)"));
        // A lock file may name a version that was withdrawn since: then without it.
        self.install(&version, true).or_else(|problem| {
            eprintln!("xtask: {problem}; trying without --locked");
            self.install(&version, false)
        })
    }

    /// A debug build: it compiles in a fraction of the time, and these programs have little to do.
    fn install(self, version: &str, locked: bool) -> Result<()> {
        let (krate, _, _) = self.pin();
        let root = self.folder()?.parent().context("a tool's folder has a parent")?.to_owned();
        let mut cargo = process::cargo();
        cargo.args(["install", "--debug", "--quiet", "--version", version]).arg("--root").arg(root);
        if locked {
            cargo.arg("--locked");
        }
        // One folder for all, so that what they share is compiled once.
        cargo.env("CARGO_TARGET_DIR", project::at("target/tools"));
        cargo.env("CARGO_PROFILE_DEV_DEBUG", "0");
        process::run(cargo.arg(krate))
    }
}
