//! `test`: every layer of tests, each with its counts, then all in one line.

mod cells;
mod fuzz;
mod layer;
mod libtest;
mod native;
mod node;
mod outcomes;
mod report;
pub(crate) mod soak;
mod wasm;

use crate::cli::{Flag, Flags, Outcome, Usage, Verb};
use crate::tools::{self, Browser, Need};
use crate::{build, project};
use anyhow::Result;
use cells::{Cell, Place};
use layer::{Filter, Layer};
use node::Beside;
use std::cmp::Reverse;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

pub(crate) const VERB: Verb = Verb {
    name: "test",
    summary: "Runs the tests: native, facade, servers, wasm, engine, wire, attacks, e2e, package",
    flags: &[
        Flag {
            name: "only",
            value: Some("LAYER"),
            help: "native, facade, servers, wasm, engine, wire, attacks, e2e or package",
        },
        BROWSER,
        PLACE,
        Flag { name: "grep", value: Some("RE"), help: "only tests whose names match" },
        Flag { name: "list", value: None, help: "prints the names, runs nothing" },
    ],
    run,
};

const BROWSER: Flag =
    Flag { name: "browser", value: Some("NAME"), help: "chromium, firefox or webkit" };
const PLACE: Flag =
    Flag { name: "place", value: Some("NAME"), help: "where the vault is: shared, worker, page" };

/// The layers, in the order in which they run: the quickest to tell something first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Native,
    Facade,
    Servers,
    Wasm,
    Engine,
    Wire,
    Attacks,
    E2e,
    Package,
}

const KINDS: &[(&str, Kind)] = &[
    ("native", Kind::Native),
    ("facade", Kind::Facade),
    ("servers", Kind::Servers),
    ("wasm", Kind::Wasm),
    ("engine", Kind::Engine),
    ("wire", Kind::Wire),
    ("attacks", Kind::Attacks),
    ("e2e", Kind::E2e),
    ("package", Kind::Package),
];

/// Where the packed package is tried.
const PACKAGE_CELL: Cell = Cell { browser: Browser::Chromium, place: Place::Shared };

/// One thing to run, with counts of its own.
#[derive(Clone, Copy, Debug)]
enum Part {
    Native,
    Facade,
    Servers,
    Wasm(Browser),
    /// What depends on the engine and not on the vault's place.
    Engine(Browser),
    /// What the wire layer has without a browser.
    WireNative,
    /// What every credential does on the wire.
    Wire(Cell),
    /// What script in the page tries.
    Attacks(Cell),
    E2e(Cell),
    Package,
}

impl Part {
    fn name(self) -> String {
        match self {
            Self::Native => "native".to_owned(),
            Self::Facade => "facade".to_owned(),
            Self::Servers => "servers".to_owned(),
            Self::Wasm(browser) => format!("wasm {}", browser.name()),
            Self::Engine(browser) => format!("engine {}", browser.name()),
            Self::WireNative => "wire native".to_owned(),
            Self::Wire(cell) => format!("wire {cell}"),
            Self::Attacks(cell) => format!("attacks {cell}"),
            Self::E2e(cell) => format!("e2e {cell}"),
            Self::Package => "package".to_owned(),
        }
    }

    fn needs(self) -> Vec<Need> {
        match self {
            Self::Native | Self::WireNative => vec![],
            Self::Facade | Self::Servers => vec![Need::Npm],
            Self::Wasm(browser) => wasm::needs(browser),
            Self::Engine(browser) => cells::needs(cells::of_engine(browser)),
            Self::Wire(cell) | Self::Attacks(cell) | Self::E2e(cell) => cells::needs(cell),
            Self::Package => cells::needs(PACKAGE_CELL),
        }
    }

    /// Whether it runs on a machine that has a compiler and nothing else.
    fn needs_nothing(self) -> bool {
        self.needs().is_empty() && self.products().is_empty()
    }

