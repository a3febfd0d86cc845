//! The native layer: every test of the workspace that runs without a browser, and the examples in
//! the documentation.

use super::layer::{Filter, Layer, Timing};
use super::libtest::Reader;
use crate::process;
use anyhow::Result;
use std::time::Instant;

pub(super) fn run(name: &str, filter: &Filter) -> Result<Layer> {
    // Apart, so that the time of the compiler is not taken for the tests'.
    let start = Instant::now();
    process::run(process::cargo().args(["test", "--workspace", "--no-run", "--quiet"]))?;
    let compiled = Timing { name: "compiling".into(), seconds: start.elapsed().as_secs_f64() };
    let mut cargo = process::cargo();
    cargo.args(["test", "--workspace", "--no-fail-fast", "--"]);
    if filter.is_some() {
        // libtest knows substrings only: the names are matched here and given whole.
        cargo.arg("--exact").args(list(filter)?);
    }
    let (mut layer, ok) = read(name, &mut cargo)?;
    layer.slowest.push(compiled);
    Ok(layer.judged(ok))
}

/// The tests marked `#[ignore = "soak"]`; `None` where there are none.
pub(super) fn soak(name: &str) -> Result<Option<Layer>> {
    let mut cargo = process::cargo();
    cargo.args(["test", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"]);
    // They run long enough to be worth a compiler's while.
    cargo.args(["--config", "profile.test.package.tokenward.opt-level=1"]);
    cargo.args(["--", "--ignored", "--nocapture"]);
    let (layer, ok) = read(name, &mut cargo)?;
    let is_empty = ok && layer.passed + layer.failed == 0;
    Ok((!is_empty).then(|| layer.judged(ok)))
}

/// The tests of the target policy that are a part of the wire layer, also what is too long for every run,
/// and what they counted.
pub(super) fn wire(name: &str, filter: &Filter) -> Result<Layer> {
    let mut cargo = process::cargo();
    cargo.args(["test", "--lib", "--package", "tokenward"]);
    cargo.args(["--", "--include-ignored", "--nocapture"]);
    if filter.is_some() {
        cargo.arg("--exact").args(list_wire(filter)?);
    } else {
        cargo.arg(WIRE);
    }
    let (layer, ok) = read(name, &mut cargo)?;
    Ok(layer.judged(ok))
}

const WIRE: &str = "request::target::hostile::";

fn read(name: &str, cargo: &mut std::process::Command) -> Result<(Layer, bool)> {
    let mut reader = Reader::new(name);
    let status = process::tee(cargo, |line| reader.line(line))?;
    Ok((reader.finish(), status.success()))
}

pub(super) fn list(filter: &Filter) -> Result<Vec<String>> {
    let mut cargo = process::cargo();
    cargo.args(["test", "--workspace", "--quiet", "--", "--list", "--format", "terse"]);
    let printed = process::capture(&mut cargo)?;
    Ok(names(&printed).filter(|name| filter.takes(name)).map(str::to_owned).collect())
}

/// The names of those that `wire` runs.
pub(super) fn list_wire(filter: &Filter) -> Result<Vec<String>> {
    Ok(list(filter)?.into_iter().filter(|name| name.starts_with(WIRE)).collect())
}

/// The names in what `--list --format terse` prints.
fn names(printed: &str) -> impl Iterator<Item = &str> {
    printed.lines().filter_map(|line| line.strip_suffix(": test"))
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn reads_names_of_tests_alone() {
        let printed =
            "clock::tests::runs: test\nsrc/lib.rs - walk (line 3): test\nfast: benchmark\n";
        let names: Vec<&str> = names(printed).collect();
        assert_eq!(names, ["clock::tests::runs", "src/lib.rs - walk (line 3)"]);
    }
}
