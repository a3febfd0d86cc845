//! `size`: what a page loads, in bytes, against its budget.

use crate::cli::{Flags, Outcome, Verb};
use crate::{build, process};
use anyhow::{Context, Result};
use std::path::PathBuf;

pub(crate) const VERB: Verb = Verb {
    name: "size",
    summary: "Prints the sizes of page entry, vault and wasm, and fails over the budget",
    flags: &[],
    run,
};

/// One file that is loaded. Budgets are bytes after brotli.
struct Part {
    name: &'static str,
    file: PathBuf,
    budget: Option<u64>,
}

fn run(_: &Flags) -> Result<Outcome> {
    build::package()?;
    let package = build::folder();
    let parts = [
        Part { name: "page entry", file: package.join("index.js"), budget: Some(5 * 1024 + 704) },
        Part { name: "vault", file: package.join("vault.js"), budget: Some(135 * 1024) },
        Part { name: "wasm inside", file: build::optimised_wasm(), budget: None },
    ];
    println!("{:<12} {:>9} {:>9} {:>9}", "", "raw", "brotli", "budget");
    let mut fits = true;
    for (part, brotli) in parts.iter().zip(brotli(&parts)?) {
        let raw = std::fs::metadata(&part.file)?.len();
        let is_over = part.budget.is_some_and(|budget| brotli > budget);
        let budget = part.budget.map(|budget| budget.to_string()).unwrap_or_default();
        let verdict = if is_over { "  over the budget" } else { "" };
        println!("{:<12} {raw:>9} {brotli:>9} {budget:>9}{verdict}", part.name);
        fits &= !is_over;
    }
    Ok(Outcome::from_ok(fits))
}

fn brotli(parts: &[Part]) -> Result<Vec<u64>> {
    let mut node = process::command("node");
    node.arg("xtask/js/brotli.mjs").args(parts.iter().map(|part| &part.file));
    let printed = process::capture(&mut node)?;
    printed.lines().map(|line| line.parse().context("not a size")).collect()
}
