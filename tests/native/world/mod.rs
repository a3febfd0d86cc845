//! A world around the machines: a device whose clocks jump and sleep, a network that loses and delays,
//! a provider that rotates refresh tokens and detects their reuse, a resource, and pages that call it.
//! Time is virtual; every run follows from its seed. What must always hold is checked at every step.

mod calls;
mod device;
mod dice;
mod network;
mod provider;
mod realm;
mod reload;
mod timeline;

pub(crate) use dice::Dice;
pub(crate) use network::Fault;

use std::collections::HashMap;

use tokenward::{
    config::Restore,
    oauth::{callback::Callback, transaction::Transaction},
    secret::Secret,
    session::{
        inputs::{Ask, Epoch, Input, Wake},
        machine::Session,
        tabs::Chronicle,
    },
};

use self::{
    calls::Calls,
    device::Device,
    network::Network,
    provider::Provider,
    reload::Reload,
    timeline::{Event, Timeline},
};
use crate::fixtures::{ISSUER, transaction};

/// How a sign-in comes back.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Return {
    /// With a code for this user.
    Code(u8),
    /// With a refusal.
    Refusal,
    /// With a state that nobody knows.
    Foreign,
    /// With a code, and once more with the same.
    Twice(u8),
    /// With another provider's issuer.
    MixedUp,
}

/// The world, and the one vault in it.
pub(crate) struct World {
    pub(crate) provider: Provider,
    pub(crate) network: Network,
    pub(crate) calls: Calls,
    pub(crate) reload: Reload,
    device: Device,
    dice: Dice,
    timeline: Timeline,
    session: Session,
    /// Counts vaults: what was under way for an earlier one reaches nobody.
    realm: u32,
    lock: Lock,
    flight: Option<Flight>,
    timer: Option<u64>,
    store: HashMap<String, Transaction>,
    chronicle: Chronicle,
    published: String,
    next_ask: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lock {
    Free,
    Asked,
    Held,
}

/// The token request under way.
#[derive(Clone, Copy, Debug)]
struct Flight {
    epoch: Epoch,
    /// The user signed out meanwhile.
    is_stale: bool,
}

impl World {
    /// A world with a vault, one page, and nobody signed in. Access tokens live `life` seconds.
    pub(crate) fn new(seed: u64, life: u64) -> Self {
        let mut dice = Dice::new(seed);
        let mut world = Self {
            provider: Provider::new(life * 1000),
            network: Network::default(),
            calls: Calls::default(),
            reload: Reload::default(),
            device: Device::default(),
            timeline: Timeline::default(),
            session: Session::new(dice.draw(), Restore::Redirect),
            dice,
            realm: 0,
            lock: Lock::Free,
            flight: None,
            timer: None,
            store: HashMap::new(),
            chronicle: Chronicle::default(),
            published: String::new(),
            next_ask: 0,
        };
        world.begin_realm();
        world.run_for(10);
        world
    }

    /// Signs this user in, without faults.
    pub(crate) fn sign_in(&mut self, user: u8) {
        self.ask_sign_in(Return::Code(user));
        self.run_for(4000);
        assert_eq!(self.status(), "signedIn");
    }

    /// A page asks for a sign-in, which comes back after two seconds.
    pub(crate) fn ask_sign_in(&mut self, comes: Return) {
        let state = format!("state-{}", self.dice.draw());
        let ask = self.ask();
        let transaction = transaction(&state, self.device.now(self.timeline.now).wall);
        self.tell(Input::SignInAsked { ask, transaction });
        let callback = |state: &str, outcome| Callback {
            state: state.to_owned(),
            iss: Some(ISSUER.to_owned()),
            outcome,
        };
        let code = |provider: &mut Provider, user| Ok(Secret::new(provider.authorize(user)));
        let callbacks = match comes {
            Return::Code(user) => vec![callback(&state, code(&mut self.provider, user))],
            Return::Refusal => {
                let denied = tokenward::oauth::callback::OauthError::new("access_denied", None);
                vec![callback(&state, Err(denied))]
            }
            Return::Foreign => vec![callback("foreign", code(&mut self.provider, 0))],
            Return::Twice(user) => {
                let once = callback(&state, code(&mut self.provider, user));
                vec![once.clone(), once]
            }
            Return::MixedUp => {
                let foreign = callback(&state, code(&mut self.provider, 0));
                vec![Callback { iss: Some("https://evil.example".into()), ..foreign }]
            }
        };
        for callback in callbacks {
            self.timeline.after(2000, Event::Callback(callback));
        }
    }

    pub(crate) fn sign_out(&mut self) {
        let ask = self.ask();
        if let Some(flight) = &mut self.flight {
            flight.is_stale = true;
        }
        self.user_signs_out();
        self.provider.user_here = None;
        self.tell(Input::SignOutAsked(ask));
    }

    /// The device is asleep for so many milliseconds: its monotonic clock stands still, and only the
    /// others act.
    pub(crate) fn sleep(&mut self, ms: u64) {
        let wakes = self.timeline.now + ms;
        let mut missed = Vec::new();
        while let Some(event) = self.timeline.next_until(wakes) {
            if event.is_of_the_device() { missed.push(event) } else { self.happen(event) }
        }
        self.timeline.now = wakes;
        self.device.slept += ms;
        self.timer = self.timer.map(|timer| timer + ms);
        for event in missed {
            self.timeline.after(1, event);
        }
        self.tell(Input::Woke(Wake::Page));
    }

    /// Somebody sets the clock.
    pub(crate) fn jump(&mut self, ms: i64) {
        self.device.shift += ms;
        self.device.was_set_back |= ms < 0;
        self.device.has_jumped = true;
    }

    /// The vault dies with all that it held, and another one starts.
    pub(crate) fn crash(&mut self) {
        self.realm += 1;
        self.session = Session::new(self.dice.draw(), Restore::Redirect);
        self.calls.forget_all();
        self.reload.open.clear();
        self.lock = Lock::Free;
        self.flight = None;
        self.begin_realm();
    }

    /// Lets time pass.
    pub(crate) fn run_for(&mut self, ms: u64) {
        let end = self.timeline.now + ms;
        loop {
            let timer = self.timer.filter(|timer| *timer <= end);
            if let Some(event) = self.timeline.next_until(timer.unwrap_or(end)) {
                self.happen(event);
            } else if let Some(timer) = timer {
                self.timeline.now = self.timeline.now.max(timer);
                self.timer = None;
                self.tell(Input::Woke(Wake::Timer));
            } else {
                self.timeline.now = end;
                return;
            }
        }
    }

    /// Everything is well again, and enough time passes: whoever still waits has been forgotten.
    pub(crate) fn recover(&mut self) {
        self.network.heal();
        self.tell(Input::WentOnline);
        self.arrive();
        self.run_for(120_000);
        assert!(self.reload.open.is_empty(), "pages that nobody answered");
        assert_eq!(self.calls.waiting(), Vec::<u64>::new(), "tickets that nobody answered");
        self.leave();
        self.run_for(60_000);
        assert!(self.flight.is_none() && self.lock == Lock::Free, "a token request without an end");
    }

    fn begin_realm(&mut self) {
        self.published = self.shown();
        self.arrive();
    }

    fn ask(&mut self) -> Ask {
        self.next_ask += 1;
        Ask(self.next_ask)
    }
}
