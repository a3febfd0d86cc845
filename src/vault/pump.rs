//! The pump: the one place that holds the machines. It hands them what happened, performs what they
//! order, and sets the timer they ask for. No machine is borrowed while anything else runs: an effect
//! ends by posting an event to the queue.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
};

use gloo_timers::callback::Timeout;
use wasm_bindgen_futures::spawn_local;

use super::{
    asks::Asks,
    credentials::Credentials,
    effects,
    frames::Frames,
    journal,
    keys::KeyRing,
    port::Ports,
    proofs::Possession,
    provider::Provider,
    requests::{self, Requests},
    revocations::Revocations,
    sealed::Seal,
    tabs::Tabs,
};
use crate::{
    browser::time,
    clock::UnixMillis,
    config::Config,
    request::call::{self, Call},
    secret,
    session::{
        builds::Build,
        inputs::{Input, Ticket, Wake},
        machine::Session,
    },
    table::Table,
};

/// What happened, for one of the machines.
pub(crate) enum Event {
    /// For the session.
    Session(Input),
    /// For one request.
    Call(Ticket, call::Input),
    /// A request's machine is there, and has orders from its making.
    Began(Ticket),
}

/// The vault, shared by everything that runs in it. It lives as long as its realm, so nobody counts who
/// holds it: that would be code in every closure.
pub(crate) type Vault = &'static State;

/// The machines, and what their effects need.
pub(crate) struct State {
    /// The one configuration that is served here.
    pub(super) config: Config,
    /// Of what build it is.
    pub(super) build: Build,
    /// Whether a newer build's has its place.
    pub(super) is_over: Cell<bool>,
    pub(super) asks: Asks,
    pub(super) ports: &'static Ports,
    pub(super) provider: Provider,
    pub(super) keys: KeyRing,
    pub(super) credentials: Credentials,
    pub(super) possession: Possession,
    pub(super) requests: Requests,
    /// How often the provider was asked to grant something anew.
    pub(super) sign_ins: Cell<u64>,
    /// The number of the latest event that pages were told of.
    pub(super) told_event: Cell<u64>,
    /// The hidden frame of a restore.
    pub(super) frames: Frames,
    /// The sealed record.
    pub(super) seal: Seal,
    /// What a backend is being told of a sign-out.
    pub(super) revocations: Revocations,
    /// What it shares with the vaults of other tabs.
    pub(super) tabs: Tabs,
    session: RefCell<Session>,
    calls: RefCell<Table<Ticket, Call>>,
    queue: RefCell<VecDeque<Event>>,
    is_draining: Cell<bool>,
    timer: RefCell<Option<Timeout>>,
}

impl State {
    /// A vault with this configuration, for the pages behind these ports.
    pub(crate) fn new(config: Config, build: Build, ports: &'static Ports, seed: u64) -> Vault {
        let session = Session::new(seed, config.restore).with_audiences(&config.audiences);
        let session = session.sealed(config.is_sealed());
        let session = session.with_cookie(config.refresh_cookie.is_some());
        let credentials = Credentials::of(&config.keys);
        Box::leak(Box::new(Self {
            config,
            build,
            is_over: Cell::new(false),
            asks: Asks::default(),
            ports,
            provider: Provider::default(),
            keys: KeyRing::default(),
            credentials,
            possession: Possession::default(),
            requests: Requests::default(),
            sign_ins: Cell::new(0),
            told_event: Cell::new(0),
            frames: Frames::default(),
            seal: Seal::default(),
            revocations: Revocations::default(),
            tabs: Tabs::default(),
            session: RefCell::new(session),
            calls: RefCell::default(),
            queue: RefCell::new(VecDeque::new()),
            is_draining: Cell::new(false),
            timer: RefCell::new(None),
        }))
    }

    /// The session as pages may see it, as JSON text.
    pub(super) fn snapshot(&self) -> String {
        self.session.borrow().snapshot().to_json()
    }

    /// The provider's time, as far as it is known.
    pub(super) fn server_now(&self) -> UnixMillis {
        self.session.borrow().server_offset().server_time(time::now())
    }

    /// Whom the ID token of the session was for.
    pub(super) fn subject(&self) -> Option<String> {
        self.session.borrow().subject().map(str::to_owned)
    }

    /// What became of the session after the event of that number, as JSON text.
    pub(super) fn events(&self, after: u64) -> String {
        self.session.borrow().journal().to_json(after)
    }

    /// The number of the latest event.
    pub(super) fn latest_event(&self) -> u64 {
        self.session.borrow().journal().latest()
    }

    /// Whether a request or a token request is under way, or a page waits for an answer.
    pub(super) fn is_at_work(&self) -> bool {
        let is_idle = self.requests.is_empty() && self.asks.is_empty();
        !is_idle || self.session.borrow().is_asking()
    }

    /// Starts a request's machine.
    pub(super) fn begin(&'static self, ticket: Ticket, call: Call) {
        self.calls.borrow_mut().insert(ticket, call);
        self.post(Event::Began(ticket));
    }

    /// Ends a request's machine.
    pub(super) fn end(&self, ticket: Ticket) {
        self.calls.borrow_mut().remove(ticket);
    }

    /// Takes in what happened. Effects that are performed on the way may post in their turn.
    pub(super) fn post(&'static self, event: Event) {
        self.queue.borrow_mut().push_back(event);
        self.drain();
    }

    fn drain(&'static self) {
        if self.is_draining.replace(true) {
            return;
        }
        loop {
            let event = self.queue.borrow_mut().pop_front();
            match event {
                Some(Event::Session(input)) => self.tell_session(input),
                Some(Event::Call(ticket, input)) => self.tell_call(ticket, input),
                Some(Event::Began(ticket)) => self.ask_call(ticket),
                None => break,
            }
        }
        self.is_draining.set(false);
        journal::tell(self);
        self.sleep();
        // In a turn of its own, so that nothing stands above it but what began it.
        spawn_local(async { secret::wipe_stack() });
    }

    fn tell_session(&'static self, input: Input) {
        self.session.borrow_mut().handle(time::now(), input);
        self.credentials.forget_after(self.session.borrow().sign_outs());
        loop {
            let output = self.session.borrow_mut().poll();
            let Some(output) = output else { return };
            effects::perform(self, output);
        }
    }

    fn tell_call(&'static self, ticket: Ticket, input: call::Input) {
        if let Some(call) = self.calls.borrow_mut().get_mut(ticket) {
            call.handle(input);
        }
        self.ask_call(ticket);
    }

    fn ask_call(&'static self, ticket: Ticket) {
        loop {
            let output = self.calls.borrow_mut().get_mut(ticket).and_then(Call::poll);
            let Some(output) = output else { return };
            requests::perform(self, ticket, output);
        }
    }

    fn sleep(&'static self) {
        let wake_at = self.session.borrow().wake_at();
        *self.timer.borrow_mut() = wake_at.map(|deadline| {
            time::wake_in(deadline.remaining(time::now()), move || {
                self.post(Event::Session(Input::Woke(Wake::Timer)));
            })
        });
    }
}
