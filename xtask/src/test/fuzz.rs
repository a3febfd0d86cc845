//! The fuzz targets, a minute each: one that finds nothing has passed.

use super::layer::{Layer, Timing};
use crate::tools::{CrateTool, Need};
use crate::{process, project};
use anyhow::Result;
use std::process::Command;
use std::time::Instant;

pub(super) const NEEDS: &[Need] = &[Need::Nightly, Need::Crate(CrateTool::CargoFuzz)];

/// For how long each target runs.
const SECONDS: u32 = 60;

/// The targets, each with the words that help it, where it has some.
const TARGETS: &[(&str, Option<&str>)] = &[
    ("token_answer", Some("fuzz/answers.dict")),
    ("retry_after", None),
    ("callback", None),
    ("message", None),
    ("id_token", Some("fuzz/tokens.dict")),
    ("jwk_set", Some("fuzz/tokens.dict")),
    ("metadata", Some("fuzz/metadata.dict")),
    ("challenge", None),
    ("structured", None),
];

pub(super) fn run(name: &str) -> Result<Layer> {
    process::run(cargo_fuzz()?.arg("build"))?;
    let mut layer = Layer::new(name);
    for (target, dictionary) in TARGETS {
        let start = Instant::now();
        // It is the first folder to which the target adds what it finds.
        let folders = [format!("fuzz/corpus/{target}"), format!("fuzz/seeds/{target}")];
        std::fs::create_dir_all(project::at(&folders[0]))?;
        let mut fuzz = cargo_fuzz()?;
        fuzz.args(["run", target]).args(folders).arg("--");
        fuzz.arg(format!("-max_total_time={SECONDS}")).arg("-verbosity=0");
        fuzz.args(dictionary.map(|path| format!("-dict={path}")));
        println!("{}", process::shown(&fuzz));
        if fuzz.status()?.success() {
            layer.passed += 1;
        } else {
            layer.fail(target);
        }
        let seconds = start.elapsed().as_secs_f64();
        layer.slowest.push(Timing { name: (*target).to_owned(), seconds });
    }
    Ok(layer.judged(true))
}

/// cargo-fuzz under the nightly compiler, whatever this program runs under.
fn cargo_fuzz() -> Result<Command> {
    let mut fuzz = process::command(CrateTool::CargoFuzz.program()?);
    fuzz.env("RUSTUP_TOOLCHAIN", "nightly").env_remove("CARGO").env_remove("RUSTC");
    Ok(fuzz)
}
