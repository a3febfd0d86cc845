//! Random walks of one session: pages, the provider, a backend and the vaults of other tabs do what they may at
//! any moment, and orders are answered in any order. Then everything that is due happens and the timers fire.
//! Whoever waits after that waits for ever, which no story that is told would come upon. What must always hold is
//! checked on the way (`orders`).
//!
//! `TOKENWARD_WALKS=100000` goes that many walks. A rule that is broken is told with the shortest log that shows
//! it, and the seed: `TOKENWARD_SEED=17` goes that walk alone, with its log (`--nocapture`).

mod answers;
mod orders;
mod steps;

use std::collections::{BTreeMap, BTreeSet};

use tokenward::{
    clock::{Millis, Now},
    config::Restore,
    oauth::transaction::Transaction,
    session::{
        flag::Flag,
        inputs::{Ask, Input, Ticket, Wake},
        machine::Session,
        snapshot::Snapshot,
        tabs::Chronicle,
    },
};

use self::{
    answers::Due,
    orders::{Call, Flight, Lock, Then},
};
use crate::{
    fixtures::{START, indicators},
    rig::{describe, status},
    world::Dice,
};

/// How many walks each run of the tests goes: about two seconds of them.
const WALKS: u64 = 40_000;
/// How much virtual time a walk has in the end. A trip to the provider may take 20 s, and a backend that does not
/// answer is asked for less than a minute.
const PATIENCE: Millis = Millis::from_secs(20 * 60);
/// How many answers and timers the end of a walk may take.
const MOST: u32 = 2000;

/// What a walk happens in. Seeds that follow each other go through all of them.
#[derive(Clone, Copy, Debug)]
struct Scene {
    restore: Restore,
    has_cookie: bool,
    /// How many audiences there are besides the default one.
    audiences: usize,
    /// Whether the vaults of other tabs leave attempts of theirs in the flag.
    has_others: bool,
}

impl Scene {
    fn of(seed: u64) -> Self {
        let [has_cookie, is_for_two, has_others] = [1, 2, 4].map(|bit| seed & bit != 0);
        let restore = match seed / 8 % 3 {
            0 => Restore::Redirect,
            1 => Restore::Frame,
            _ => Restore::None,
        };
        Self { restore, has_cookie, audiences: usize::from(is_for_two), has_others }
    }
}

struct Walk {
    seed: u64,
    scene: Scene,
    dice: Dice,
    now: Now,
    session: Session,
    due: Vec<Due>,
    lock: Lock,
    is_online: bool,
    /// What outlives a vault.
    flag: Option<Flag>,
    store: Vec<Transaction>,
    chronicle: Chronicle,
    /// The pages that are there, and the one of them that shows the hidden frame of a restore.
    pages: Vec<u64>,
    frame: Option<u64>,
    /// Their questions without an answer: whose, and what follows.
    asked: BTreeMap<Ask, (u64, Then)>,
    calls: BTreeMap<Ticket, Call>,
    /// What they were told last.
    shown: Snapshot,
    /// The token request whose answer the session hears at this moment.
    heard: Option<Flight>,
    /// Whether a timer should have fired before what it hears: that comes first.
    is_late: bool,
    /// The last number that a page, a question, a call, a transaction or a token was given.
    number: u64,
    /// Which that was when the user last signed out, while nobody signed in since.
    signed_out: Option<u64>,
    /// The first rule that was broken.
    broken: Option<String>,
    lines: usize,
    is_logged: bool,
}

impl Walk {
    /// A whole walk.
    fn go(seed: u64, is_logged: bool) -> Self {
        let scene = Scene::of(seed);
        let session = Session::new(seed, scene.restore).with_cookie(scene.has_cookie);
        let mut walk = Self {
            seed,
            scene,
            // Spread, so that neighbours have nothing in common.
            dice: Dice::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            now: START,
            shown: session.snapshot(),
            session: session.with_audiences(&indicators(scene.audiences)),
            due: Vec::new(),
            lock: Lock::Free,
            is_online: true,
            flag: Some(Flag::default()),
            store: Vec::new(),
            chronicle: Chronicle::default(),
            pages: Vec::new(),
            frame: None,
            asked: BTreeMap::new(),
            calls: BTreeMap::new(),
            heard: None,
            is_late: false,
            number: 0,
            signed_out: None,
            broken: None,
            lines: 0,
            is_logged,
        };
        walk.log(|| format!("TOKENWARD_SEED={seed}: {scene:?}"));
        walk.arrive_and_ask();
        for _ in 0..5 + walk.dice.below(40) {
            walk.step();
        }
        walk.end();
        walk
    }

    fn log(&mut self, line: impl Fn() -> String) {
        self.lines += 1;
        if self.is_logged {
            println!("{}", line());
        }
    }

