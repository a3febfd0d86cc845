//! `sbom.json`: what is in the vault's module, as `CycloneDX`. Equal sources give equal bytes: it has no time, no
//! serial number and no address of a registry.
//!
//! It has what is linked: neither macros nor build scripts, nor the tools that made the package.

use super::wasm::{TARGET, rustc};
use crate::{process, project};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

pub(super) fn write(package: &Path) -> Result<()> {
    let mut cargo = process::cargo();
    cargo.args(["tree", "--locked", "--package", "tokenward", "--target", TARGET]);
    cargo.args(["--edges", "normal,no-proc-macro", "--prefix", "depth", "--format", "{p}|{l}"]);
    let tree = process::capture(cargo.args(["--color", "never"]))?;
    let lock = project::read(&project::at("Cargo.lock"))?;
    let version = rustc(&["-vV"])?;
    let version = version.lines().find_map(|line| line.strip_prefix("release: "));
    let bill = bill(&tree, &lock, version.context("rustc names no release")?)?;
    project::write(&package.join("sbom.json"), serde_json::to_string_pretty(&bill)? + "\n")
}

/// One crate of the tree.
struct Crate<'t> {
    name: &'t str,
    version: &'t str,
    licence: String,
    needs: BTreeSet<String>,
}

/// The bill of what `cargo tree` printed, with the checksums of `Cargo.lock`.
fn bill(tree: &str, lock: &str, rust: &str) -> Result<Value> {
    let mut crates: BTreeMap<String, Crate> = BTreeMap::new();
    let mut above: Vec<String> = Vec::new();
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let (depth, krate) = parse(line).with_context(|| format!("cargo tree says `{line}`"))?;
        let name = purl(krate.name, krate.version);
        above.truncate(depth);
        if let Some(parent) = above.last().and_then(|parent| crates.get_mut(parent)) {
            parent.needs.insert(name.clone());
        }
        above.push(name.clone());
        crates.entry(name).or_insert(krate);
    }

    let own = purl("tokenward", project::VERSION);
    let own = crates.remove(&own).context("cargo tree does not begin with tokenward")?;
    let root = format!("pkg:npm/tokenward@{}", own.version);
    let std = format!("pkg:generic/rust-std@{rust}");
    let component = |purl: &str, name: &str, version: &str, licence: &str| {
        json!({
            "type": "library",
            "bom-ref": purl,
            "name": name,
            "version": version,
            "licenses": [{ "expression": licence }],
            "purl": purl,
        })
    };
    // Built along with the module, so it is of the pinned compiler.
    let mut components = vec![component(&std, "rust-std", rust, "MIT OR Apache-2.0")];
    let mut needs: Vec<_> = own.needs.iter().cloned().chain([std.clone()]).collect();
    needs.sort();
    let mut dependencies = vec![json!({ "ref": root, "dependsOn": needs })];
    for (purl, krate) in &crates {
        let checksum = checksum(lock, krate.name, krate.version);
        let checksum = checksum.with_context(|| format!("Cargo.lock has no checksum of {purl}"))?;
        let mut entry = component(purl, krate.name, krate.version, &krate.licence);
        entry["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
        components.push(entry);
        dependencies.push(json!({ "ref": purl, "dependsOn": krate.needs }));
    }
    dependencies.push(json!({ "ref": std, "dependsOn": [] }));
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": component(&root, "tokenward", own.version, &own.licence),
        },
        "components": components,
        "dependencies": dependencies,
    }))
}

/// A line like `2serde v1.0.229|MIT OR Apache-2.0 (*)`.
fn parse(line: &str) -> Option<(usize, Crate<'_>)> {
    let digits = line.find(|letter: char| !letter.is_ascii_digit())?;
    let (depth, rest) = line.split_at(digits);
    let (package, licence) = rest.split_once('|')?;
    let mut words = package.split(' ');
    let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
    // An older way to write it.
    let licence = licence.trim_end_matches(" (*)").replace('/', " OR ");
    Some((depth.parse().ok()?, Crate { name, version, licence, needs: BTreeSet::new() }))
}

fn purl(name: &str, version: &str) -> String {
    format!("pkg:cargo/{name}@{version}")
}

fn checksum<'l>(lock: &'l str, name: &str, version: &str) -> Option<&'l str> {
    let (name, version) = (format!("name = \"{name}\""), format!("version = \"{version}\""));
    let entry = lock.split("[[package]]").find(|entry| {
        let has = |wanted: &str| entry.lines().any(|line| line == wanted);
        has(&name) && has(&version)
    })?;
    entry.lines().find_map(|line| line.strip_prefix("checksum = \"")?.strip_suffix('"'))
}

#[cfg(test)]
mod tests {
    use super::bill;
    use crate::project;

    fn tree() -> String {
        let own = project::VERSION;
        format!(
            "0tokenward v{own} (/somewhere/private)|MIT OR Apache-2.0\n1b v2.0.0|MIT/Apache-2.0\n\
             2c v0.1.0|MIT\n1c v0.1.0|MIT\n1b v2.0.0|MIT/Apache-2.0 (*)\n"
        )
    }

    const LOCK: &str = "version = 4\n\n[[package]]\nname = \"b\"\nversion = \"1.0.0\"\nchecksum = \"old\"\n\n\
        [[package]]\nname = \"b\"\nversion = \"2.0.0\"\nsource = \"registry+https://host.example\"\n\
        checksum = \"bbb\"\ndependencies = [\n \"c\",\n]\n\n[[package]]\nname = \"c\"\nversion = \"0.1.0\"\n\
        checksum = \"ccc\"\n";

    #[test]
    fn each_crate_is_there_once_with_what_it_needs() {
        let bill = bill(&tree(), LOCK, "1.2.3").unwrap();
        let names: Vec<_> =
            bill["components"].as_array().unwrap().iter().map(|it| &it["purl"]).collect();
        assert_eq!(names, ["pkg:generic/rust-std@1.2.3", "pkg:cargo/b@2.0.0", "pkg:cargo/c@0.1.0"]);
        assert_eq!(bill["components"][1]["hashes"][0]["content"], "bbb");
        assert_eq!(bill["components"][1]["licenses"][0]["expression"], "MIT OR Apache-2.0");
        let needs = |at: usize| bill["dependencies"][at]["dependsOn"].as_array().unwrap().clone();
        assert_eq!(
            needs(0),
            ["pkg:cargo/b@2.0.0", "pkg:cargo/c@0.1.0", "pkg:generic/rust-std@1.2.3"]
        );
        assert_eq!(needs(1), ["pkg:cargo/c@0.1.0"]);
    }

    #[test]
    fn nothing_of_the_machine_or_a_registry_is_in_it() {
        let text = bill(&tree(), LOCK, "1.2.3").unwrap().to_string();
        assert!(!text.contains("private") && !text.contains("host.example"), "{text}");
    }

    #[test]
    fn a_crate_that_the_lock_file_does_not_know_is_an_error() {
        assert!(bill(&tree(), "", "1.2.3").is_err());
        assert!(bill("1b v2.0.0|MIT\n", LOCK, "1.2.3").is_err());
    }
}
