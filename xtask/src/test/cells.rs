//! The cells of the end-to-end layer: which browser, and where in it the vault is.

use crate::build;
use crate::tools::{Browser, CrateTool, Need};
use anyhow::Result;
use std::ffi::OsString;
use std::fmt;

/// Where the vault sits behind the page's port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Shared,
    Worker,
    Page,
}

/// The words for places, on the command line and in reports.
pub(super) const PLACES: &[(&str, Place)] =
    &[("shared", Place::Shared), ("worker", Place::Worker), ("page", Place::Page)];

/// One run of the end-to-end suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) browser: Browser,
    pub(super) place: Place,
}

/// The cells that the product supports.
const CELLS: &[Cell] = &[
    Cell { browser: Browser::Chromium, place: Place::Shared },
    Cell { browser: Browser::Chromium, place: Place::Worker },
    Cell { browser: Browser::Chromium, place: Place::Page },
    Cell { browser: Browser::Firefox, place: Place::Shared },
    Cell { browser: Browser::Firefox, place: Place::Worker },
    Cell { browser: Browser::Firefox, place: Place::Page },
    Cell { browser: Browser::Webkit, place: Place::Shared },
    Cell { browser: Browser::Webkit, place: Place::Worker },
    Cell { browser: Browser::Webkit, place: Place::Page },
];

/// Where what depends on the engine alone is shown.
pub(super) const fn of_engine(browser: Browser) -> Cell {
    Cell { browser, place: Place::Shared }
}

/// Cells that run only when this layer, a browser or a place is asked for by name. What they alone can
/// show is little: the engine is covered by another cell of it, the place by Chromium. All of them make a run a
/// sixth longer, which a slow machine has no time for; and in WebKit's, where all processors are busy, a restore
/// may take longer than a test waits.
const ASKED_FOR: &[Cell] = &[
    Cell { browser: Browser::Firefox, place: Place::Worker },
    Cell { browser: Browser::Firefox, place: Place::Page },
    Cell { browser: Browser::Webkit, place: Place::Shared },
    Cell { browser: Browser::Webkit, place: Place::Worker },
];

impl Place {
    fn name(self) -> &'static str {
        PLACES.iter().find(|(_, place)| *place == self).map_or("", |(name, _)| name)
    }
}

impl Cell {
    /// About how long its tests take among other cells' tests, in tens of seconds: seen on two processors.
    pub(super) fn weight(self) -> u32 {
        match (self.browser, self.place) {
            (Browser::Chromium, Place::Shared) => 28,
            (Browser::Chromium, Place::Worker) => 10,
            (Browser::Chromium, Place::Page) => 5,
            (Browser::Firefox, Place::Shared) => 29,
            (Browser::Firefox, Place::Worker) => 13,
            (Browser::Firefox, Place::Page) => 6,
            (Browser::Webkit, _) => 17,
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.browser.name(), self.place.name())
    }
}

/// The cells in `browser` and `place`, each any where it is `None`.
pub(super) fn chosen(browser: Option<Browser>, place: Option<Place>) -> impl Iterator<Item = Cell> {
    let wanted = move |cell: &Cell| {
        browser.is_none_or(|it| it == cell.browser) && place.is_none_or(|it| it == cell.place)
    };
    CELLS.iter().copied().filter(wanted)
}

/// The cells that run with every change.
pub(super) fn usual() -> impl Iterator<Item = Cell> {
    CELLS.iter().copied().filter(|cell| !ASKED_FOR.contains(cell))
}

/// The engines in which what depends on them alone is shown: the one in `browser`; else all where that
/// layer is `asked_for`, and otherwise those of every change.
pub(super) fn engines(browser: Option<Browser>, asked_for: bool) -> impl Iterator<Item = Browser> {
    let usual = move |engine| asked_for || !ASKED_FOR.contains(&of_engine(engine));
    let wanted = move |engine: &Browser| browser.map_or_else(|| usual(*engine), |it| it == *engine);
    Browser::ALL.into_iter().filter(wanted)
}

/// The names of all cells.
pub(super) fn names() -> String {
    CELLS.iter().map(Cell::to_string).collect::<Vec<_>>().join(", ")
}

pub(super) fn needs(cell: Cell) -> Vec<Need> {
    let mut needs = build::NEEDS.to_vec();
    needs.push(Need::Browser(cell.browser));
    if cell.browser == Browser::Firefox {
        needs.push(Need::Crate(CrateTool::Geckodriver));
    }
    needs
}

/// The variables by which a test learns where it runs.
pub(super) fn told(cell: Cell) -> Result<Vec<(OsString, OsString)>> {
    Ok(told_with(cell, cell.browser.variables_of_a_suite()?))
}

/// The same for tests that touch all that a page can reach: some of it has nothing behind it in Chromium's
/// headless shell, which then ends the page.
pub(super) fn told_whole(cell: Cell) -> Result<Vec<(OsString, OsString)>> {
    Ok(told_with(cell, cell.browser.variables()?))
}

fn told_with(cell: Cell, programs: Vec<(OsString, OsString)>) -> Vec<(OsString, OsString)> {
    let mut told: Vec<(OsString, OsString)> = vec![
        ("TOKENWARD_BROWSER".into(), cell.browser.name().into()),
        ("TOKENWARD_PLACE".into(), cell.place.name().into()),
        ("TOKENWARD_PKG".into(), build::folder().into()),
        ("TOKENWARD_YEW".into(), build::yew::folder().into()),
    ];
    told.extend(programs);
    told
}
