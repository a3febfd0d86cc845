//! npm's packages: those of the root `package.json`, exactly as its lock file says.

use super::announce;
use crate::{process, project};
use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::path::Path;

/// Where an installation notes which lock file it was made from.
const STAMP: &str = "node_modules/.tokenward-lock";

pub(super) fn ensure() -> Result<()> {
    node_version()?;
    ensure_in(&project::root())
}

/// Runs `npm ci` in `folder` unless that was done for the lock file as it is.
pub(super) fn ensure_in(folder: &Path) -> Result<()> {
    let lock = std::fs::read(folder.join("package-lock.json")).context("no package-lock.json")?;
    let wanted = format!("{:x}", Sha256::digest(lock));
    let stamp = folder.join(STAMP);
    if std::fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    announce(&format!("npm packages in {}", project::shown(folder)));
    let mut npm = process::command("npm");
    npm.current_dir(folder).args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
    process::capture(&mut npm)?;
    project::write(&stamp, wanted)
}

fn node_version() -> Result<()> {
    const OLDEST: u32 = 20;
    let printed = process::capture(process::command("node").arg("--version"))
        .context("Node.js is not installed: get version 20 or newer, with npm")?;
    let major = printed.trim().trim_start_matches('v').split('.').next().unwrap_or_default();
    let is_old = major.parse::<u32>().is_ok_and(|major| major < OLDEST);
    anyhow::ensure!(!is_old, "Node.js {} is too old: get {OLDEST} or newer", printed.trim());
    Ok(())
}