    fn require(&mut self, holds: bool, rule: &str) {
        if !holds && self.broken.is_none() {
            self.log(|| format!("broken: {rule}"));
            self.broken = Some(rule.to_owned());
        }
    }

    fn next(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.dice.below(all.len() as u64)).unwrap()]
    }

    fn tell(&mut self, input: Input) {
        let seconds = self.now.monotonic.less(START.monotonic).0 / 1000;
        self.log(|| format!("{seconds:5} {input:?}").chars().take(120).collect());
        let is_wake = matches!(input, Input::Woke(_));
        let sign_outs = self.session.sign_outs();
        self.is_late = self.is_timer_due();
        self.session.handle(self.now, input);
        if self.session.sign_outs() > sign_outs {
            self.note_sign_out();
        }
        while let Some(order) = self.session.poll() {
            self.log(|| format!("        {}", describe(&order)));
            self.perform(order);
        }
        let fires_again = is_wake && self.is_timer_due();
        self.require(!fires_again, "a timer that fires has another fire at once");
    }

    fn is_timer_due(&self) -> bool {
        self.session.wake_at().is_some_and(|at| at.is_due(self.now))
    }

    /// All that is due happens and the timers fire, until nobody waits. There is a page.
    fn end(&mut self) {
        self.log(|| "      the end".to_owned());
        let end = self.now.after(PATIENCE);
        let is_online = !self.dice.once_in(4);
        self.go_online(is_online);
        for _ in 0..MOST {
            if self.pages.is_empty() {
                self.arrive_and_ask();
            } else if !self.answer_one() {
                let wake = self.session.wake_at().filter(|_| !end.is_due(self.now));
                let Some(wake) = wake.filter(|_| self.is_awaited()) else { break };
                self.turn(wake.remaining(self.now));
                self.tell(Input::Woke(Wake::Timer));
            }
        }
        let what = format!("somebody waits for ever: {}", status(&self.shown));
        self.require(!self.is_awaited(), &what);
    }

    /// Whether a page or a call waits for something, or all of them for the state.
    fn is_awaited(&self) -> bool {
        let is_asked = self.asked.values().any(|(page, _)| self.pages.contains(page));
        self.is_open() || is_asked || !self.calls.is_empty()
    }

    /// Whether the pages do not know who is signed in.
    fn is_open(&self) -> bool {
        matches!(self.shown, Snapshot::Restoring | Snapshot::SigningIn)
    }
}

/// What panics breaks no rule that has a name.
impl Drop for Walk {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("TOKENWARD_SEED={}", self.seed);
        }
    }
}

/// Of a rule that was broken: how often, and the shortest walk that shows it.
#[derive(Clone, Copy)]
struct Shown {
    times: u64,
    lines: usize,
    seed: u64,
}

fn number_in(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|number| number.parse().unwrap())
}

#[test]
fn on_no_walk_anybody_waits_for_ever_or_a_rule_is_broken() {
    let alone = number_in("TOKENWARD_SEED");
    let walks = number_in("TOKENWARD_WALKS").unwrap_or(WALKS);
    let seeds = alone.map_or(0..walks, |seed| seed..seed + 1);
    let (mut broken, mut ends) = (BTreeMap::<String, Shown>::new(), BTreeSet::new());
    for seed in seeds {
        let mut walk = Walk::go(seed, alone.is_some());
        ends.insert(status(&walk.shown));
        if let Some(rule) = walk.broken.take() {
            let lines = walk.lines;
            let shown = broken.entry(rule).or_insert(Shown { times: 0, lines, seed });
            shown.times += 1;
            if lines < shown.lines {
                (shown.lines, shown.seed) = (lines, seed);
            }
        }
    }
    for (rule, Shown { times, seed, .. }) in broken.iter().filter(|_| alone.is_none()) {
        println!("{times} of {walks} walks: {rule}");
        Walk::go(*seed, true);
    }
    assert!(broken.is_empty(), "{:?}", broken.keys());
    // Where nobody comes, nothing was shown.
    for end in ENDS.iter().filter(|_| alone.is_none() && walks >= WALKS) {
        assert!(ends.contains(*end), "no walk ends {end}: {ends:?}");
    }
}

/// Where some of the walks end.
const ENDS: &[&str] = &[
    "signedIn",
    "signedIn by cookie",
    "signedIn framed",
    "signedIn restored",
    "signedOut no_session",
    "signedOut refresh_lost oauth_error",
    "signedOut session_ended oauth_error",
    "signedOut signed_in_elsewhere",
    "signedOut signed_in_elsewhere id_token_invalid",
    "signedOut signed_out",
    "signedOut vault_gone provider_unreachable",
    "signedOut vault_gone timeout",
];
