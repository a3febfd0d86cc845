//! The table in docs/checklist.md: one row for each line that is required.

use anyhow::{Result, bail};

/// One row.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// `AR1`
    pub(super) id: String,
    /// What is required, in a few words.
    pub(super) required: String,
    /// Why no test names it; empty where one must.
    pub(super) reason: String,
}

impl Line {
    /// The letters of the id.
    pub(super) fn group(&self) -> &str {
        self.id.trim_end_matches(|c: char| c.is_ascii_digit())
    }
}

/// The rows of every table in `document` whose first column is `id`, in their order.
pub(super) fn read(document: &str) -> Result<Vec<Line>> {
    let mut lines: Vec<Line> = Vec::new();
    let rows = document.lines().filter(|line| line.starts_with('|'));
    for row in rows.filter(|row| !row.starts_with("| id ") && !row.starts_with("| --")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [id, required, reason] = cells[..] else {
            bail!("a row of the checklist has {} cells, not 3: {row}", cells.len());
        };
        if lines.iter().any(|line| line.id == id) {
            bail!("{id} stands twice in the checklist");
        }
        lines.push(Line { id: id.into(), required: required.into(), reason: reason.into() });
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "# Checklist\n\n| id | what | why |\n| --- | --- | --- |\n";

    #[test]
    fn reads_rows_with_and_without_a_reason() {
        let lines =
            read(&[HEAD, "| AR1 | code flow only | |\n| T40 | x | out of scope |\n"].concat());
        let lines = lines.unwrap();
        assert_eq!((lines[0].id.as_str(), lines[0].reason.as_str()), ("AR1", ""));
        assert_eq!((lines[1].group(), lines[1].reason.as_str()), ("T", "out of scope"));
    }

    #[test]
    fn a_row_out_of_shape_is_named() {
        let problem = |row: &str| read(&[HEAD, row].concat()).unwrap_err().to_string();
        assert!(problem("| AR1 | a | b | c |\n").contains("4 cells"));
        assert!(problem("| AR1 | a | |\n| AR1 | b | |\n").contains("AR1 stands twice"));
    }
}