    /// Whether the two may run at the same time.
    fn runs_beside(self, other: Self) -> bool {
        let is_driven = |part| {
            matches!(part, Self::Engine(_) | Self::Wire(_) | Self::Attacks(_) | Self::E2e(_))
        };
        // What several would write at once is made by one after the other.
        let is_made_anew = std::env::var_os("UPDATE_THREATS").is_some();
        is_driven(self) && is_driven(other) && !is_made_anew
    }

    /// Which of two takes longer: the one that has more.
    fn weight(self) -> u32 {
        match self {
            Self::Engine(browser) => cells::of_engine(browser).weight(),
            Self::Wire(cell) => cell.weight() / 4,
            Self::Attacks(cell) | Self::E2e(cell) => cell.weight(),
            _ => 0,
        }
    }

    /// What must be built before it.
    fn products(self) -> &'static [Product] {
        match self {
            Self::Engine(_) => &[Product::Package, Product::YewPage],
            Self::Wire(_) | Self::Attacks(_) | Self::E2e(_) | Self::Package => &[Product::Package],
            _ => &[],
        }
    }

    fn list(self, filter: &Filter) -> Result<Vec<String>> {
        match self {
            Self::Native => native::list(filter),
            Self::Facade => node::list(&node::FACADE, filter),
            Self::Servers => node::list(&node::SERVERS, filter),
            Self::Wasm(_) => wasm::list(filter),
            Self::Engine(_) => node::list(&node::ENGINE, filter),
            Self::WireNative => native::list_wire(filter),
            Self::Wire(_) => node::list(&node::WIRE, filter),
            Self::Attacks(_) => node::list(&node::ATTACKS, filter),
            Self::E2e(_) => node::list(&node::E2E, filter),
            Self::Package => node::list(&node::PACKAGE, filter),
        }
    }

    fn run(self, filter: &Filter, beside: Beside) -> Result<Layer> {
        let name = self.name();
        match self {
            Self::Native => native::run(&name, filter),
            Self::Facade => node::run(&name, &node::FACADE, filter, &[], beside),
            Self::Servers => node::run(&name, &node::SERVERS, filter, &[], beside),
            Self::Wasm(browser) => wasm::run(&name, browser, filter),
            Self::Engine(browser) => {
                let told = cells::told(cells::of_engine(browser))?;
                node::run(&name, &node::ENGINE, filter, &told, beside)
            }
            Self::WireNative => native::wire(&name, filter),
            Self::Wire(cell) => node::run(&name, &node::WIRE, filter, &cells::told(cell)?, beside),
            Self::Attacks(cell) => {
                node::run(&name, &node::ATTACKS, filter, &cells::told_whole(cell)?, beside)
            }
            Self::E2e(cell) => node::run(&name, &node::E2E, filter, &cells::told(cell)?, beside),
            Self::Package => {
                let mut told = cells::told(PACKAGE_CELL)?;
                told.push(("TOKENWARD_TARBALL".into(), build::tarball()?.into()));
                node::run(&name, &node::PACKAGE, filter, &told, beside)
            }
        }
    }
}

fn run(flags: &Flags) -> Result<Outcome> {
    let filter = Filter::new(flags.value("grep"))?;
    let parts = chosen(flags)?;
    if flags.has("list") {
        return list(&parts, &filter);
    }
    // With a pattern, a part that has no such test is left out, and said to be.
    let parts = if filter.is_some() { matching(&parts, &filter)? } else { parts };
    let start = Instant::now();
    let (first, rest) =
        parts.split_at(parts.iter().take_while(|part| part.needs_nothing()).count());
    let mut layers = Vec::new();
    let mut built = std::thread::scope(|scope| {
        // On a bare machine that takes minutes, in which many a program keeps one processor busy of two:
        // what needs nothing runs meanwhile. No test of it asks the clock.
        let readying = scope.spawn(|| readied(rest));
        layers.extend(first.iter().map(|part| finished(*part, &filter, &mut Built::default())));
        readying.join().unwrap_or_default()
    });
    for group in rest.chunk_by(|one, other| one.runs_beside(*other)) {
        match group {
            [part] => layers.push(finished(*part, &filter, &mut built)),
            group => layers.extend(together(group, &filter, &mut built)),
        }
    }
    report::publish(&layers, start.elapsed(), &project::at("target/test/report.json"))
}

