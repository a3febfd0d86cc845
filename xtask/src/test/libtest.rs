//! Reads what Rust's test harness prints, natively and from wasm-bindgen's runner.

use super::layer::{Figure, Layer, Timing};
use std::time::Instant;

/// Tests marked `#[ignore = "soak"]` are too long for every run.
const SOAK: &str = "soak";

/// Collects counts line by line.
#[derive(Debug)]
pub(super) struct Reader {
    layer: Layer,
    /// The test binary whose lines come now, and since when.
    binary: Option<(String, Instant)>,
    /// How many of its tests are left to `cargo xtask soak`.
    soak_in_binary: usize,
}

impl Reader {
    pub(super) fn new(layer: &str) -> Self {
        Self { layer: Layer::new(layer), binary: None, soak_in_binary: 0 }
    }

    pub(super) fn line(&mut self, line: &str) {
        let line = line.trim();
        self.layer.figures.extend(Figure::read(line));
        if let Some(binary) = binary_name(line) {
            self.binary = Some((binary.to_owned(), Instant::now()));
        } else if let Some(test) = line.strip_prefix("test ") {
            self.verdict(test);
        }
    }

    /// `path::name ... ok` gives names, `result: ok. 5 passed; ...` at the end of a binary the sums:
    /// what a test prints may break the first kind of line, never the second.
    fn verdict(&mut self, test: &str) {
        if let Some(sums) = test.strip_prefix("result: ") {
            self.binary_ended(sums);
            return;
        }
        let Some((name, verdict)) = test.rsplit_once(" ... ") else {
            return;
        };
        if verdict.starts_with("FAIL") {
            self.layer.failures.push(name.to_owned());
        } else if verdict == format!("ignored, {SOAK}") {
            self.layer.in_soak += 1;
            self.soak_in_binary += 1;
        }
    }

    fn binary_ended(&mut self, sums: &str) {
        self.layer.passed += sum(sums, "passed");
        self.layer.failed += sum(sums, "failed");
        let soak = std::mem::take(&mut self.soak_in_binary);
        self.layer.skipped += sum(sums, "ignored").saturating_sub(soak);
        if let Some((name, start)) = self.binary.take() {
            let seconds = start.elapsed().as_secs_f64();
            self.layer.slowest.push(Timing { name, seconds });
        }
    }

    /// The counts of all lines.
    pub(super) fn finish(self) -> Layer {
        self.layer
    }
}

/// The number before `word` in `FAILED. 1 passed; 2 failed; 0 ignored; ...`.
fn sum(sums: &str, word: &str) -> usize {
    let words: Vec<&str> = sums.split([' ', ';']).filter(|word| !word.is_empty()).collect();
    let number =
        words.windows(2).find(|pair| pair[1] == word).and_then(|pair| pair[0].parse().ok());
    number.unwrap_or(0)
}

/// `Running unittests src/lib.rs (target/...)`, `Running tests/native/main.rs (...)` or
/// `Doc-tests tokenward`, as cargo names each test binary before it starts.
fn binary_name(line: &str) -> Option<&str> {
    if line.starts_with("Doc-tests ") {
        return Some(line);
    }
    let rest = line.strip_prefix("Running ")?.strip_prefix("unittests ");
    let rest = rest.or_else(|| line.strip_prefix("Running "))?;
    rest.split_once(" (").map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Layer {
        let mut reader = Reader::new("native");
        text.lines().for_each(|line| reader.line(line));
        reader.finish()
    }

    #[test]
    fn counts_every_binary() {
        let layer = read(
            "     Running unittests src/lib.rs (target/debug/deps/tokenward-1)\n\
             running 4 tests\n\
             test clock::tests::runs ... ok\n\
             test session::tests::long ... ignored, soak\n\
             test session::tests::odd ... ignored, needs a printer\n\
             test json::tests::refuses ... FAILED\n\
             test result: FAILED. 1 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out\n\
             Doc-tests tokenward\n\
             test src/lib.rs - walk (line 3) ... ok\n\
             test src/lib.rs - refused (line 9) - compile fail ... ok\n\
             test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out",
        );
        assert_eq!((layer.passed, layer.failed, layer.skipped, layer.in_soak), (3, 1, 1, 1));
        assert_eq!(layer.failures, ["json::tests::refuses"]);
        let timed: Vec<&str> = layer.slowest.iter().map(|part| part.name.as_str()).collect();
        assert_eq!(timed, ["src/lib.rs", "Doc-tests tokenward"]);
    }

    #[test]
    fn what_a_test_prints_is_no_verdict() {
        let layer = read("test of the wind\ntesting ... ok\nrunning 3 tests");
        assert_eq!((layer.passed, layer.failed), (0, 0));
    }

    #[test]
    fn reads_the_wasm_runner() {
        let layer = read(
            "test wasm::url::parses ... ok\ntest wasm::url::fails ... FAIL\n\
             test wasm::url::later ... ignored\n\n\
             test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 filtered out; finished in 0.01s",
        );
        assert_eq!((layer.passed, layer.failed, layer.skipped), (1, 1, 1));
        assert_eq!(layer.failures, ["wasm::url::fails"]);
    }
}
