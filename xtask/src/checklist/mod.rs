//! `checklist`: which lines of docs/checklist.md a test names, which have a reason instead, and which
//! have neither.

mod named;
mod table;

use crate::cli::{Flag, Flags, Outcome, Verb};
use crate::{lint, project};
use anyhow::Result;
use named::Named;
use std::collections::BTreeMap;
use std::io::IsTerminal;
use table::Line;

pub(crate) const VERB: Verb = Verb {
    name: "checklist",
    summary: "Prints which requirements a test names, and fails where one has neither test nor reason",
    flags: &[Flag { name: "quiet", value: None, help: "print the sums and what is wrong" }],
    run,
};

/// The table.
const TABLE: &str = "docs/checklist.md";

/// What is known of one line.
struct Verdict<'a> {
    line: &'a Line,
    tests: &'a [Named],
}

impl Verdict<'_> {
    fn is_red(&self) -> bool {
        self.tests.is_empty() && self.line.reason.is_empty()
    }
}

fn run(flags: &Flags) -> Result<Outcome> {
    let judged = Judged::read()?;
    if !flags.has("quiet") {
        judged.print();
    }
    judged.print_sums();
    let complaints = judged.complaints();
    for complaint in &complaints {
        println!("{complaint}");
    }
    Ok(Outcome::from_ok(complaints.is_empty()))
}

/// Lines with neither test nor reason, and tests that name no line.
pub(crate) fn complaints() -> Result<Vec<String>> {
    Ok(Judged::read()?.complaints())
}

/// The table beside what the tests name.
struct Judged {
    lines: Vec<Line>,
    tests: BTreeMap<String, Vec<Named>>,
}

impl Judged {
    fn read() -> Result<Self> {
        let lines = table::read(&project::read(&project::at(TABLE))?)?;
        let groups: Vec<&str> = lines.iter().map(Line::group).collect();
        let mut tests: BTreeMap<String, Vec<Named>> = BTreeMap::new();
        for file in lint::project_files()? {
            let Ok(source) = std::fs::read_to_string(project::at(&file)) else { continue };
            for (id, named) in named::find(&file, &source, &groups) {
                tests.entry(id).or_default().push(named);
            }
        }
        Ok(Self { lines, tests })
    }

    fn verdicts(&self) -> impl Iterator<Item = Verdict<'_>> {
        let tests = |line: &Line| self.tests.get(&line.id).map_or(&[][..], Vec::as_slice);
        self.lines.iter().map(move |line| Verdict { line, tests: tests(line) })
    }

    fn print(&self) {
        for verdict in self.verdicts() {
            let Line { id, required, reason } = verdict.line;
            println!("{} {required}", if verdict.is_red() { red(id) } else { id.clone() });
            for Named { file, test } in verdict.tests {
                println!("     {file}: {test}");
            }
            if !reason.is_empty() {
                println!("     {reason}");
            }
        }
        println!();
    }

    fn print_sums(&self) {
        let mut sums: Vec<(&str, [usize; 3])> = Vec::new();
        for verdict in self.verdicts() {
            let group = verdict.line.group();
            if sums.last().is_none_or(|(last, _)| *last != group) {
                sums.push((group, [0; 3]));
            }
            let untested = 1 + usize::from(verdict.is_red());
            let kind = if verdict.tests.is_empty() { untested } else { 0 };
            if let Some((_, sum)) = sums.last_mut() {
                sum[kind] += 1;
            }
        }
        println!("group  tested  reason  red");
        for (group, [tested, reason, neither]) in sums {
            println!("{group:<5} {tested:>7} {reason:>7} {neither:>4}");
        }
    }

    fn complaints(&self) -> Vec<String> {
        let mut complaints: Vec<String> = self
            .verdicts()
            .filter(Verdict::is_red)
            .map(|Verdict { line, .. }| {
                format!("{}: no test names it, and {TABLE} has no reason", red(&line.id))
            })
            .collect();
        for (id, tests) in &self.tests {
            if self.lines.iter().all(|line| line.id != *id) {
                for Named { file, test } in tests {
                    complaints.push(format!("{id}: unknown to {TABLE}, in {file}: {test}"));
                }
            }
        }
        complaints
    }
}

fn red(text: &str) -> String {
    if std::io::stdout().is_terminal() {
        ["\u{1b}[31m", text, "\u{1b}[0m"].concat()
    } else {
        [text, " (red)"].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(lines: &[(&str, &str)], tested: &[&str]) -> Judged {
        let line = |(id, reason): &(&str, &str)| Line {
            id: (*id).to_owned(),
            required: "that".to_owned(),
            reason: (*reason).to_owned(),
        };
        let named = || vec![Named { file: "a.rs".to_owned(), test: "t".to_owned() }];
        Judged {
            lines: lines.iter().map(line).collect(),
            tests: tested.iter().map(|id| ((*id).to_owned(), named())).collect(),
        }
    }

    #[test]
    fn a_line_needs_a_test_or_a_reason() {
        let judged = judged(&[("AR1", ""), ("AR2", "later"), ("AR3", "")], &["AR1"]);
        let complaints = judged.complaints();
        assert!(complaints.len() == 1 && complaints[0].starts_with("AR3"), "{complaints:?}");
    }

    #[test]
    fn a_test_names_nothing_that_is_not_in_the_table() {
        let judged = judged(&[("AR1", "")], &["AR1", "AR99"]);
        assert_eq!(judged.complaints(), ["AR99: unknown to docs/checklist.md, in a.rs: t"]);
    }

    #[test]
    fn the_table_has_every_line_of_the_requirements() {
        let Ok(requirements) = project::read(&project::at("../shared/requirements.md")) else {
            println!("skipped: the requirements are not here (../shared/requirements.md)");
            return;
        };
        let is_id = |word: &str| {
            let digits = word.trim_start_matches(|c: char| c.is_ascii_uppercase());
            (1..=2).contains(&(word.len() - digits.len()))
                && !digits.is_empty()
                && digits.bytes().all(|byte| byte.is_ascii_digit())
        };
        let required: Vec<&str> = requirements
            .lines()
            .filter_map(|line| line.split_once(' ').map(|(word, _)| word))
            .filter(|word| is_id(word))
            .collect();
        assert!(required.len() > 200, "{}", required.len());
        let known = Judged::read().unwrap().lines;
        let known: Vec<&str> = known.iter().map(|line| line.id.as_str()).collect();
        assert_eq!(known, required);
    }
}
