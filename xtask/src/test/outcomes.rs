//! What became of each attack, as one table over all cells that ran.

use super::layer::Layer;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// What stands before an outcome in what a test prints.
const OUTCOME: &str = "outcome: ";

/// What became of one attack in one cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Judged {
    attack: String,
    outcome: String,
}

impl Judged {
    /// The outcome in a line that a test printed, if there is one.
    pub(super) fn read(line: &str) -> Option<Self> {
        let (_, judged) = line.split_once(OUTCOME)?;
        serde_json::from_str(judged).ok()
    }
}

/// A line for each attack, a column for each layer that has any; nothing where none has.
pub(super) fn table(layers: &[Layer]) -> String {
    let layers: Vec<&Layer> = layers.iter().filter(|layer| !layer.outcomes.is_empty()).collect();
    let mut attacks: Vec<&str> = Vec::new();
    for Judged { attack, .. } in layers.iter().flat_map(|layer| &layer.outcomes) {
        if !attacks.contains(&attack.as_str()) {
            attacks.push(attack);
        }
    }
    let mut text = String::new();
    let mut line = |cells: &[&str]| {
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    };
    if layers.is_empty() {
        return text;
    }
    let names = layers.iter().map(|layer| layer.name.trim_start_matches("attacks "));
    line(&std::iter::once("attack").chain(names).collect::<Vec<_>>());
    for attack in attacks {
        let outcome = |layer: &&Layer| {
            let found = layer.outcomes.iter().find(|judged| judged.attack == attack);
            found.map_or_else(String::new, |judged| judged.outcome.clone())
        };
        let outcomes: Vec<String> = layers.iter().map(outcome).collect();
        let cells = std::iter::once(attack).chain(outcomes.iter().map(String::as_str));
        line(&cells.collect::<Vec<_>>());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(name: &str, outcomes: &[(&str, &str)]) -> Layer {
        let judged = |(attack, outcome): &(&str, &str)| {
            let line = format!(r#"outcome: {{"attack":"{attack}","outcome":"{outcome}"}}"#);
            Judged::read(&line)
        };
        Layer { outcomes: outcomes.iter().filter_map(judged).collect(), ..Layer::new(name) }
    }

    #[test]
    fn every_attack_has_a_line_and_every_cell_a_column() {
        let layers = [
            layer("native", &[]),
            layer("attacks chromium/shared", &[("reads", "stopped"), ("calls", "uses")]),
            layer("attacks firefox/shared", &[("calls", "stopped")]),
        ];
        assert_eq!(
            table(&layers),
            "| attack | chromium/shared | firefox/shared |\n\
             | reads | stopped |  |\n\
             | calls | uses | stopped |\n"
        );
        assert_eq!(table(&layers[..1]), "");
    }
}