/// The browser and the place that were asked for.
fn cell_flags(flags: &Flags) -> Result<(Option<Browser>, Option<Place>)> {
    let browser =
        flags.choice("browser", &Browser::ALL.map(|browser| (browser.name(), browser)))?;
    Ok((browser, flags.choice("place", cells::PLACES)?))
}

/// What runs under these flags.
fn chosen(flags: &Flags) -> Result<Vec<Part>> {
    let only = flags.choice("only", KINDS)?;
    let (browser, place) = cell_flags(flags)?;
    let mut parts = Vec::new();
    for kind in KINDS.iter().map(|(_, kind)| *kind).filter(|kind| only.is_none_or(|it| it == *kind))
    {
        match kind {
            // These know no browser and no place: asked for one, they are not meant.
            Kind::Native | Kind::Facade | Kind::Servers | Kind::Package
                if only.is_none() && (browser.is_some() || place.is_some()) => {}
            Kind::Native => parts.push(Part::Native),
            Kind::Facade => parts.push(Part::Facade),
            Kind::Servers => parts.push(Part::Servers),
            Kind::Package => parts.push(Part::Package),
            Kind::Wasm | Kind::Engine | Kind::Wire if only.is_none() && place.is_some() => {}
            Kind::Wasm => parts.extend(
                wasm::BROWSERS
                    .iter()
                    .filter(|one| browser.is_none_or(|it| it == **one))
                    .map(|one| Part::Wasm(*one)),
            ),
            Kind::Engine => {
                parts.extend(cells::engines(browser, only.is_some()).map(Part::Engine));
            }
            // With every change in one engine; natively it is among the native tests.
            Kind::Wire if only.is_none() => {
                let engine = browser.unwrap_or(Browser::Chromium);
                parts.push(Part::Wire(cells::of_engine(engine)));
            }
            Kind::Wire => {
                if browser.is_none() && place.is_none() {
                    parts.push(Part::WireNative);
                }
                parts.extend(cells::chosen(browser, place).map(Part::Wire));
            }
            // These take minutes, so they run when they are asked for.
            Kind::Attacks if only.is_none() => {}
            // The page promises no isolation, so there is nothing to attack.
            Kind::Attacks => {
                let isolated =
                    cells::chosen(browser, place).filter(|cell| cell.place != Place::Page);
                parts.extend(isolated.map(Part::Attacks));
            }
            Kind::E2e if only.is_none() && browser.is_none() && place.is_none() => {
                parts.extend(cells::usual().map(Part::E2e));
            }
            Kind::E2e => parts.extend(cells::chosen(browser, place).map(Part::E2e)),
        }
    }
    if parts.is_empty() {
        return Err(Usage(format!("no tests for that; e2e runs in {}", cells::names())).into());
    }
    Ok(parts)
}

/// What is under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Product {
    /// The npm package.
    Package,
    /// The example in Rust.
    YewPage,
}

impl Product {
    fn build(self) -> Result<()> {
        match self {
            Self::Package => build::package(),
            Self::YewPage => build::yew::page(),
        }
    }
}

/// The products, each built once, when the first part wants it.
#[derive(Default)]
struct Built(Vec<(Product, Result<(), String>)>);

