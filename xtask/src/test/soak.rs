//! `soak`: what is too long for every run.

use super::cells::{self, Cell};
use super::layer::{Filter, Layer};
use super::node::{self, Beside};
use super::{fuzz, native, report};
use crate::cli::{Flags, Outcome, Verb};
use crate::{build, project, tools};
use anyhow::Result;
use std::time::Instant;

pub(crate) const VERB: Verb = Verb {
    name: "soak",
    summary: "Runs the long tests: native ones marked `soak`, the fuzz targets, tests/e2e/*.soak.mjs",
    flags: &[],
    run,
};

fn run(_: &Flags) -> Result<Outcome> {
    let start = Instant::now();
    let mut layers = Vec::new();
    let none = |name: &str| println!("{name}: no long tests of this kind");
    match native::soak("native")? {
        Some(layer) => layers.push(Layer { seconds: start.elapsed().as_secs_f64(), ..layer }),
        None => none("native"),
    }
    tools::ensure(fuzz::NEEDS)?;
    layers.push(fuzz::run("fuzz")?);
    let cells: Vec<Cell> = cells::chosen(None, None).collect();
    if node::E2E_SOAK.files().is_empty() {
        none("e2e");
    } else {
        build::package()?;
        for cell in cells {
            tools::ensure(&cells::needs(cell))?;
            layers.push(e2e(cell)?);
        }
    }
    anyhow::ensure!(!layers.is_empty(), "there are no long tests");
    report::publish(&layers, start.elapsed(), &project::at("target/test/soak.json"))
}

fn e2e(cell: Cell) -> Result<Layer> {
    let start = Instant::now();
    let name = format!("e2e {cell}");
    let (all, told) = (Filter::new(None)?, cells::told(cell)?);
    let layer = node::run(&name, &node::E2E_SOAK, &all, &told, Beside::Nothing)?;
    Ok(Layer { seconds: start.elapsed().as_secs_f64(), ..layer })
}
