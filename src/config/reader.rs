//! One object of options, read member by member. Each problem is noted with the member's full name
//! and reading goes on, so that all are told at once.

use core::cell::RefCell;

use super::options::{Kind, OptionSpec, meant};
use crate::{
    error::inert,
    json::{Json, Object},
};

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
            problems.push(["`", name, "` ", problem].concat());
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
    members: Option<&'a Object>,
    name: String,
    problems: &'a Problems,
}

impl<'a> Reader<'a> {
    /// A reader of all options.
    pub(super) fn new(options: &'a Object, known: &[OptionSpec], problems: &'a Problems) -> Self {
        let reader = Self { members: Some(options), name: String::new(), problems };
        reader.compare(options, known);
        reader
    }

    /// A reader of a value among the options, which is to be an object with members of `known`.
    pub(super) fn of(
        value: &'a Json,
        name: String,
        known: &[OptionSpec],
        problems: &'a Problems,
    ) -> Self {
        let members = if let Json::Object(members) = value { Some(members) } else { None };
        let reader = Self { members, name, problems };
        match members {
            Some(members) => reader.compare(members, known),
            None => problems.add(&reader.name, "must be an object"),
        }
        reader
    }

    fn compare(&self, members: &Object, known: &[OptionSpec]) {
        let is_known = |name| known.iter().any(|option| option.pinned && option.name == name);
        for (name, _) in members.members().filter(|(name, _)| !is_known(*name)) {
            self.problems.add(&self.full(&inert(name, 64)), &unknown(name, known));
        }
        for option in known.iter().filter(|option| option.required) {
            if members.get(option.name).is_none() {
                self.problems.add(&self.full(option.name), "is missing");
            }
        }
    }

    /// The member's full name: `logout.endSession`.
    pub(super) fn full(&self, member: &str) -> String {
        let dot = if self.name.is_empty() { "" } else { "." };
        [&self.name, dot, member].concat()
    }

    /// Notes a problem with a member.
    pub(super) fn problem(&self, member: &str, problem: &str) {
        self.problems.add(&self.full(member), problem);
    }

    fn get<T>(
        &self,
        member: &str,
        kind: Kind,
        read: impl FnOnce(&'a Json) -> Option<T>,
    ) -> Option<T> {
        let value = self.members?.get(member)?;
        let read = read(value);
        if read.is_none() {
            self.problem(member, &["must be ", kind.in_words()].concat());
        }
        read
    }

    /// The member as text; `None` where it is absent or wrong.
    pub(super) fn text(&self, member: &str) -> Option<&'a str> {
        self.get(member, Kind::String, Json::as_text)
    }

    /// The member as a truth value.
    pub(super) fn boolean(&self, member: &str) -> Option<bool> {
        self.get(member, Kind::Boolean, |value| {
            if let Json::Bool(value) = value { Some(*value) } else { None }
        })
    }

    /// The member as a whole number, zero or more.
    pub(super) fn number(&self, member: &str) -> Option<u32> {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "`as` saturates"
        )]
        #[allow(clippy::float_cmp, reason = "it is whole or it is not")]
        self.get(member, Kind::Number, |value| match value {
            Json::Number(number) if f64::from(*number as u32) == *number => Some(*number as u32),
            _ => None,
        })
    }

    /// The member as a list of texts.
    pub(super) fn texts(&self, member: &str) -> Option<Vec<&'a str>> {
        self.get(member, Kind::Strings, Json::as_texts)
    }

    /// The member as a list of values.
    pub(super) fn values(&self, member: &str) -> Option<&'a [Json]> {
        self.get(member, Kind::Array, |value| {
            if let Json::List(items) = value { Some(items.as_slice()) } else { None }
        })
    }

    /// The member as names with texts.
    pub(super) fn record(&self, member: &str) -> Option<Vec<(&'a str, &'a str)>> {
        self.get(member, Kind::Record, |value| {
            let Json::Object(members) = value else { return None };
            members.members().map(|(name, value)| Some((name, value.as_text()?))).collect()
        })
    }

    /// The members of a member, each with a name of its own choice and options of `known`.
    pub(super) fn named(&self, member: &str, known: &[OptionSpec]) -> Vec<(&'a str, Reader<'a>)> {
        let members = self.get(member, Kind::Object, |value| {
            if let Json::Object(members) = value { Some(members) } else { None }
        });
        let read = |(name, value): (&'a str, &'a Json)| {
            let full = [member, ".", &inert(name, 64)].concat();
            (name, Reader::of(value, self.full(&full), known, self.problems))
        };
        members.into_iter().flat_map(Object::members).map(read).collect()
    }

    /// The member as an object of options.
    pub(super) fn object(&self, member: &str, known: &[OptionSpec]) -> Option<Reader<'a>> {
        let value = self.members?.get(member)?;
        Some(Reader::of(value, self.full(member), known, self.problems))
    }
}

fn unknown(name: &str, known: &[OptionSpec]) -> String {
    if matches!(name, "clientSecret" | "client_secret") {
        return "has no place in a browser, which can keep no secret: register a public client with \
                the provider, without one (RFC 6749, 2.1)"
            .to_owned();
    }
    match meant(name, known) {
        Some(meant) => ["is unknown: did you mean `", meant, "`?"].concat(),
        None => "is unknown".to_owned(),
    }
}
