//! Requests of pages, each with its machine, and what became of them.

use std::collections::BTreeMap;

use tokenward::{request::call::Call, session::inputs::Lease};

#[derive(Default)]
pub(crate) struct Calls {
    pub(crate) open: BTreeMap<u64, OpenCall>,
    /// Statuses that reached a page, and how often.
    pub(crate) statuses: BTreeMap<u16, u32>,
    /// Codes of errors that reached a page, and how often.
    pub(crate) errors: BTreeMap<&'static str, u32>,
    next: u64,
}

pub(crate) struct OpenCall {
    pub(crate) call: Call,
    pub(crate) lease: Option<Lease>,
    /// The latest answer's.
    pub(crate) status: Option<u16>,
    /// Whether it has asked for a lease and had no answer.
    pub(crate) is_waiting: bool,
    /// Who was signed in when the page made it, if anybody was.
    pub(crate) user: Option<u8>,
}

impl Calls {
    pub(crate) fn add(&mut self, user: Option<u8>) -> u64 {
        self.next += 1;
        let call =
            OpenCall { call: Call::new(None), lease: None, status: None, is_waiting: false, user };
        self.open.insert(self.next, call);
        self.next
    }

    pub(crate) fn waiting(&self) -> Vec<u64> {
        self.open.iter().filter(|(_, call)| call.is_waiting).map(|(ticket, _)| *ticket).collect()
    }

    pub(crate) fn forget_all(&mut self) {
        self.open.clear();
    }

    /// How many calls were answered with a success.
    pub(crate) fn good(&self) -> u32 {
        self.statuses.get(&200).copied().unwrap_or(0)
    }
}