impl Built {
    fn has(&mut self, product: Product) -> Result<()> {
        let known = self.0.iter().find(|(other, _)| *other == product);
        let outcome = if let Some((_, outcome)) = known {
            outcome.clone()
        } else {
            let start = Instant::now();
            let outcome = product.build().map_err(|problem| format!("{problem:#}"));
            println!("built {product:?} in {:.1} s", start.elapsed().as_secs_f64());
            self.0.push((product, outcome.clone()));
            outcome
        };
        outcome.map_err(anyhow::Error::msg)
    }
}

/// Installs and builds whatever the parts need. What could not be had fails those that need it, in their
/// turn.
fn readied(parts: &[Part]) -> Built {
    let needs: Vec<Need> = parts.iter().flat_map(|part| part.needs()).collect();
    let mut built = Built::default();
    if tools::ensure(&needs).is_ok() {
        let products = parts.iter().flat_map(|part| part.products());
        products.for_each(|product| drop(built.has(*product)));
    }
    built
}

/// Runs one part. Whatever keeps it from running is one failure of that part.
fn finished(part: Part, filter: &Filter, built: &mut Built) -> Layer {
    println!("\n== {}", part.name());
    let start = Instant::now();
    let layer = prepared(part, built).and_then(|()| part.run(filter, Beside::Nothing));
    judged(part, start, layer)
}

/// How many parts run at once, where they may: a test waits more than it works, so three keep two processors
/// busy; more, and a browser that is kept from its turn too long is taken for one that hangs.
const AT_ONCE: usize = 3;

/// Runs parts beside each other, those that take longest first: none is to run on when all others are over.
fn together(parts: &[Part], filter: &Filter, built: &mut Built) -> Vec<Layer> {
    // One by one, and known before anything runs: what is prepared while others run slows them down.
    let ready: Vec<Result<()>> = parts.iter().map(|part| prepared(*part, built)).collect();
    let mut jobs: Vec<_> = parts.iter().zip(ready).enumerate().collect();
    jobs.sort_by_key(|(_, (part, _))| Reverse(part.weight()));
    let jobs = Mutex::new(jobs.into_iter());
    let layers = Mutex::new(Vec::new());
    let work = || {
        while let Some((at, (part, ready))) = jobs.lock().ok().and_then(|mut jobs| jobs.next()) {
            let start = Instant::now();
            let layer = ready.and_then(|()| part.run(filter, Beside::Others));
            let layer = judged(*part, start, layer);
            if let Ok(mut layers) = layers.lock() {
                layers.push((at, layer));
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(parts.len()) {
            scope.spawn(work);
        }
    });
    let mut layers = layers.into_inner().unwrap_or_else(PoisonError::into_inner);
    layers.sort_by_key(|(at, _)| *at);
    layers.into_iter().map(|(_, layer)| layer).collect()
}

/// Has a part's tools and products.
fn prepared(part: Part, built: &mut Built) -> Result<()> {
    tools::ensure(&part.needs())?;
    part.products().iter().try_for_each(|product| built.has(*product))
}

fn judged(part: Part, start: Instant, layer: Result<Layer>) -> Layer {
    let name = part.name();
    let layer = layer.unwrap_or_else(|problem| {
        eprintln!("xtask: {name}: {problem:#}");
        Layer::broken(&name, &format!("{problem:#}"))
    });
    Layer { seconds: start.elapsed().as_secs_f64(), ..layer }
}

fn matching(parts: &[Part], filter: &Filter) -> Result<Vec<Part>> {
    let mut found = Vec::new();
    for part in parts {
        if part.list(filter)?.is_empty() {
            println!("{}: no test of that name", part.name());
        } else {
            found.push(*part);
        }
    }
    if found.is_empty() {
        anyhow::bail!("no test has a name that matches {filter}");
    }
    Ok(found)
}

fn list(parts: &[Part], filter: &Filter) -> Result<Outcome> {
    for part in parts {
        let names = part.list(filter)?;
        println!("{} ({})", part.name(), names.len());
        for name in names {
            println!("  {name}");
        }
    }
    Ok(Outcome::Done)
}
