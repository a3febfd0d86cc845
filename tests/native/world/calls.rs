//! Requests of pages, each with its machine, and what became of them.

use std::collections::BTreeMap;

use tokenward::{request::call::Call, session::inputs::Lease};

#[derive(Default)]
pub(crate) struct Calls {
    pub(crate) open: BTreeMap<u64, OpenCall>,
    /// How many there were.
    pub(crate) made: u64,
    /// Statuses that reached a page, and how often.
    pub(crate) statuses: BTreeMap<u16, u32>,
    /// Codes of errors that reached a page, and how often.
    pub(crate) errors: BTreeMap<&'static str, u32>,
}

pub(crate) struct OpenCall {
    /// Of which tab it is.
    pub(crate) tab: usize,
    /// The number of the audience that it goes to.
    pub(crate) audience: usize,
    pub(crate) call: Call,
    pub(crate) lease: Option<Lease>,
    /// The latest answer's.
    pub(crate) status: Option<u16>,
    /// Whether it has asked for a lease and had no answer.
    pub(crate) is_waiting: bool,
    /// Who was signed in when the vault heard of it, if anybody was.
    pub(crate) user: Option<u8>,
}

impl Calls {
    /// One more call, to one of so many audiences in turn.
    pub(crate) fn add(&mut self, tab: usize, audiences: usize) -> u64 {
        self.made += 1;
        let open = OpenCall {
            tab,
            audience: usize::try_from(self.made).unwrap() % audiences,
            call: Call::new(None),
            lease: None,
            status: None,
            is_waiting: false,
            user: None,
        };
        self.open.insert(self.made, open);
        self.made
    }

    /// The open requests of a tab.
    pub(crate) fn of(&self, tab: usize) -> Vec<u64> {
        self.open.iter().filter(|(_, call)| call.tab == tab).map(|(ticket, _)| *ticket).collect()
    }

    pub(crate) fn waiting(&self) -> Vec<u64> {
        self.open.iter().filter(|(_, call)| call.is_waiting).map(|(ticket, _)| *ticket).collect()
    }

    /// The realm of this tab is gone, and every answer to its requests.
    pub(crate) fn forget(&mut self, tab: usize) {
        self.open.retain(|_, call| call.tab != tab);
    }

    /// How many calls were answered with a success.
    pub(crate) fn good(&self) -> u32 {
        self.statuses.get(&200).copied().unwrap_or(0)
    }
}
