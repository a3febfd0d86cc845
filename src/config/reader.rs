//! One object of options, read member by member. Each problem is noted with the member's full name
//! and reading goes on, so that all are told at once.

use core::cell::RefCell;

use serde_json::{Map, Value};

use super::options::{Kind, OptionSpec, meant};
use crate::error::inert;

/// How many problems are told at most.
const MOST: usize = 32;

/// The problems found so far.
#[derive(Default)]
pub(super) struct Problems(RefCell<Vec<String>>);

impl Problems {
    /// Notes that the option `name` has a problem: "must be …".
    pub(super) fn add(&self, name: &str, problem: &str) {
        let mut problems = self.0.borrow_mut();
        if problems.len() < MOST {
            problems.push(format!("`{name}` {problem}"));
        }
    }

    /// `value`, unless there was a problem.
    pub(super) fn settle<T>(self, value: T) -> Result<T, Vec<String>> {
        let problems = self.0.into_inner();
        if problems.is_empty() { Ok(value) } else { Err(problems) }
    }
}

/// An object of options, and where it stands among all of them.
pub(super) struct Reader<'a> {
    members: Option<&'a Map<String, Value>>,
    name: String,
    problems: &'a Problems,
}

impl<'a> Reader<'a> {
    /// A reader of `value`, whose members are to be those of `known`.
    pub(super) fn new(
        value: &'a Value,
        name: &str,
        known: &[OptionSpec],
        problems: &'a Problems,
    ) -> Self {
        let reader = Self { members: value.as_object(), name: name.to_owned(), problems };
        match reader.members {
            Some(members) => reader.compare(members, known),
            None if name.is_empty() => problems.add("options", "must be an object"),
            None => problems.add(name, "must be an object"),
        }
        reader
    }

    fn compare(&self, members: &Map<String, Value>, known: &[OptionSpec]) {
        for name in members.keys().filter(|name| {
            let name = name.as_str();
            known.iter().all(|option| !option.pinned || option.name != name)
        }) {
            self.problems.add(&self.full(&inert(name, 64)), &unknown(name, known));
        }
        for option in known.iter().filter(|option| option.required) {
            if !members.contains_key(option.name) {
                self.problems.add(&self.full(option.name), "is missing");
            }
        }
    }

    /// The member's full name: `logout.endSession`.
    pub(super) fn full(&self, member: &str) -> String {
        let dot = if self.name.is_empty() { "" } else { "." };
        format!("{}{dot}{member}", self.name)
    }

    /// Notes a problem with a member.
    pub(super) fn problem(&self, member: &str, problem: &str) {
        self.problems.add(&self.full(member), problem);
    }

    fn get<T>(
        &self,
        member: &str,
        kind: Kind,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.members?.get(member)?;
        let read = read(value);
        if read.is_none() {
            self.problem(member, &format!("must be {}", kind.in_words()));
        }
        read
    }

    /// The member as text; `None` where it is absent or wrong.
    pub(super) fn text(&self, member: &str) -> Option<&'a str> {
        self.get(member, Kind::String, Value::as_str)
    }

    /// The member as a truth value.
    pub(super) fn boolean(&self, member: &str) -> Option<bool> {
        self.get(member, Kind::Boolean, Value::as_bool)
    }

    /// The member as a whole number, zero or more.
    pub(super) fn number(&self, member: &str) -> Option<u64> {
        self.get(member, Kind::Number, Value::as_u64)
    }

    /// The member as a list of texts.
    pub(super) fn texts(&self, member: &str) -> Option<Vec<&'a str>> {
        self.get(member, Kind::Strings, |value| {
            value.as_array()?.iter().map(Value::as_str).collect()
        })
    }

    /// The member as a list of values.
    pub(super) fn values(&self, member: &str) -> Option<&'a Vec<Value>> {
        self.get(member, Kind::Array, Value::as_array)
    }

    /// The member as names with texts.
    pub(super) fn record(&self, member: &str) -> Option<Vec<(&'a str, &'a str)>> {
        self.get(member, Kind::Record, |value| {
            value.as_object()?.iter().map(|(n, v)| Some((n.as_str(), v.as_str()?))).collect()
        })
    }

    /// The member as an object of options.
    pub(super) fn object(&self, member: &str, known: &[OptionSpec]) -> Option<Reader<'a>> {
        let value = self.members?.get(member)?;
        Some(Reader::new(value, &self.full(member), known, self.problems))
    }
}

fn unknown(name: &str, known: &[OptionSpec]) -> String {
    if matches!(name, "clientSecret" | "client_secret") {
        return "has no place in a browser, which can keep no secret: register a public client with \
                the provider, without one (RFC 6749, 2.1)"
            .to_owned();
    }
    match meant(name, known) {
        Some(meant) => format!("is unknown: did you mean `{meant}`?"),
        None => "is unknown".to_owned(),
    }
}
