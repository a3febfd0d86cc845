//! The wasm layer: `wasm-pack test` in a real browser, one browser at a time.

use super::layer::{Filter, Layer};
use super::libtest::Reader;
use crate::tools::{Browser, CrateTool, Need};
use crate::{process, project};
use anyhow::{Context, Result};
use regex_lite::Regex;
use std::path::{Path, PathBuf};

/// The browsers that `wasm-pack` drives.
pub(super) const BROWSERS: &[Browser] = &[Browser::Chromium, Browser::Firefox];

const TESTS: &str = "tests/wasm";

pub(super) fn needs(browser: Browser) -> Vec<Need> {
    let mut needs = vec![
        Need::WasmTarget,
        Need::Crate(CrateTool::WasmBindgen),
        Need::Crate(CrateTool::WasmPack),
        Need::Browser(browser),
    ];
    if browser == Browser::Firefox {
        needs.push(Need::Crate(CrateTool::Geckodriver));
    }
    needs
}

pub(super) fn run(name: &str, browser: Browser, filter: &Filter) -> Result<Layer> {
    // What the runner says when it is in that browser, and in no other whose driver it found.
    let (flag, driver_flag, sign) = match browser {
        Browser::Firefox => ("--firefox", "--geckodriver", "Running headless tests in Firefox"),
        _ => ("--chrome", "--chromedriver", "Running headless tests in Chrome"),
    };
    let mut pack = process::command(CrateTool::WasmPack.program()?);
    pack.args(["test", "--mode", "no-install", "--headless", flag, driver_flag]);
    pack.arg(browser.web_driver()?.driver);
    pack.args([".", "--test", "wasm"]);
    if filter.is_some() {
        pack.args(["--", "--exact"]).args(rejected(filter)?);
    }
    environment(&mut pack, browser)?;
    serve_vectors()?;
    let mut reader = Reader::new(name);
    let mut in_browser = false;
    let status = process::tee(&mut pack, |line| {
        in_browser |= line.contains(sign);
        reader.line(line);
    })?;
    let mut layer = reader.finish();
    if !in_browser {
        layer.fail(&format!("the tests never ran in {}", browser.name()));
    }
    Ok(layer.judged(status.success()))
}

/// Lays the public vectors where the tests' own server, which serves the project's folder, finds them.
/// Where there are none the tests say so.
fn serve_vectors() -> Result<()> {
    let (from, to) = (project::at("../shared/vectors"), project::at("target/test/vectors"));
    for folder in ["wycheproof", "jose-cookbook/jws", "jose-cookbook/curve25519", "rfc-misc"] {
        for file in project::files_ending(&from.join(folder), ".json") {
            let name = file.strip_prefix(&from).context("a vector outside its folder")?;
            project::write(&to.join(name), project::read(&file)?)?;
        }
    }
    Ok(())
}

/// The runner takes the first driver variable that it finds: this browser's must be the only one.
fn environment(pack: &mut std::process::Command, browser: Browser) -> Result<()> {
    for driver in ["GECKODRIVER", "SAFARIDRIVER", "CHROMEDRIVER", "MSEDGEDRIVER"] {
        pack.env_remove(driver).env_remove(format!("{driver}_REMOTE"));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders =
        std::iter::once(CrateTool::WasmBindgen.folder()?).chain(std::env::split_paths(&path));
    pack.env("PATH", std::env::join_paths(folders)?);
    pack.env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", capabilities(browser)?);
    // wasm-pack builds with one profile and tests with the other: equal, they compile once.
    for profile in ["DEV", "TEST"] {
        pack.env(format!("CARGO_PROFILE_{profile}_OPT_LEVEL"), "1");
        pack.env(format!("CARGO_PROFILE_{profile}_DEBUG"), "0");
    }
    pack.env("WASM_BINDGEN_TEST_TIMEOUT", "120");
    pack.env("WASM_BINDGEN_TEST_DRIVER_TIMEOUT", "60");
    Ok(())
}

/// Writes what the browser is started with: no sandbox, because root has none, and no traffic of
/// the browser's own.
fn capabilities(browser: Browser) -> Result<PathBuf> {
    let program = browser.web_driver()?.browser;
    let capabilities = match browser {
        Browser::Firefox => serde_json::json!({
            "moz:firefoxOptions": { "binary": program, "args": ["-headless"] }
        }),
        _ => serde_json::json!({
            "goog:chromeOptions": {
                "binary": program,
                "args": [
                    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                    "--no-first-run", "--disable-background-networking", "--disable-component-update",
                    "--disable-sync", "--disable-quic"
                ]
            }
        }),
    };
    let path = project::at("target/test").join(format!("webdriver-{}.json", browser.name()));
    project::write(&path, capabilities.to_string())?;
    Ok(path)
}

/// The runner filters by one name; leaving out by name works for any pattern.
fn rejected(filter: &Filter) -> Result<Vec<String>> {
    let all = list(&Filter::new(None)?)?;
    let rejected = all.into_iter().filter(|name| !filter.takes(name));
    Ok(rejected.flat_map(|name| ["--skip".to_owned(), name]).collect())
}

/// The tests, as their sources name them: asking the binary needs a browser.
pub(super) fn list(filter: &Filter) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for file in project::files_ending(&project::at(TESTS), ".rs") {
        let source = project::read(&file)?;
        found.extend(names(&source, &module(&file))?);
    }
    Ok(found.into_iter().filter(|name| filter.takes(name)).collect())
}

/// What stands before a test's name, as the runner writes it: `url::` in `url.rs`, nothing in the
/// root file.
fn module(file: &Path) -> String {
    match file.file_stem().map(|stem| stem.to_string_lossy()) {
        Some(stem) if stem != "main" => format!("{stem}::"),
        _ => String::new(),
    }
}

fn names(source: &str, module: &str) -> Result<Vec<String>> {
    let pattern = r"#\[wasm_bindgen_test[^\]]*\](?:\s*#\[[^\]]*\])*\s*(?:pub )?(?:async )?fn (\w+)";
    let pattern = Regex::new(pattern).context("the pattern for wasm tests")?;
    Ok(pattern.captures_iter(source).map(|found| format!("{module}{}", &found[1])).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_tests_in_a_source() {
        let source = "#[wasm_bindgen_test]\nfn plain() {}\n\n#[wasm_bindgen_test(unsupported = x)]\n\
                      #[allow(dead_code)]\nasync fn waits() {}\nfn helper() {}\n";
        let found = names(source, &module(Path::new("tests/wasm/url.rs"))).unwrap();
        assert_eq!(found, ["url::plain", "url::waits"]);
        assert_eq!(module(Path::new("tests/wasm/main.rs")), "");
    }
}
