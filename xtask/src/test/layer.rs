//! What came of one part of a test run.

use super::outcomes::Judged;
use crate::cli::Usage;
use anyhow::Result;
use regex_lite::Regex;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The counts of one part, and what is worth telling of it.
#[derive(Debug, Default, Serialize)]
pub(super) struct Layer {
    pub(super) name: String,
    pub(super) passed: usize,
    pub(super) failed: usize,
    /// Tests that say why they did not run here.
    pub(super) skipped: usize,
    pub(super) seconds: f64,
    /// What took longest, longest first.
    pub(super) slowest: Vec<Timing>,
    /// What failed: its name in the first line, then what is known of why.
    pub(super) failures: Vec<String>,
    /// Tests that only `cargo xtask soak` runs.
    pub(super) in_soak: usize,
    /// What its tests counted.
    pub(super) figures: Vec<Figure>,
    /// What became of its attacks.
    pub(super) outcomes: Vec<Judged>,
}

/// What stands before a figure in what a test prints.
const FIGURE: &str = "figure: ";

/// What a test counted of one matrix, in the order in which it is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Figure {
    matrix: String,
    counts: Vec<(String, u64)>,
}

impl Figure {
    /// The figure in a line that a test printed, if there is one.
    pub(super) fn read(line: &str) -> Option<Self> {
        let (_, figure) = line.split_once(FIGURE)?;
        serde_json::from_str(figure).ok()
    }

    /// One figure for each matrix, with the sums of all.
    pub(super) fn sums<'a>(all: impl Iterator<Item = &'a Self>) -> Vec<Self> {
        let mut sums: Vec<Self> = Vec::new();
        for figure in all {
            let Some(sum) = sums.iter_mut().find(|sum| sum.matrix == figure.matrix) else {
                sums.push(figure.clone());
                continue;
            };
            for (name, count) in &figure.counts {
                match sum.counts.iter_mut().find(|(known, _)| known == name) {
                    Some((_, known)) => *known += count,
                    None => sum.counts.push((name.clone(), *count)),
                }
            }
        }
        sums
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.counts.iter().map(|(name, count)| format!("{count} {name}"));
        write!(f, "{}: {}", self.matrix, counts.collect::<Vec<_>>().join(", "))
    }
}

/// How long one test or one file of tests took.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Timing {
    pub(super) name: String,
    pub(super) seconds: f64,
}

impl Layer {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// A part that could not run counts as one failure.
    pub(super) fn broken(name: &str, why: &str) -> Self {
        let mut layer = Self::new(name);
        layer.fail(why);
        layer
    }

    pub(super) fn fail(&mut self, why: &str) {
        self.failed += 1;
        self.failures.push(why.to_owned());
    }

    /// Judges the whole: a runner that failed without a failed test, or a part without any test, is
    /// a failure too.
    pub(super) fn judged(mut self, runner_ok: bool) -> Self {
        if !runner_ok && self.failed == 0 {
            self.fail("the test runner failed; its output says why");
        }
        if self.passed + self.failed == 0 {
            self.fail("no test was run");
        }
        self.slowest.sort_by(|left, right| right.seconds.total_cmp(&left.seconds));
        self.slowest.truncate(5);
        self
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, Counts(self.passed, self.failed, self.skipped))
    }
}

/// `N passed, N failed`, and `, N skipped` where there are any.
pub(super) struct Counts(pub(super) usize, pub(super) usize, pub(super) usize);

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(passed, failed, skipped) = self;
        write!(f, "{passed} passed, {failed} failed")?;
        if *skipped > 0 { write!(f, ", {skipped} skipped") } else { Ok(()) }
    }
}

/// Which tests were asked for, by name.
pub(super) struct Filter(Option<Regex>);

impl Filter {
    pub(super) fn new(pattern: Option<&str>) -> Result<Self> {
        let Some(pattern) = pattern else {
            return Ok(Self(None));
        };
        let problem = |error| Usage(format!("--grep wants a regular expression: {error}"));
        Ok(Self(Some(Regex::new(pattern).map_err(problem)?)))
    }

    pub(super) fn is_some(&self) -> bool {
        self.0.is_some()
    }

    pub(super) fn pattern(&self) -> Option<&str> {
        self.0.as_ref().map(Regex::as_str)
    }

    pub(super) fn takes(&self, name: &str) -> bool {
        self.0.as_ref().is_none_or(|pattern| pattern.is_match(name))
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/", self.pattern().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_without_tests_fails() {
        let layer = Layer::new("wasm").judged(true);
        assert_eq!((layer.failed, layer.failures.len()), (1, 1));
    }

    #[test]
    fn a_runner_that_dies_fails_a_layer_whose_tests_passed() {
        let layer = Layer { passed: 3, ..Layer::new("native") };
        assert_eq!(layer.judged(false).to_string(), "native: 3 passed, 1 failed");
    }

    #[test]
    fn skipped_tests_are_told() {
        let layer = Layer { passed: 3, skipped: 2, ..Layer::new("e2e chromium/shared") };
        let layer = layer.judged(true);
        assert_eq!(layer.to_string(), "e2e chromium/shared: 3 passed, 0 failed, 2 skipped");
    }

    #[test]
    fn figures_are_added_up_by_matrix() {
        let line = |matrix: &str, cells: u64| {
            let counts = format!(r#"[["cells",{cells}],["secrets elsewhere",0]]"#);
            Figure::read(&format!(
                r#"test x ... figure: {{"matrix":"{matrix}","counts":{counts}}}"#
            ))
        };
        let all = [line("redirects", 25), line("bodies", 7), line("redirects", 50)];
        let sums = Figure::sums(all.iter().flatten());
        let told: Vec<String> = sums.iter().map(ToString::to_string).collect();
        let [redirects, bodies] =
            ["redirects: 75", "bodies: 7"].map(|text| format!("{text} cells, 0 secrets elsewhere"));
        assert_eq!(told, [redirects, bodies]);
        assert_eq!(Figure::read("figure: none"), None);
    }

    #[test]
    fn a_filter_is_a_regular_expression() {
        assert!(Filter::new(None).unwrap().takes("anything"));
        let filter = Filter::new(Some("^sign(in|out)$")).unwrap();
        assert!(filter.takes("signin") && !filter.takes("signing"));
        assert!(Filter::new(Some("(")).err().unwrap().is::<Usage>());
    }
}
