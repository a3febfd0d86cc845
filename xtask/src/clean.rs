//! `clean`: removes what was built and installed inside the project.

use crate::cli::{Flag, Flags, Outcome, Verb};
use crate::{process, project};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

pub(crate) const VERB: Verb = Verb {
    name: "clean",
    summary: "Removes what was built: target, pkg, dist, node_modules",
    flags: &[Flag { name: "tools", value: None, help: "removes .tools too, minutes to get back" }],
    run,
};

fn run(flags: &Flags) -> Result<Outcome> {
    let mut folders: Vec<PathBuf> = ["pkg", "dist", "node_modules"].map(project::at).into();
    if flags.has("tools") {
        folders.push(project::at(".tools"));
    }
    for example in std::fs::read_dir(project::at("examples")).into_iter().flatten().flatten() {
        folders.extend(
            ["node_modules", "dist", "target", "public/tokenward"]
                .map(|it| example.path().join(it)),
        );
    }
    for folder in folders.iter().filter(|folder| folder.exists()) {
        remove(folder)?;
    }
    // Last, and by cargo: this program lives there.
    process::run(process::cargo().args(["clean", "--quiet"]))?;
    Ok(Outcome::Done)
}

fn remove(folder: &Path) -> Result<()> {
    println!("removing {}", project::shown(folder));
    std::fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))
}
