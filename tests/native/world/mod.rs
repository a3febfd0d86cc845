//! A world around the machines: a device whose clocks drift, jump and sleep, tabs with a vault each or
//! one for all, a network that loses and delays, a provider that rotates refresh tokens and detects
//! their reuse, a resource, and pages that call it. Time is virtual; every run follows from its seed.
//! What must always hold is checked at every step.

mod calls;
mod device;
mod dice;
mod effects;
mod lock;
mod network;
pub(crate) mod provider;
mod realm;
mod reload;
mod tally;
mod timeline;
mod vault;

pub(crate) use dice::Dice;
pub(crate) use network::Fault;
pub(crate) use provider::{Denial, Renewal};
pub(crate) use reload::Frame;
pub(crate) use tally::Tally;

use std::collections::HashMap;

use tokenward::{
    config::Restore,
    oauth::{callback::Callback, transaction::Transaction},
    secret::Secret,
    session::{
        inputs::{Ask, Input, Wake},
        machine::Session,
        snapshot::SignedOutReason,
        tabs::Chronicle,
    },
};

use self::{
    calls::Calls,
    device::Device,
    lock::Lock,
    network::Network,
    provider::Provider,
    reload::Reload,
    timeline::{Event, Inside, Timeline},
    vault::{Unseen, Vault},
};
use crate::fixtures::{ISSUER, transaction};

/// The realm of a script that is not ours.
const NOBODY: u32 = 0;

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

/// The world. A tab is a place for pages and their vault, by its number from zero; a vault that all
/// pages share is a world of one tab.
pub(crate) struct World {
    pub(crate) provider: Provider,
    pub(crate) network: Network,
    pub(crate) calls: Calls,
    pub(crate) reload: Reload,
    pub(crate) tally: Tally,
    pub(crate) device: Device,
    /// How many audiences there are besides the default one.
    audiences: usize,
    /// Whether refresh tokens outlive their vaults, under a seal.
    is_sealed: bool,
    /// What becomes of a session whose vault is gone.
    restore: Restore,
    /// Who hears of all that the vaults are told and order.
    pub(crate) trace: Option<fn(&str)>,
    /// What is to come, and the world's time: milliseconds since its beginning.
    pub(crate) timeline: Timeline,
    dice: Dice,
    vaults: Vec<Vault>,
    realms: u32,
    lock: Lock,
    store: HashMap<String, Transaction>,
    chronicle: Chronicle,
    next_ask: u64,
}

impl World {
    /// A world with so many tabs, each with a page and a vault, and nobody signed in. Access tokens live
    /// `life` seconds. There are so many audiences besides the default one, and calls go to each in turn.
    pub(crate) fn with_audiences(seed: u64, life: u64, tabs: usize, audiences: usize) -> Self {
        Self::made(seed, life, tabs, audiences, false, Restore::Redirect)
    }

    /// The same where refresh tokens outlive their vaults, under a seal.
    pub(crate) fn sealed(seed: u64, life: u64, tabs: usize, audiences: usize) -> Self {
        Self::made(seed, life, tabs, audiences, true, Restore::Redirect)
    }

    /// The same where a session whose vault is gone is asked for in a hidden frame first.
    pub(crate) fn framed(seed: u64, life: u64, tabs: usize, audiences: usize) -> Self {
        Self::made(seed, life, tabs, audiences, false, Restore::Frame)
    }

    fn made(
        seed: u64,
        life: u64,
        tabs: usize,
        audiences: usize,
        is_sealed: bool,
        restore: Restore,
    ) -> Self {
        let mut world = Self {
            audiences,
            is_sealed,
            restore,
            provider: Provider::new(life * 1000),
            network: Network::default(),
            calls: Calls::default(),
            reload: Reload::new(tabs),
            tally: Tally::default(),
            device: Device::default(),
            trace: None,
            timeline: Timeline::default(),
            dice: Dice::new(seed),
            vaults: Vec::new(),
            realms: 0,
            lock: Lock::default(),
            store: HashMap::new(),
            chronicle: Chronicle::default(),
            next_ask: 0,
        };
        for tab in 0..tabs {
            let vault = world.new_vault();
            world.vaults.push(vault);
            world.arrive(tab);
        }
        world.run_for(10);
        world
    }

    pub(crate) fn tabs(&self) -> usize {
        self.vaults.len()
    }

    /// Signs this user in, without faults.
    pub(crate) fn sign_in(&mut self, tab: usize, user: u8) {
        self.ask_sign_in(tab, Return::Code(user));
        self.run_for(4000);
        assert!(self.is_signed_in(tab));
    }

    pub(crate) fn is_signed_in(&self, tab: usize) -> bool {
        self.vaults[tab].is_signed_in()
    }

    /// Why nobody is signed in there, where that is so.
    pub(crate) fn reason(&self, tab: usize) -> Option<SignedOutReason> {
        self.vaults[tab].reason()
    }

