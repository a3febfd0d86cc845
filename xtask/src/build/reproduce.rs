//! `build --reproduce`: builds the package twice from nothing, in two places with nothing in common but the
//! tools, and compares every byte.

use super::NEEDS;
use crate::{lint, process, project, tools};
use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// One file of the package, and its SHA-256 in each build; none where a build does not have it.
pub(crate) struct Compared {
    name: String,
    hashes: [Option<String>; 2],
}

impl Compared {
    pub(crate) fn is_equal(&self) -> bool {
        self.hashes[0].is_some() && self.hashes[0] == self.hashes[1]
    }

    /// As `sha256sum` would print it, and what is wrong.
    pub(crate) fn line(&self) -> String {
        let hash = |at: usize| self.hashes[at].as_deref().unwrap_or("(not there)");
        if self.is_equal() {
            return format!("{}  {}", hash(0), self.name);
        }
        format!("{}  {}: DIFFERS, {} elsewhere", hash(0), self.name, hash(1))
    }
}

/// The module by itself, beside the package that has it inside.
const MODULE: &str = "target/tokenward/vault.wasm";

/// Builds twice and compares. What was built stays where something differs.
pub(crate) fn compare() -> Result<Vec<Compared>> {
    tools::ensure(NEEDS)?;
    let stage = project::at("target/reproduce");
    if stage.exists() {
        std::fs::remove_dir_all(&stage).context("cannot remove the old builds")?;
    }
    // Of different lengths, and one with another home and clock: what gets into a build by them differs.
    let places = [stage.join("a"), stage.join("another place/of the sources")];
    let home = stage.join("home");
    // Both at once: somebody may go on writing meanwhile.
    places.iter().try_for_each(|place| copy_sources(place))?;
    for (place, home) in places.iter().zip([None, Some(&home)]) {
        println!("building in {}", project::shown(place));
        build(place, home)?;
    }
    let compared = compared(&places)?;
    if compared.iter().all(Compared::is_equal) {
        std::fs::remove_dir_all(&stage)?;
    }
    Ok(compared)
}

fn compared(places: &[PathBuf; 2]) -> Result<Vec<Compared>> {
    let names: Vec<Vec<String>> = places.iter().map(|place| files(place)).collect::<Result<_>>()?;
    let names: BTreeSet<String> = names.into_iter().flatten().collect();
    names.into_iter().map(|name| hashed(places, name)).collect()
}

/// The sources as they are, committed or not, and the installed tools.
fn copy_sources(place: &Path) -> Result<()> {
    for name in lint::project_files()? {
        let (from, to) = (project::at(&name), place.join(&name));
        // One that was removed and not committed yet is still in git's list.
        if from.is_file() {
            std::fs::create_dir_all(to.parent().unwrap_or(place))?;
            std::fs::copy(&from, &to).with_context(|| format!("cannot copy {name}"))?;
        }
    }
    for tools in [".tools", "node_modules"] {
        symlink(project::at(tools), place.join(tools))?;
    }
    Ok(())
}

/// This very program, for which the project is where its manifest is said to be.
fn build(place: &Path, home: Option<&PathBuf>) -> Result<()> {
    let mut xtask = process::command(std::env::current_exe()?);
    xtask.current_dir(place).arg("build").env("CARGO_MANIFEST_DIR", place.join("xtask"));
    if let Some(home) = home {
        borrow_home(home)?;
        xtask.env("CARGO_HOME", home).env("TZ", "Pacific/Auckland").env("LC_ALL", "C");
    }
    process::run(&mut xtask)
}

/// A home for cargo by another path, with the crates that are there already.
fn borrow_home(home: &Path) -> Result<()> {
    std::fs::create_dir_all(home)?;
    let own = super::wasm::cargo_home()?;
    for name in ["registry", "git", "config.toml"] {
        if own.join(name).exists() {
            symlink(own.join(name), home.join(name))?;
        }
    }
    Ok(())
}

/// What is compared of a build: the package's files, and the module.
fn files(place: &Path) -> Result<Vec<String>> {
    let mut names = vec![MODULE.to_owned()];
    let mut folders = vec![place.join("pkg")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                names.push(path.strip_prefix(place)?.to_string_lossy().into_owned());
            }
        }
    }
    Ok(names)
}

fn hashed(places: &[PathBuf; 2], name: String) -> Result<Compared> {
    let hash = |place: &PathBuf| -> Result<Option<String>> {
        let path = place.join(&name);
        if !path.exists() {
            return Ok(None);
        }
        Ok(Some(format!("{:x}", Sha256::digest(std::fs::read(path)?))))
    };
    let hashes = [hash(&places[0])?, hash(&places[1])?];
    Ok(Compared { name, hashes })
}

#[cfg(test)]
mod tests {
    use super::{Compared, compared};
    use crate::project;

    #[test]
    fn a_byte_and_a_file_that_only_one_build_has_are_found() {
        let stage = project::at("target/reproduce-test");
        let places = ["a", "b"].map(|name| stage.join(name));
        for place in &places {
            project::write(&place.join("pkg/bin/equal.js"), "1").unwrap();
            project::write(&place.join("pkg/differs.js"), place.to_string_lossy().as_bytes())
                .unwrap();
            project::write(&place.join("target/tokenward/vault.wasm"), "2").unwrap();
        }
        project::write(&places[1].join("pkg/more.js"), "3").unwrap();
        let found = compared(&places).unwrap();
        std::fs::remove_dir_all(&stage).unwrap();
        let (equal, others): (Vec<_>, Vec<_>) = found.iter().partition(|file| file.is_equal());
        let names = |files: &[&Compared]| -> Vec<String> {
            files.iter().map(|file| file.name.clone()).collect()
        };
        assert_eq!(names(&equal), ["pkg/bin/equal.js", "target/tokenward/vault.wasm"]);
        assert_eq!(names(&others), ["pkg/differs.js", "pkg/more.js"]);
    }

    #[test]
    fn only_the_same_bytes_in_both_builds_are_equal() {
        let compared = |a: Option<&str>, b: Option<&str>| Compared {
            name: "pkg/vault.js".to_owned(),
            hashes: [a.map(str::to_owned), b.map(str::to_owned)],
        };
        assert!(compared(Some("1"), Some("1")).is_equal());
        assert!(!compared(Some("1"), Some("2")).is_equal());
        assert!(!compared(Some("1"), None).is_equal());
        assert!(!compared(None, None).is_equal());
        assert_eq!(compared(Some("1"), Some("1")).line(), "1  pkg/vault.js");
        assert!(compared(None, Some("2")).line().contains("(not there)"));
    }
}
