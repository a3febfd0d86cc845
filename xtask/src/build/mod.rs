//! `build`: makes `pkg/`, the npm package, ready for `npm pack`.
//!
//! The steps are Rust to wasm (`wasm`), then TypeScript to bundles and types, then the papers. Equal
//! sources give equal bytes: no time, no path of this machine and no random number gets in.

mod names;
pub(crate) mod reproduce;
mod sbom;
mod wasm;
pub(crate) mod yew;

use crate::cli::{Flag, Flags, Outcome, Verb};
use crate::tools::{CrateTool, Need};
use crate::{process, project, tools};
use anyhow::{Context, Result, ensure};
use regex_lite::Regex;
use std::path::{Path, PathBuf};
use std::time::Instant;

pub(crate) use wasm::optimised as optimised_wasm;

pub(crate) const VERB: Verb = Verb {
    name: "build",
    summary: "Makes pkg/, the npm package with the vault inside",
    flags: &[
        Flag {
            name: "examples",
            value: None,
            help: "and target/yew/dist, which the end-to-end tests drive",
        },
        Flag {
            name: "reproduce",
            value: None,
            help: "builds twice elsewhere, from nothing, and compares every byte; pkg/ stays as it is",
        },
        Flag { name: "sri", value: None, help: "and prints the hashes for subresource integrity" },
    ],
    run,
};

pub(crate) const NEEDS: &[Need] =
    &[Need::WasmTarget, Need::RustSource, Need::Npm, Need::Crate(CrateTool::WasmBindgen)];

fn run(flags: &Flags) -> Result<Outcome> {
    if flags.has("reproduce") {
        return reproduced();
    }
    built(package, &folder())?;
    if flags.has("sri") {
        print!("{}", project::read(&folder().join("integrity.json"))?);
    }
    if flags.has("examples") {
        built(yew::page, &yew::folder())?;
    }
    Ok(Outcome::Done)
}

fn reproduced() -> Result<Outcome> {
    let compared = reproduce::compare()?;
    for file in &compared {
        println!("{}", file.line());
    }
    let different = compared.iter().filter(|file| !file.is_equal()).count();
    println!("{} files, {different} of them different", compared.len());
    Ok(Outcome::from_ok(different == 0))
}

fn built(build: fn() -> Result<()>, folder: &Path) -> Result<()> {
    let start = Instant::now();
    build()?;
    println!("built {} in {:.1} s", project::shown(folder), start.elapsed().as_secs_f64());
    Ok(())
}

/// The folder of the built package.
pub(crate) fn folder() -> PathBuf {
    project::at("pkg")
}

/// Builds the package from the sources as they are.
pub(crate) fn package() -> Result<()> {
    tools::ensure(NEEDS)?;
    let module = wasm::make()?;
    let package = folder();
    if package.exists() {
        std::fs::remove_dir_all(&package).context("cannot remove the old pkg")?;
    }
    bundle(&module, &package)?;
    types(&package)?;
    papers(&package)?;
    sbom::write(&package)?;
    integrity(&package, &module.identity)?;
    check(&package)
}

/// The packed package, as the registry would have it, under `target/package/`.
pub(crate) fn tarball() -> Result<PathBuf> {
    let folder = project::at("target/package");
    std::fs::create_dir_all(&folder)?;
    let mut npm = process::command("npm");
    npm.args(["pack", "./pkg", "--silent", "--ignore-scripts", "--pack-destination"]).arg(&folder);
    let name = process::capture(&mut npm)?;
    Ok(folder.join(name.lines().last().unwrap_or_default().trim()))
}

fn bundle(module: &wasm::Module, package: &Path) -> Result<()> {
    let plan = serde_json::json!({
        "source": project::at("pkg-template/src"),
        "output": package,
        "glue": module.glue,
        "wasm": module.wasm,
        "version": project::VERSION,
        "build": module.identity,
    });
    let path = project::at("target/tokenward/bundle.json");
    project::write(&path, plan.to_string())?;
    process::run(process::command("node").arg("xtask/js/bundle.mjs").arg(&path))
}

