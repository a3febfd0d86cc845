//! Browsers and their drivers: found on the system, installed by `apt-get` where that is possible.

use super::{CrateTool, announce};
use crate::process;
use anyhow::{Result, bail};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Chromium's engine without tab strip, extensions and updates, of the same version. Where it is missing,
/// tests run in the whole browser, which takes them two thirds more of the processor.
const SHELL: &str = "chromium-headless-shell";
/// Where Debian has the program. Its command is a script that waits for it, and a driver that ends the script
/// leaves the browser running, with all its vaults.
const SHELL_ITSELF: &str = "/usr/lib/chromium/chromium-headless-shell";

/// A browser engine that tests run in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Browser {
    Chromium,
    Firefox,
    Webkit,
}

/// What a test run is told of a browser: paths of the program (none where the driver knows) and of
/// its driver.
pub(crate) struct WebDriver {
    pub(crate) browser: Option<PathBuf>,
    pub(crate) driver: PathBuf,
}

impl Browser {
    pub(crate) const ALL: [Self; 3] = [Self::Chromium, Self::Firefox, Self::Webkit];

    /// The word for it on the command line and in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Chromium => "chromium",
            Self::Firefox => "firefox",
            Self::Webkit => "webkit",
        }
    }

    /// Debian's packages that bring it.
    fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Chromium => &["chromium", "chromium-driver", SHELL],
            Self::Firefox => &["firefox-esr"],
            Self::Webkit => &["webkit2gtk-driver", "xvfb"],
        }
    }

    /// The programs that must be found; of each list, any one.
    fn programs(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::Chromium => {
                &[&["chromium", "chromium-browser", "google-chrome"], &["chromedriver"]]
            }
            Self::Firefox => &[&["firefox-esr", "firefox"]],
            Self::Webkit => &[&["WebKitWebDriver"], &["Xvfb"]],
        }
    }

    fn is_present(self) -> bool {
        self.programs().iter().all(|names| find_any(names).is_some())
    }

    /// The variables by which a Node script learns where its programs are.
    pub(crate) fn variables(self) -> Result<Vec<(OsString, OsString)>> {
        let (browser, driver) = match self {
            Self::Chromium => ("TOKENWARD_CHROMIUM", "TOKENWARD_CHROMEDRIVER"),
            Self::Firefox => ("TOKENWARD_FIREFOX", "TOKENWARD_GECKODRIVER"),
            Self::Webkit => ("TOKENWARD_WEBKIT", "TOKENWARD_WEBKITDRIVER"),
        };
        let found = self.web_driver()?;
        let mut told = vec![(driver.into(), found.driver.into())];
        told.extend(found.browser.map(|program| (browser.into(), program.into())));
        Ok(told)
    }

    /// As [`Self::variables`], with the browser that costs a run of many tests the least.
    pub(crate) fn variables_of_a_suite(self) -> Result<Vec<(OsString, OsString)>> {
        let mut told = self.variables()?;
        if self == Self::Chromium {
            let program = Path::new(SHELL_ITSELF);
            let found = program.is_file().then(|| program.to_owned()).or_else(|| find(SHELL));
            told.extend(found.map(|program| ("TOKENWARD_CHROMIUM".into(), program.into())));
        }
        Ok(told)
    }

    /// Where its programs are.
    pub(crate) fn web_driver(self) -> Result<WebDriver> {
        let found = |place: usize| {
            let names = self.programs()[place];
            find_any(names).ok_or_else(|| anyhow::anyhow!("{} is not installed", names[0]))
        };
        Ok(match self {
            Self::Chromium => WebDriver { browser: Some(found(0)?), driver: found(1)? },
            Self::Firefox => {
                WebDriver { browser: Some(found(0)?), driver: CrateTool::Geckodriver.program()? }
            }
            Self::Webkit => WebDriver { browser: None, driver: found(0)? },
        })
    }
}

pub(super) fn ensure(browsers: &[Browser]) -> Result<()> {
    let missing: Vec<Browser> = browsers.iter().copied().filter(|one| !one.is_present()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> =
        missing.iter().flat_map(|browser| browser.packages()).copied().collect();
    if !can_apt()? {
        let names: Vec<&str> = missing.iter().map(|browser| browser.name()).collect();
        bail!(
            "tests need {}, with driver. On Debian: `sudo apt-get install {}`. Elsewhere: install \
             the browser and put its WebDriver on the PATH.",
            names.join(" and "),
            packages.join(" ")
        );
    }
    announce(&format!("{} by apt-get", packages.join(" ")));
    process::capture(apt().args(["update", "-qq"]))?;
    process::capture(
        apt().args(["install", "-y", "-qq", "--no-install-recommends"]).args(&packages),
    )?;
    match missing.iter().find(|browser| !browser.is_present()) {
        Some(browser) => bail!("{} was installed, and is not found on the PATH", browser.name()),
        None => Ok(()),
    }
}

fn apt() -> std::process::Command {
    let mut apt = process::command("apt-get");
    apt.env("DEBIAN_FRONTEND", "noninteractive");
    apt
}

/// On Debian or its kin, as root?
fn can_apt() -> Result<bool> {
    if find("apt-get").is_none() {
        return Ok(false);
    }
    Ok(process::capture(process::command("id").arg("-u"))?.trim() == "0")
}

fn find_any(names: &[&str]) -> Option<PathBuf> {
    names.iter().find_map(|name| find(name))
}

/// The program `name` on the PATH.
fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}
