//! Rust to the optimised WebAssembly module and its JavaScript glue.

use super::names;
use crate::tools::CrateTool;
use crate::{process, project};
use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

pub(super) const TARGET: &str = "wasm32-unknown-unknown";

/// The module as the bundles take it.
pub(super) struct Module {
    pub(super) glue: PathBuf,
    pub(super) wasm: PathBuf,
    /// The first 16 hexadecimal digits of the SHA-256 of module and glue: the same for equal
    /// sources, on every machine.
    pub(super) identity: String,
}

/// The optimised module.
pub(crate) fn optimised() -> PathBuf {
    project::at("target/tokenward/vault.wasm")
}

pub(super) fn make() -> Result<Module> {
    let raw = compile()?;
    let bound = bind(&raw)?;
    let (wasm, glue) = (optimised(), optimised().with_file_name("glue.js"));
    optimise(&bound, &wasm, &glue)?;
    let identity = identity(&[&wasm, &glue])?;
    Ok(Module { glue, wasm, identity })
}

/// The standard library is built along, so that it can leave out what a vault never shows: the words
/// of a panic, which ends the worker either way, and the places in the source. That is 9 KB of the
/// compressed module. The flags are unstable, so they are asked of the pinned compiler alone.
const SMALL: &[&str] = &[
    "-Zunstable-options",
    "-Cpanic=immediate-abort",
    "-Zlocation-detail=none",
    "-Zfmt-debug=none",
];

/// `cargo rustc` with one crate type: a second one would silently turn LTO off.
fn compile() -> Result<PathBuf> {
    let mut cargo = process::cargo();
    cargo.args(["rustc", "--release", "--lib", "--crate-type", "cdylib", "--target", TARGET]);
    cargo.args(["--package", "tokenward", "--features", "wipe"]);
    cargo.args(["-Zbuild-std=std,panic_abort", "-Zbuild-std-features=optimize_for_size"]);
    let mut flags = path_remaps()?;
    flags.extend(SMALL.iter().map(|flag| (*flag).to_owned()));
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
    cargo.env("RUSTC_BOOTSTRAP", "1");
    // A folder of its own: the flags would have everything else compiled anew.
    cargo.env("CARGO_TARGET_DIR", project::at("target/release-wasm"));
    process::run(&mut cargo)?;
    let wasm = project::at("target/release-wasm").join(TARGET).join("release/tokenward.wasm");
    check_paths(&wasm)?;
    Ok(wasm)
}

/// Panic messages carry source paths: these make them the same on every machine, and private.
fn path_remaps() -> Result<Vec<String>> {
    let mut remaps = vec![format!("--remap-path-prefix={}=tokenward", project::root().display())];
    let registry = cargo_home()?.join("registry/src");
    let mirrors = std::fs::read_dir(&registry).into_iter().flatten().flatten();
    remaps.extend(
        mirrors.map(|mirror| format!("--remap-path-prefix={}=crates", mirror.path().display())),
    );
    // With the component `rust-src`, rustc names the standard library's files by where they are.
    let (commit, library) = (rustc(&["-vV"])?, sysroot()?.join("lib/rustlib/src/rust"));
    let commit = commit.lines().find_map(|line| line.strip_prefix("commit-hash: "));
    let commit = commit.context("rustc names no commit")?;
    remaps.push(format!("--remap-path-prefix={}=/rustc/{commit}", library.display()));
    Ok(remaps)
}

fn sysroot() -> Result<PathBuf> {
    Ok(rustc(&["--print", "sysroot"])?.trim().into())
}

pub(super) fn rustc(args: &[&str]) -> Result<String> {
    process::capture(process::command("rustc").args(args))
}

pub(super) fn cargo_home() -> Result<PathBuf> {
    if let Some(home) = std::env::var_os("CARGO_HOME") {
        return Ok(home.into());
    }
    let home = std::env::var_os("HOME").context("neither CARGO_HOME nor HOME is set")?;
    Ok(Path::new(&home).join(".cargo"))
}

fn check_paths(wasm: &Path) -> Result<()> {
    let content = std::fs::read(wasm).context("cargo made no wasm")?;
    for path in [cargo_home()?, sysroot()?, project::root()] {
        let path = path.to_string_lossy().into_owned();
        let found = content.windows(path.len()).any(|part| part == path.as_bytes());
        ensure!(!found, "the wasm holds {path}: a path of this machine");
    }
    Ok(())
}

/// The folder of what wasm-bindgen makes.
fn bind(raw: &Path) -> Result<PathBuf> {
    let folder = project::at("target/tokenward/glue");
    let mut bindgen = process::command(CrateTool::WasmBindgen.program()?);
    bindgen.args(["--target", "web", "--no-typescript", "--omit-default-module-path"]);
    bindgen.args(["--remove-name-section", "--remove-producers-section"]);
    bindgen.args(["--out-name", "glue", "--out-dir"]).arg(&folder).arg(raw);
    process::run(&mut bindgen)?;
    Ok(folder)
}

/// Makes module and glue small, unless that was done for the same bytes. wasm-opt reads from the
/// module's own section which features it may use; `--all-features` emits what no browser compiles.
fn optimise(bound: &Path, wasm: &Path, glue: &Path) -> Result<()> {
    let (module, long_glue) = (bound.join("glue_bg.wasm"), bound.join("glue.js"));
    let stamp = wasm.with_extension("stamp");
    let wanted = identity(&[&module, &long_glue, &project::at("package-lock.json")])?;
    let is_made = wasm.exists() && glue.exists();
    if is_made && std::fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    let mut opt = process::npm_bin("wasm-opt");
    opt.args(["-Oz", "--converge", "--strip-debug", "--strip-producers"]);
    // The stack is linked first, so nothing is below 1 KiB but its last bytes before it overflows.
    opt.arg("--low-memory-unused");
    // Less inlining leaves more alike for the compression: found by trying.
    opt.args(["--one-caller-inline-max-function-size=200", "--always-inline-max-function-size=4"]);
    process::run(opt.arg("-o").arg(wasm).arg(&module))?;
    // Every import carries a hash of wasm-bindgen's in its name. On its own, since `--converge` would
    // rename again what was renamed; it prints the names.
    let mut rename = process::npm_bin("wasm-opt");
    rename.arg("--minify-imports-and-exports-and-modules");
    let renamed = process::capture(rename.arg("-o").arg(wasm).arg(wasm))?;
    project::write(glue, names::shorten(&project::read(&long_glue)?, &renamed)?)?;
    process::capture(process::command("node").arg("xtask/js/compiles.mjs").arg(wasm))
        .context("the optimised module does not compile")?;
    project::write(&stamp, wanted)
}

fn identity(files: &[&Path]) -> Result<String> {
    let mut digest = Sha256::new();
    for file in files {
        digest.update(std::fs::read(file).with_context(|| format!("no {}", project::shown(file)))?);
    }
    let mut text = String::new();
    for byte in &digest.finalize()[..8] {
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}