/// The declarations of the page's entry and of what it imports.
fn types(package: &Path) -> Result<()> {
    let mut tsc = process::npm_bin("tsc");
    tsc.args(["-p", "pkg-template/tsconfig.types.json", "--outDir"]).arg(package);
    process::capture(&mut tsc)?;
    Ok(())
}

/// What is copied: the command, the licences, the README, the page for hidden frames, and `package.json` with the version.
fn papers(package: &Path) -> Result<()> {
    for folder in ["bin", "bin/doctor"] {
        std::fs::create_dir_all(package.join(folder))?;
        for script in project::files_ending(&project::at("pkg-template").join(folder), ".js") {
            let name = script.file_name().context("a file has a name")?;
            std::fs::copy(&script, package.join(folder).join(name))?;
        }
    }
    for (from, to) in [
        ("LICENSE-MIT", "LICENSE-MIT"),
        ("LICENSE-APACHE", "LICENSE-APACHE"),
        ("pkg-template/README.md", "README.md"),
        ("pkg-template/callback.html", "callback.html"),
        ("pkg-template/frame.html", "frame.html"),
    ] {
        let to = package.join(to);
        std::fs::create_dir_all(to.parent().unwrap_or(package))?;
        std::fs::copy(project::at(from), to).with_context(|| format!("cannot copy {from}"))?;
    }
    let template = project::read(&project::at("pkg-template/package.json"))?;
    let placeholder = "\"version\": \"0.0.0\"";
    ensure!(template.contains(placeholder), "pkg-template/package.json lacks {placeholder}");
    let version = format!("\"version\": \"{}\"", project::VERSION);
    project::write(&package.join("package.json"), template.replace(placeholder, &version))
}

/// The hashes of what browsers load, last: they are of the files as they are.
fn integrity(package: &Path, build: &str) -> Result<()> {
    let mut node = process::command("node");
    node.arg("xtask/js/integrity.mjs").arg(package).args([project::VERSION, build]);
    process::run(&mut node)
}

/// What a consumer's bundler and a reader of the bytes rely on.
fn check(package: &Path) -> Result<()> {
    let entry = project::read(&package.join("index.js"))?;
    ensure!(
        names_the_vault(&entry),
        "index.js lost `new URL(\"./vault.js\", import.meta.url)`: bundlers find the vault by it"
    );
    ensure!(
        !imports_at_once(&entry),
        "index.js imports another script at once: its size would not be what a page loads"
    );
    for script in project::files_ending(package, ".js") {
        let (content, path) = (project::read(&script)?, project::root());
        let name = script.display();
        ensure!(!content.contains(&*path.to_string_lossy()), "{name} holds a path of this machine");
    }
    for name in ["index", "decode-jwt", "server-events", "ticket", "install"] {
        ensure!(package.join(format!("{name}.d.ts")).exists(), "tsc wrote no {name}.d.ts");
    }
    Ok(())
}

fn imports_at_once(script: &str) -> bool {
    Regex::new(r#"\bfrom\s*["']\./"#).is_ok_and(|pattern| pattern.is_match(script))
}

fn names_the_vault(script: &str) -> bool {
    let pattern = r#"new URL\(["'`]\./vault\.js["'`],\s*import\.meta\.url\)"#;
    Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(script))
}

#[cfg(test)]
mod tests {
    use super::{imports_at_once, names_the_vault};

    #[test]
    fn knows_what_is_loaded_with_a_script_from_what_comes_later() {
        assert!(imports_at_once(r#"import{a as T}from"./chunk.js";x()"#));
        assert!(imports_at_once("export * from './b.js'"));
        assert!(!imports_at_once(r#"f(import("./acts.js"));let from="./x""#));
    }

    #[test]
    fn knows_the_address_that_bundlers_look_for() {
        assert!(names_the_vault(r#"x=new URL("./vault.js",import.meta.url);"#));
        assert!(names_the_vault(r#"new URL("./vault.js", import.meta.url).href"#));
        assert!(!names_the_vault(r#"let v="./vault.js";new URL(v,import.meta.url)"#));
    }
}
