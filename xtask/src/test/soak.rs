//! `soak`: what is too long for every run. What came of it is kept in docs/soak.json, with its commit.

use super::cells::{self, Cell};
use super::layer::{Filter, Layer};
use super::node::{self, Beside};
use super::{fuzz, native, report};
use crate::cli::{Flag, Flags, Outcome, Verb};
use crate::{build, process, project, sim, tools};
use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use std::time::Instant;

pub(crate) const VERB: Verb = Verb {
    name: "soak",
    summary: "Runs what is too long for `test`, and keeps what came of it in docs/soak.json",
    flags: &[
        Flag {
            name: "only",
            value: Some("KIND"),
            help: "native (tests marked `soak`), sim, fuzz, reproduce or e2e (tests/e2e/*.soak.mjs)",
        },
        super::BROWSER,
        super::PLACE,
    ],
    run,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Native,
    Sim,
    Fuzz,
    Reproduce,
    E2e,
}

const KINDS: &[(&str, Kind)] = &[
    ("native", Kind::Native),
    ("sim", Kind::Sim),
    ("fuzz", Kind::Fuzz),
    ("reproduce", Kind::Reproduce),
    ("e2e", Kind::E2e),
];

/// Where the last figures of each layer are.
const KEPT: &str = "docs/soak.json";

/// A layer, and what it printed of its figures.
type Soaked = (Layer, Vec<String>);

fn run(flags: &Flags) -> Result<Outcome> {
    let only = flags.choice("only", KINDS)?;
    let start = Instant::now();
    let mut soaked: Vec<Soaked> = Vec::new();
    for (name, kind) in KINDS.iter().filter(|(_, kind)| only.is_none_or(|it| it == *kind)) {
        println!("\n== {name}");
        match kind {
            Kind::Native => soaked.extend(timed(|| native::soak(name))?.map(without_figures)),
            Kind::Sim => soaked.push(simulated(name)?),
            Kind::Fuzz => {
                tools::ensure(fuzz::NEEDS)?;
                soaked.extend(timed(|| fuzz::run(name).map(Some))?.map(without_figures));
            }
            Kind::Reproduce => soaked.push(reproduced(name)?),
            Kind::E2e => {
                build::package()?;
                for cell in wanted_cells(flags)? {
                    tools::ensure(&cells::needs(cell))?;
                    soaked.extend(timed(|| e2e(cell).map(Some))?.map(without_figures));
                }
            }
        }
    }
    keep(&soaked)?;
    let layers: Vec<Layer> = soaked.into_iter().map(|(layer, _)| layer).collect();
    report::publish(&layers, start.elapsed(), &project::at("target/test/soak.json"))
}

fn wanted_cells(flags: &Flags) -> Result<Vec<Cell>> {
    let (browser, place) = super::cell_flags(flags)?;
    Ok(if browser.is_none() && place.is_none() {
        cells::usual().collect()
    } else {
        cells::chosen(browser, place).collect()
    })
}

fn without_figures(layer: Layer) -> Soaked {
    (layer, Vec::new())
}

fn timed(run: impl FnOnce() -> Result<Option<Layer>>) -> Result<Option<Layer>> {
    let start = Instant::now();
    let layer = run()?;
    Ok(layer.map(|layer| Layer { seconds: start.elapsed().as_secs_f64(), ..layer }))
}

/// A hundred thousand hours, and a million clients.
const SIMULATIONS: &[&[&str]] =
    &[&["--hours", "100000", "--seeds", "10000"], &["--fleet", "1000000"]];

fn simulated(name: &str) -> Result<Soaked> {
    let start = Instant::now();
    let mut layer = Layer::new(name);
    let mut figures = Vec::new();
    for words in SIMULATIONS {
        figures.push(["cargo xtask sim", &words.join(" ")].join(" "));
        let mut simulator = sim::simulator()?;
        let status = process::tee(simulator.args(*words), |line| figures.push(line.to_owned()))?;
        if status.success() {
            layer.passed += 1;
        } else {
            layer.fail(&words.join(" "));
        }
    }
    layer.seconds = start.elapsed().as_secs_f64();
    Ok((layer, figures))
}

/// Two builds of the package, file by file (t34). The figures are of what the rest is made from.
fn reproduced(name: &str) -> Result<Soaked> {
    let start = Instant::now();
    let mut layer = Layer::new(name);
    let mut figures = Vec::new();
    for file in build::reproduce::compare()? {
        let line = file.line();
        println!("{line}");
        if file.is_equal() {
            layer.passed += 1;
        } else {
            layer.fail(&line);
        }
        if ["/vault.wasm", " pkg/vault.js"].iter().any(|name| line.ends_with(name)) {
            figures.push(line);
        }
    }
    layer.seconds = start.elapsed().as_secs_f64();
    Ok((layer, figures))
}

fn e2e(cell: Cell) -> Result<Layer> {
    let name = format!("e2e {cell}");
    let (all, told) = (Filter::new(None)?, cells::told(cell)?);
    node::run(&name, &node::E2E_SOAK, &all, &told, Beside::Nothing)
}

/// Puts the layers beside what is known of the others.
fn keep(soaked: &[Soaked]) -> Result<()> {
    let path = project::at(KEPT);
    let known = project::read(&path).unwrap_or_else(|_| "{}".to_owned());
    let mut known: Map<String, Value> = serde_json::from_str(&known).context(KEPT)?;
    let describe = ["describe", "--always", "--dirty", "--exclude", "*"];
    let commit = process::capture(process::command("git").args(describe))?;
    for (layer, figures) in soaked {
        let entry = json!({
            "commit": commit.trim(),
            "passed": layer.passed,
            "failed": layer.failed,
            "skipped": layer.skipped,
            "seconds": layer.seconds.round(),
            "figures": figures,
        });
        known.insert(layer.name.clone(), entry);
    }
    project::write(&path, serde_json::to_string_pretty(&known)? + "\n")
}