    /// A page asks for a sign-in, which comes back after two seconds.
    pub(crate) fn ask_sign_in(&mut self, tab: usize, comes: Return) {
        let state = format!("state-{}", self.dice.draw());
        let ask = self.ask();
        let transaction = transaction(&state, self.device.now(self.timeline.now).wall);
        self.tell(tab, Input::SignInAsked { ask, transaction });
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
            self.timeline.after(2000, Event::Callback { tab, callback });
        }
    }

    /// Somebody signs out in this tab; not in one that stands still.
    pub(crate) fn sign_out(&mut self, tab: usize) {
        if self.is_frozen(tab) {
            return;
        }
        let ask = self.ask();
        self.user_signs_out();
        self.provider.user_here = None;
        self.tell(tab, Input::SignOutAsked(ask));
    }

    /// The device is asleep for so many milliseconds: only the others act.
    pub(crate) fn sleep(&mut self, ms: u64) {
        let falls_asleep = self.timeline.now;
        let wakes = falls_asleep + ms;
        let mut missed = Vec::new();
        while let Some(event) = self.timeline.next_until(wakes) {
            if event.is_of_the_device() { missed.push(event) } else { self.happen(event) }
        }
        self.timeline.now = wakes;
        let late = self.device.sleep(ms);
        for vault in &mut self.vaults {
            vault.timer = vault.timer.map(|timer| timer + late);
            if vault.frozen_until > falls_asleep {
                vault.frozen_until += ms;
            }
            vault.miss(Unseen { sleep: late > 0, ..Unseen::default() });
        }
        for mut event in missed {
            if ms > effects::TIMEOUT && self.dice.once_in(2) {
                event.lose();
            }
            self.timeline.after(1, event);
        }
        for tab in 0..self.tabs() {
            self.tell(tab, Input::Woke(Wake::Page));
        }
    }

    /// Somebody sets the clock; by a tenth of a second or more, or it would not be set but slowed.
    pub(crate) fn jump(&mut self, ms: i64) {
        self.device.set(ms);
        for vault in &mut self.vaults {
            vault.miss(Unseen { jump: true, set_back: ms < 0, sleep: false });
        }
    }

    /// The vault dies with all that it held, and another one starts.
    pub(crate) fn crash(&mut self, tab: usize) {
        let old = &self.vaults[tab];
        let is_refreshing = old.flight.is_some_and(|flight| flight.is_refresh);
        self.tally.died_refreshing += u64::from(is_refreshing);
        if let Some(next) = self.lock.lose(old.realm) {
            self.timeline.tell(1, next, Inside::LockGranted);
        }
        self.vaults[tab] = self.new_vault();
        self.calls.forget(tab);
        self.reload.forget(tab);
        self.arrive(tab);
    }

    /// The realm stands still for so many milliseconds; what it is told waits.
    pub(crate) fn freeze(&mut self, tab: usize, ms: u64) {
        let until = self.timeline.now + ms;
        self.vaults[tab].frozen_until = self.vaults[tab].frozen_until.max(until);
        self.thaw(tab);
    }

    /// A script of the origin takes the lock by force, and keeps it.
    pub(crate) fn hold_lock(&mut self) {
        self.lock.steal(NOBODY);
    }

    /// Lets time pass.
    pub(crate) fn run_for(&mut self, ms: u64) {
        let end = self.timeline.now + ms;
        loop {
            let timer = self.next_timer().filter(|(timer, _)| *timer <= end);
            if let Some(event) = self.timeline.next_until(timer.map_or(end, |(timer, _)| timer)) {
                self.happen(event);
            } else if let Some((timer, tab)) = timer {
                self.timeline.now = self.timeline.now.max(timer);
                self.vaults[tab].timer = None;
                self.tell(tab, Input::Woke(Wake::Timer));
            } else {
                self.timeline.now = end;
                return;
            }
        }
    }

    /// Everything is well again, and enough time passes: whoever still waits has been forgotten.
    pub(crate) fn recover(&mut self) {
        self.network.heal();
        self.reload.is_one_way = false;
        self.reload.frame = Frame::Answers;
        let thawed = self.vaults.iter().map(|vault| vault.frozen_until).max().unwrap_or(0);
        self.run_for(thawed.saturating_sub(self.timeline.now));
        for tab in 0..self.tabs() {
            self.tell(tab, Input::WentOnline);
            self.arrive(tab);
        }
        self.run_for(300_000);
        assert!(self.reload.open.is_empty(), "pages that nobody answered");
        assert_eq!(self.calls.waiting(), Vec::<u64>::new(), "tickets that nobody answered");
        for tab in 0..self.tabs() {
            self.leave(tab);
        }
        self.run_for(120_000);
        assert!(self.vaults.iter().all(|vault| vault.flight.is_none()), "a request without an end");
        assert!(self.lock.is_free_but_for(NOBODY), "a lock without an end");
    }

    /// What was counted so far.
    pub(crate) fn tally(&self) -> Tally {
        Tally { reused: self.provider.fouls, ..self.tally }
    }

    /// The first timer to fire, and whose.
    fn next_timer(&self) -> Option<(u64, usize)> {
        let timers = self
            .vaults
            .iter()
            .enumerate()
            .filter_map(|(tab, vault)| Some((vault.timer?.max(vault.frozen_until), tab)));
        timers.min()
    }

    fn new_vault(&mut self) -> Vault {
        self.realms += 1;
        let session = Session::new(self.dice.draw(), self.restore).sealed(self.is_sealed);
        Vault::new(self.realms, self.timeline.now, session, self.audiences)
    }

    fn ask(&mut self) -> Ask {
        self.next_ask += 1;
        Ask(self.next_ask)
    }
}
