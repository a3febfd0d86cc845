//! Where things are in the project, and which versions it has locked.

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// The version of the crate, of the package, and of this tool: they are one.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The folder that holds `Cargo.toml`.
pub(crate) fn root() -> PathBuf {
    let xtask = std::env::var("CARGO_MANIFEST_DIR");
    let xtask = xtask.unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    Path::new(&xtask).parent().unwrap_or(Path::new(".")).to_owned()
}

/// A path inside the project.
pub(crate) fn at(path: &str) -> PathBuf {
    root().join(path)
}

/// `path` as a person in the project's folder would write it.
pub(crate) fn shown(path: &Path) -> String {
    match path.strip_prefix(root()) {
        Ok(inside) if inside.as_os_str().is_empty() => ".".to_owned(),
        Ok(inside) => inside.display().to_string(),
        Err(_) => path.display().to_string(),
    }
}

pub(crate) fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", shown(path)))
}

pub(crate) fn write(path: &Path, content: impl AsRef<[u8]>) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, content).with_context(|| format!("cannot write {}", shown(path)))
}

/// The version of `name` that `Cargo.lock` has.
pub(crate) fn locked_version(name: &str) -> Result<String> {
    let lock = read(&at("Cargo.lock"))?;
    version_in_lock(&lock, name).with_context(|| format!("Cargo.lock has no package `{name}`"))
}

fn version_in_lock(lock: &str, name: &str) -> Option<String> {
    let head = format!("name = \"{name}\"");
    let mut lines = lock.lines().skip_while(|line| *line != head);
    lines.next()?;
    lines.next()?.strip_prefix("version = \"")?.strip_suffix('"').map(str::to_owned)
}

/// The files directly in `folder` whose names end with `suffix`, sorted; none where there is no
/// such folder.
pub(crate) fn files_ending(folder: &Path, suffix: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_file() && path.to_string_lossy().ends_with(suffix))
        .collect();
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_locked_version() {
        let lock = "[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"1.0.0\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n";
        assert_eq!(version_in_lock(lock, "wasm-bindgen").as_deref(), Some("0.2.130"));
        assert_eq!(version_in_lock(lock, "wasm"), None);
    }
}
