//! Layers that run under Node's own test runner.

use super::layer::{Figure, Filter, Layer, Timing};
use super::outcomes::Judged;
use crate::{process, project};
use anyhow::{Context, Result};
use regex_lite::Regex;
use serde::Deserialize;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A folder of test files.
pub(super) struct Suite {
    folder: &'static str,
    ending: &'static str,
    /// Files of this ending are left out.
    without: Option<&'static str>,
    /// How many files run at once.
    concurrency: usize,
    /// Whether that many processes share the files, so that each starts its browser once.
    is_shared: bool,
    limit: Duration,
}

/// The TypeScript of the page in Node, with a browser of which only the outside is false.
pub(super) const FACADE: Suite = Suite {
    folder: "pkg-template/test",
    ending: ".test.mjs",
    without: None,
    concurrency: 2,
    is_shared: false,
    limit: Duration::from_mins(5),
};

pub(super) const SERVERS: Suite = Suite {
    folder: "tests/servers",
    ending: ".test.mjs",
    without: None,
    concurrency: 2,
    is_shared: false,
    limit: Duration::from_mins(5),
};

/// Two browsers at once: more would keep each other waiting on two cores.
pub(super) const E2E: Suite = Suite {
    folder: "tests/e2e",
    ending: ".test.mjs",
    without: Some(ENGINE_ENDING),
    concurrency: 2,
    is_shared: true,
    limit: Duration::from_mins(25),
};

const ENGINE_ENDING: &str = ".engine.test.mjs";

/// What depends on the engine and not on the vault's place.
pub(super) const ENGINE: Suite = Suite { ending: ENGINE_ENDING, without: None, ..E2E };

/// What every credential does on the wire, matrix by matrix.
pub(super) const WIRE: Suite = Suite { folder: "tests/wire", without: None, ..E2E };

/// What script in the page tries: one file after the other, since the table is made of all of them.
pub(super) const ATTACKS: Suite =
    Suite { folder: "tests/attacks", without: None, concurrency: 1, ..E2E };

pub(super) const PACKAGE: Suite = Suite {
    folder: "tests/package",
    ending: ".test.mjs",
    without: None,
    concurrency: 1,
    is_shared: false,
    limit: Duration::from_mins(10),
};

pub(super) const E2E_SOAK: Suite = Suite {
    folder: "tests/e2e",
    ending: ".soak.mjs",
    without: None,
    concurrency: 1,
    is_shared: false,
    limit: Duration::from_hours(4),
};

impl Suite {
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let mut files = project::files_ending(&project::at(self.folder), self.ending);
        files.retain(|file| {
            let name = file.to_string_lossy();
            self.without.is_none_or(|ending| !name.ends_with(ending))
        });
        files
    }
}

/// One line of `xtask/js/reporter.mjs`: a test, or what one counted.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Line {
    Test(Test),
    Counted { figure: String },
    Judged { outcome: String },
}

#[derive(Debug, Deserialize)]
struct Test {
    name: String,
    passed: bool,
    /// `false`, `true`, or the reason.
    skipped: serde_json::Value,
    seconds: f64,
    /// What a failed test says.
    why: Option<String>,
}

/// What runs at the same time as a suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beside {
    /// Nothing: it prints as it goes, and may have all processors.
    Nothing,
    /// Other suites: it prints when it is over, and runs in one process.
    Others,
}

/// Runs the suite with `told` in its environment.
pub(super) fn run(
    name: &str,
    suite: &Suite,
    filter: &Filter,
    told: &[(OsString, OsString)],
    beside: Beside,
) -> Result<Layer> {
    let files = suite.files();
    if files.is_empty() {
        return Ok(Layer::broken(name, &format!("{} has no *{}", suite.folder, suite.ending)));
    }
    let folder = project::at("target/test");
    let stem = name.replace([' ', '/'], "-");
    let lines = folder.join(format!("{stem}.jsonl"));
    project::write(&lines, "")?;
    let concurrency = if beside == Beside::Others { 1 } else { suite.concurrency };
    let mut node = process::command("node");
    node.args(["--test", "--test-reporter=spec", "--test-reporter-destination=stdout"]);
    node.arg("--test-reporter=./xtask/js/reporter.mjs");
    node.arg(argument("--test-reporter-destination=", &lines));
    node.arg(format!("--test-concurrency={concurrency}"));
    if let Some(pattern) = filter.pattern() {
        node.arg(format!("--test-name-pattern={pattern}")).env("TOKENWARD_GREP", pattern);
    }
    let files = if suite.is_shared { shares(&stem, &files, concurrency)? } else { files };
    node.args(&files).envs(told.iter().map(|(name, value)| (name, value)));
    let status = match beside {
        Beside::Nothing => process::run_within(&mut node, suite.limit)?,
        Beside::Others => {
            let printed = folder.join(format!("{stem}.log"));
            let file = File::create(&printed)?;
            node.stdout(file.try_clone()?).stderr(file);
            let status = process::run_within(&mut node, suite.limit)?;
            print!("\n== {name}\n{}", project::read(&printed)?);
            status
        }
    };
    let mut layer = count(name, &project::read(&lines)?)?;
    if status.is_none() {
        layer.fail(&format!("stopped after {} minutes", suite.limit.as_secs() / 60));
    }
    Ok(layer.judged(status.is_some_and(|status| status.success())))
}

