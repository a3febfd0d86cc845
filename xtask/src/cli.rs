//! The command line: what a verb is, how its flags are read, and what is said of a wrong one.

use anyhow::Result;
use lexopt::{Arg, Parser};
use std::ffi::OsString;
use std::fmt::Write as _;

/// How a verb that did its work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    /// What was checked did not hold, and was reported.
    Failed,
}

impl Outcome {
    pub(crate) fn from_ok(ok: bool) -> Self {
        if ok { Self::Done } else { Self::Failed }
    }
}

/// A command line that is not understood. Ends with exit code 2.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// One flag of a verb.
pub(crate) struct Flag {
    pub(crate) name: &'static str,
    /// The word that stands for the flag's value in the help; none for a switch.
    pub(crate) value: Option<&'static str>,
    pub(crate) help: &'static str,
}

/// One verb of `cargo xtask`.
pub(crate) struct Verb {
    pub(crate) name: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) flags: &'static [Flag],
    pub(crate) run: fn(&Flags) -> Result<Outcome>,
}

/// The flags that were given, checked against those of the verb.
#[derive(Debug, Default)]
pub(crate) struct Flags(Vec<(&'static str, Option<String>)>);

impl Flags {
    /// Is the switch `name` on?
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(given, _)| *given == name)
    }

    /// The value of `name`; the last one where it is given twice.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .rev()
            .find(|(given, _)| *given == name)
            .and_then(|(_, value)| value.as_deref())
    }

    /// The value of `name` among `choices`, each a word and what it means.
    pub(crate) fn choice<T: Copy>(&self, name: &str, choices: &[(&str, T)]) -> Result<Option<T>> {
        let Some(value) = self.value(name) else {
            return Ok(None);
        };
        if let Some((_, meaning)) = choices.iter().find(|(word, _)| *word == value) {
            return Ok(Some(*meaning));
        }
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        Err(Usage(format!("--{name} is one of {}, not `{value}`", words.join(", "))).into())
    }
}

impl Verb {
    /// Reads the flags in `words` and runs the verb, or prints its help.
    pub(crate) fn start(&self, words: impl Iterator<Item = OsString>) -> Result<Outcome> {
        if let Some(flags) = self.read(words)? {
            (self.run)(&flags)
        } else {
            print!("{}", self.help());
            Ok(Outcome::Done)
        }
    }

    /// `None` where help was asked for.
    fn read(&self, words: impl Iterator<Item = OsString>) -> Result<Option<Flags>> {
        let mut flags = Flags::default();
        let mut parser = Parser::from_args(words);
        while let Some(arg) = parser.next()? {
            let name = match arg {
                Arg::Long("help") | Arg::Short('h') => return Ok(None),
                Arg::Long(name) => name.to_owned(),
                Arg::Short(letter) => return Err(self.unknown(&format!("-{letter}"))),
                Arg::Value(word) => return Err(self.unknown(&word.to_string_lossy())),
            };
            let Some(flag) = self.flags.iter().find(|flag| flag.name == name) else {
                return Err(self.unknown(&format!("--{name}")));
            };
            let value = match flag.value {
                None => None,
                Some(word) => {
                    let missing = || Usage(format!("--{name} wants a value: --{name} {word}"));
                    let value = parser.value().map_err(|_| missing())?;
                    Some(value.to_string_lossy().into_owned())
                }
            };
            flags.0.push((flag.name, value));
        }
        Ok(Some(flags))
    }

    fn unknown(&self, word: &str) -> anyhow::Error {
        let known = self.flags.iter().map(|flag| flag.name);
        let guess = closest(word.trim_start_matches('-'), known);
        let hint = guess.map(|name| format!("; did you mean --{name}?")).unwrap_or_default();
        let name = self.name;
        Usage(format!("`{name}` knows no `{word}`{hint}\nTry `cargo xtask {name} --help`.")).into()
    }

    fn help(&self) -> String {
        let mut text = format!("{}\n\nUsage: cargo xtask {}", self.summary, self.name);
        for flag in self.flags {
            let _ = write!(text, " [{}]", flag.shape());
        }
        text.push('\n');
        if !self.flags.is_empty() {
            text.push('\n');
        }
        for flag in self.flags {
            let _ = writeln!(text, "  {:<40} {}", flag.shape(), flag.help);
        }
        text
    }
}

impl Flag {
    fn shape(&self) -> String {
        match self.value {
            Some(word) => format!("--{} {word}", self.name),
            None => format!("--{}", self.name),
        }
    }
}

/// The help of `cargo xtask` itself.
pub(crate) fn overview(verbs: &[&Verb]) -> String {
    let mut text = String::from("Usage: cargo xtask <verb> [flags]\n\n");
    for verb in verbs {
        let _ = writeln!(text, "  {:<9} {}", verb.name, verb.summary);
    }
    text.push_str("\n`cargo xtask <verb> --help` lists the flags of a verb.\n");
    text
}

/// The verb called `name`.
pub(crate) fn find<'v>(verbs: &[&'v Verb], name: &str) -> Result<&'v Verb> {
    if let Some(verb) = verbs.iter().find(|verb| verb.name == name) {
        return Ok(verb);
    }
    let guess = closest(name, verbs.iter().map(|verb| verb.name));
    let hint = guess.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
    Err(Usage(format!("there is no verb `{name}`{hint}\n\n{}", overview(verbs))).into())
}

/// The known word that is at most two typing errors away from `word`.
fn closest(word: &str, known: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    known
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(errors, candidate)| *errors <= 2 && *errors < candidate.len())
        .min()
        .map(|(_, candidate)| candidate)
}

/// The Levenshtein distance.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, from) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROBE: Verb = Verb {
        name: "probe",
        summary: "Looks",
        flags: &[
            Flag { name: "browser", value: Some("NAME"), help: "where" },
            Flag { name: "list", value: None, help: "only names" },
        ],
        run: |_| Ok(Outcome::Done),
    };

    fn read(words: &[&str]) -> Result<Option<Flags>> {
        PROBE.read(words.iter().map(OsString::from))
    }

    #[test]
    fn reads_switches_and_values() {
        let flags = read(&["--browser=firefox", "--list"]).unwrap().unwrap();
        assert!(flags.has("list"));
        assert_eq!(flags.value("browser"), Some("firefox"));
        assert_eq!(flags.choice("browser", &[("firefox", 7)]).unwrap(), Some(7));
        assert!(flags.choice("browser", &[("chromium", 7)]).unwrap_err().is::<Usage>());
        assert!(read(&["--list", "--help"]).unwrap().is_none());
    }

    #[test]
    fn names_the_flag_that_was_meant() {
        let problem = read(&["--browsr", "x"]).unwrap_err();
        assert!(problem.is::<Usage>());
        assert!(problem.to_string().contains("did you mean --browser?"), "{problem}");
        assert!(read(&["stray"]).unwrap_err().to_string().contains("knows no `stray`"));
        assert!(read(&["--browser"]).unwrap_err().to_string().contains("wants a value"));
    }

    #[test]
    fn names_the_verb_that_was_meant() {
        let problem = find(&[&PROBE], "prob").err().unwrap();
        assert!(problem.to_string().contains("did you mean `probe`?"), "{problem}");
        assert!(!find(&[&PROBE], "sing").err().unwrap().to_string().contains("did you mean"));
    }
}
