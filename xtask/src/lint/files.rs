//! Rules for files that no other tool knows.

use crate::{process, project};
use anyhow::Result;
use std::path::Path;

/// A file past this many lines does two things.
const MOST_LINES: usize = 500;

const SOURCES: &[&str] = &[".rs", ".ts", ".mjs", ".js", ".css", ".html"];

/// What breaks a rule, in words.
pub(super) fn complaints() -> Result<Vec<String>> {
    let mut complaints = Vec::new();
    for name in project_files()? {
        let path = project::at(&name);
        // A file that was removed and not committed yet is still in git's list.
        let Ok(content) = std::fs::read_to_string(&path) else {
            continue;
        };
        complaints.extend(complaint(&name, &content));
    }
    Ok(complaints)
}

/// The files that are, or could be, committed.
pub(crate) fn project_files() -> Result<Vec<String>> {
    let list = ["ls-files", "--cached", "--others", "--exclude-standard"];
    let printed = process::capture(process::command("git").args(list))?;
    Ok(printed.lines().map(str::to_owned).collect())
}

fn complaint(name: &str, content: &str) -> Option<String> {
    let lines = content.lines().count();
    let is_source = SOURCES.iter().any(|ending| name.ends_with(ending));
    if is_source && !name.contains("/generated/") && lines > MOST_LINES {
        return Some(format!("{name}: {lines} lines; split it by meaning before {MOST_LINES}"));
    }
    let is_lock = Path::new(name).file_name().is_some_and(|it| it == "package-lock.json");
    if is_lock && content.contains("\"resolved\": \"http") {
        return Some(format!(
            "{name}: holds download addresses; run `npm install` with the .npmrc"
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::complaint;

    #[test]
    fn long_sources_are_named() {
        let long = "x\n".repeat(501);
        assert!(complaint("src/a.rs", &long).unwrap().contains("501 lines"));
        assert_eq!(complaint("src/a.rs", &"x\n".repeat(500)), None);
        assert_eq!(complaint("pkg-template/src/generated/wire.ts", &long), None);
        assert_eq!(complaint("Cargo.lock", &long), None);
    }

    #[test]
    fn lock_files_with_addresses_are_named() {
        let lock = r#"{ "resolved": "https://example.com/x.tgz" }"#;
        assert!(complaint("examples/web/package-lock.json", lock).is_some());
        assert_eq!(complaint("package-lock.json", "{}"), None);
        let linked = r#"{ "resolved": "../../pkg", "link": true }"#;
        assert_eq!(complaint("examples/web/package-lock.json", linked), None);
    }
}