/// Scripts that import the files, so many and about as much in each.
fn shares(stem: &str, files: &[PathBuf], count: usize) -> Result<Vec<PathBuf>> {
    let mut sized: Vec<(u64, &PathBuf)> = Vec::new();
    for file in files {
        sized.push((std::fs::metadata(file)?.len(), file));
    }
    sized.sort_by(|a, b| b.cmp(a));
    let mut shares = vec![(0, String::new()); count.min(files.len())];
    for (size, file) in sized {
        if let Some((sum, script)) = shares.iter_mut().min_by_key(|(sum, _)| *sum) {
            *sum += size;
            let _ = writeln!(script, "import {:?};", file.display().to_string());
        }
    }
    let folder = project::at("target/test/shares").join(stem);
    let mut scripts = Vec::new();
    for (index, (_, script)) in shares.into_iter().enumerate() {
        let path = folder.join(format!("{}.test.mjs", index + 1));
        project::write(&path, script)?;
        scripts.push(path);
    }
    Ok(scripts)
}

fn argument(flag: &str, value: &Path) -> OsString {
    let mut argument = OsString::from(flag);
    argument.push(value);
    argument
}

fn count(name: &str, lines: &str) -> Result<Layer> {
    /// What Node says of a test that `--test-name-pattern` leaves out.
    const LEFT_OUT: &str = "test name does not match pattern";
    let mut layer = Layer::new(name);
    for line in lines.lines() {
        let test = match serde_json::from_str(line).context("a line of the reporter")? {
            Line::Test(test) => test,
            Line::Counted { figure } => {
                layer.figures.extend(Figure::read(&figure));
                continue;
            }
            Line::Judged { outcome } => {
                layer.outcomes.extend(Judged::read(&outcome));
                continue;
            }
        };
        match test.skipped {
            serde_json::Value::Bool(false) if test.passed => layer.passed += 1,
            serde_json::Value::Bool(false) => {
                let why = test.why.as_deref().unwrap_or_default();
                layer.fail(&format!("{}\n{why}", test.name));
            }
            serde_json::Value::String(reason) if reason == LEFT_OUT => continue,
            _ => layer.skipped += 1,
        }
        layer.slowest.push(Timing { name: test.name, seconds: test.seconds });
    }
    Ok(layer)
}

/// The tests, as their sources name them: only a run could ask the runner.
pub(super) fn list(suite: &Suite, filter: &Filter) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for file in suite.files() {
        found.extend(names(&project::read(&file)?)?);
    }
    Ok(found.into_iter().filter(|name| filter.takes(name)).collect())
}

fn names(source: &str) -> Result<Vec<String>> {
    let quoted = r#""((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|`((?:[^`\\]|\\.)*)`"#;
    let pattern = format!(r"(?m)^\s*(?:await )?(?:test|it)(?:\.only)?\(\s*(?:{quoted})");
    let pattern = Regex::new(&pattern).context("the pattern for tests")?;
    let name = |found: regex_lite::Captures<'_>| {
        (1..=3).find_map(|group| found.get(group)).map(|name| name.as_str().to_owned())
    };
    Ok(pattern.captures_iter(source).filter_map(name).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_the_lines_of_the_reporter() {
        let layer = count(
            "e2e chromium/shared",
            r#"{"name":"signs in","passed":true,"skipped":false,"seconds":2.5}
{"name":"calls > once","passed":false,"skipped":false,"seconds":0.5,"why":"twice\nin all"}
{"name":"prints","passed":true,"skipped":"no printer here","seconds":0}
{"name":"later","passed":true,"skipped":true,"seconds":0}
{"figure":"figure: {\"matrix\":\"m\",\"counts\":[[\"cells\",3]]}"}
{"outcome":"outcome: {\"attack\":\"reads\",\"outcome\":\"stopped\"}"}
{"name":"other","passed":true,"skipped":"test name does not match pattern","seconds":0}"#,
        )
        .unwrap();
        assert_eq!((layer.passed, layer.failed, layer.skipped), (1, 1, 2));
        assert_eq!(layer.failures, ["calls > once\ntwice\nin all"]);
        assert_eq!(
            layer.figures.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["m: 3 cells"]
        );
        assert_eq!(layer.outcomes.len(), 1);
        assert!(count("x", "not JSON").is_err());
    }

    #[test]
    fn finds_the_tests_in_a_source() {
        let source = "test(\"signs in\", async () => {\n  await test('deep \\'er', f);\n});\n\
                      it(`backs off`, g);\n// the test(\"that\") is not one\nlatest(\"no\", f);\n";
        assert_eq!(names(source).unwrap(), ["signs in", "deep \\'er", "backs off"]);
    }
}
