//! The end of a test run: durations, failures, counts, and the same as a file.

use super::layer::{Counts, Figure, Layer};
use super::outcomes;
use crate::cli::Outcome;
use crate::project;
use anyhow::Result;
use std::path::Path;
use std::time::Duration;

/// Prints the report and writes it to `path`. The last line is the sum of all.
pub(super) fn publish(layers: &[Layer], took: Duration, path: &Path) -> Result<Outcome> {
    let sum = |part: fn(&Layer) -> usize| layers.iter().map(part).sum::<usize>();
    let (passed, failed) = (sum(|layer| layer.passed), sum(|layer| layer.failed));
    let skipped = sum(|layer| layer.skipped);
    let report = serde_json::json!({
        "passed": passed,
        "failed": failed,
        "skipped": skipped,
        "seconds": took.as_secs_f64(),
        "layers": layers,
    });
    project::write(path, serde_json::to_string_pretty(&report)? + "\n")?;
    println!();
    durations(layers, took);
    failures(layers);
    notes(layers);
    for figure in Figure::sums(layers.iter().flat_map(|layer| &layer.figures)) {
        println!("{figure}");
    }
    print!("{}", outcomes::table(layers));
    for layer in layers {
        println!("{layer}");
    }
    println!("{}", Counts(passed, failed, skipped));
    Ok(Outcome::from_ok(failed == 0))
}

fn durations(layers: &[Layer], took: Duration) {
    println!("{:<24} {:>8}   slowest", "durations", "seconds");
    for layer in layers {
        let slowest = layer.slowest.first();
        let slowest =
            slowest.map(|it| format!("{:.1} {}", it.seconds, it.name)).unwrap_or_default();
        println!("  {:<22} {:>8.1}   {slowest}", layer.name, layer.seconds);
    }
    println!("  {:<22} {:>8.1}\n", "in all, with installing", took.as_secs_f64());
}

/// How much is said of why a test failed: the runner's own output above has all.
const LINES_OF_WHY: usize = 24;

fn failures(layers: &[Layer]) {
    for layer in layers {
        for failure in &layer.failures {
            let mut lines = failure.lines();
            println!("FAILED {}: {}", layer.name, lines.next().unwrap_or_default());
            for line in lines.filter(|line| !line.trim().is_empty()).take(LINES_OF_WHY) {
                println!("    {line}");
            }
        }
    }
}

fn notes(layers: &[Layer]) {
    for layer in layers.iter().filter(|layer| layer.in_soak > 0) {
        println!("{}: {} long tests run under `cargo xtask soak`", layer.name, layer.in_soak);
    }
}
