//! What became of the messages, in numbers.

use serde_json::json;

/// What became of the messages.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) unreadable: u64,
    pub(super) before_hello: u64,
    pub(super) hellos_refused: u64,
    pub(super) welcome: u64,
    pub(super) refused: u64,
    pub(super) sent: u64,
    pub(super) sign_ins: u64,
    pub(super) sign_outs: u64,
    pub(super) refreshes: u64,
}

impl Tally {
    pub(super) fn counts(&self) -> [(&'static str, u64); 9] {
        [
            ("unreadable", self.unreadable),
            ("before a hello", self.before_hello),
            ("hellos refused", self.hellos_refused),
            ("welcome", self.welcome),
            ("refused", self.refused),
            ("requests sent", self.sent),
            ("navigations to the provider", self.sign_ins),
            ("sign-outs that were asked for", self.sign_outs),
            ("refreshes", self.refreshes),
        ]
    }

    /// Prints the figure that `cargo xtask` adds up.
    pub(super) fn print(&self, messages: u64, seed: u64) {
        let mut counts = vec![json!(["messages", messages]), json!(["to an unlisted origin", 0])];
        counts.extend(self.counts().map(|(what, times)| json!([what, times])));
        let matrix = format!("messages to the vault (seed {seed})");
        println!("figure: {}", json!({ "matrix": matrix, "counts": counts }));
    }
}
