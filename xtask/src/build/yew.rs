//! The example in Rust, `examples/yew`, as the end-to-end suite serves it.

use super::wasm::TARGET;
use crate::tools::{self, CrateTool, Need};
use crate::{process, project};
use anyhow::{Context, Result};
use std::path::PathBuf;

const FILES: &[&str] = &["index.html", "start.js", "style.css"];

/// The folder of the built page.
pub(crate) fn folder() -> PathBuf {
    project::at("target/yew/dist")
}

/// Builds the page. A debug build: it is there to be tried, and a release would take twice as long.
pub(crate) fn page() -> Result<()> {
    tools::ensure(&[Need::WasmTarget, Need::Crate(CrateTool::WasmBindgen)])?;
    let mut cargo = process::cargo();
    cargo.args(["build", "--quiet", "--locked", "--target", TARGET, "--manifest-path"]);
    cargo.arg(project::at("examples/yew/Cargo.toml"));
    // A folder of its own: with other features than the vault's, nothing could be shared.
    cargo.env("CARGO_TARGET_DIR", project::at("target/yew"));
    process::run(&mut cargo)?;
    let wasm = project::at("target/yew").join(TARGET).join("debug/tokenward-example-yew.wasm");
    let mut bindgen = process::command(CrateTool::WasmBindgen.program()?);
    bindgen.args(["--target", "web", "--no-typescript", "--out-name", "app", "--out-dir"]);
    process::run(bindgen.arg(folder()).arg(wasm))?;
    for name in FILES {
        let from = project::at("examples/yew").join(name);
        std::fs::copy(&from, folder().join(name))
            .with_context(|| format!("cannot copy {}", project::shown(&from)))?;
    }
    Ok(())
}
