//! Random walks of one session: pages, the provider, a backend and the vaults of other tabs do what they may at
//! any moment, and orders are answered in any order. Then everything that is due happens and the timers fire.
//! Whoever waits after that waits for ever, which no story that is told would come upon. What must always hold is
//! checked on the way (`orders`).
//!
//! `TOKENWARD_WALKS=100000` goes that many walks. A rule that is broken is told with the shortest log that shows
//! it, and the seed: `TOKENWARD_SEED=17` goes that walk alone, with its log (`--nocapture`).

mod answers;
mod orders;

use std::collections::{BTreeMap, BTreeSet};

use tokenward::{
    clock::{Millis, Now, UnixMillis},
    config::Restore,
    oauth::transaction::{Mode, Transaction},
    secret::Secret,
    session::{
        flag::Flag,
        inputs::{Ask, Input, Ticket, TokenRequest, Wake},
        machine::Session,
        snapshot::Snapshot,
        tabs::{Chronicle, News},
    },
};

use self::{
    answers::Due,
    orders::{Call, Flight, Lock, Then, person},
};
use crate::{
    fixtures::{START, indicators, transaction},
    rig::{describe, status},
    world::Dice,
};

/// How many walks each run of the tests goes: about two seconds of them.
const WALKS: u64 = 2400;
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
        self.session.handle(self.now, input);
        if self.session.sign_outs() > sign_outs {
            self.note_sign_out();
        }
        while let Some(order) = self.session.poll() {
            self.log(|| format!("        {}", describe(&order)));
            self.perform(order);
        }
        let is_due = self.session.wake_at().is_some_and(|at| at.is_due(self.now));
        self.require(!(is_wake && is_due), "a timer that fires has another fire at once");
    }

    /// One thing happens: in half of the cases something that is due.
    fn step(&mut self) {
        if self.dice.once_in(2) && self.answer_one() {
            return;
        }
        if self.pages.is_empty() {
            if self.dice.once_in(3) {
                self.hear_of_another_tab();
            }
            return self.arrive_and_ask();
        }
        let pages = self.pages.clone();
        let page = self.one_of(&pages);
        match self.dice.below(20) {
            0 => self.arrive_and_ask(),
            1 if self.dice.once_in(3) => self.leave(page),
            2 => self.go_online(false),
            3 | 4 => self.go_online(true),
            5 => self.tell(Input::Woke(Wake::Page)),
            6..=8 => self.call(page),
            9 if self.dice.once_in(3) => self.end_trip_of_an_earlier_vault(),
            10 if self.dice.once_in(4) => self.sign_in(page),
            11 if self.dice.once_in(6) => {
                let ask = self.ask(page, Then::Nothing);
                self.tell(Input::SignOutAsked(ask));
            }
            12 if self.dice.once_in(4) => self.sign_in_with_password(page),
            13 if self.dice.once_in(3) => self.hear_of_another_tab(),
            14 | 15 if self.scene.has_others => self.flag = Some(self.flag_of_others()),
            16 if self.dice.once_in(6) => {
                let by = i64::try_from(self.dice.below(180_000)).unwrap() - 90_000;
                self.now.wall = UnixMillis(self.now.wall.0 + by);
                self.tell(Input::Woke(Wake::Page));
            }
            _ => self.pass_time(),
        }
    }

    /// The timer is late where the device sleeps.
    fn pass_time(&mut self) {
        let longest = self.one_of(&[1000, 10_000, 40_000, 400_000]);
        let by = Millis(self.dice.below(longest));
        self.turn(by);
        if !self.dice.once_in(4) {
            self.tell(Input::Woke(Wake::Timer));
        }
    }

    fn turn(&mut self, by: Millis) {
        self.now.wall = UnixMillis(self.now.wall.0.saturating_add_unsigned(by.0));
        self.now.monotonic = self.now.monotonic + by;
    }

    fn go_online(&mut self, is_online: bool) {
        self.is_online = is_online;
        self.tell(if is_online { Input::WentOnline } else { Input::WentOffline });
    }

    fn call(&mut self, page: u64) {
        let ticket = Ticket(self.next());
        let audience = usize::try_from(self.dice.below(self.scene.audiences as u64 + 1)).unwrap();
        self.calls.insert(ticket, Call { page, audience, of: None });
        self.tell(Input::LeaseWanted(ticket, audience));
        // As of when the session hears it: a token may have expired since the page last looked.
        if let Some(call) = self.calls.get_mut(&ticket) {
            call.of = person(&self.shown);
        }
    }

    fn sign_in(&mut self, page: u64) {
        let mode = self.one_of(Mode::ALL);
        let transaction = Transaction { mode, ..self.transaction("sign-in") };
        let ask = self.ask(page, Then::Nothing);
        self.tell(Input::SignInAsked { ask, transaction });
    }

    fn sign_in_with_password(&mut self, page: u64) {
        let (username, password) = (Secret::from("name"), Secret::from("password"));
        let request = TokenRequest::Password { username, password };
        let ask = self.ask(page, Then::Nothing);
        self.tell(Input::PasswordGiven { ask, request });
    }

    fn transaction(&mut self, what: &str) -> Transaction {
        transaction(&format!("{what}-{}", self.next()), self.now.wall)
    }

    /// A page is back from where an earlier vault sent it, or nobody did.
    fn end_trip_of_an_earlier_vault(&mut self) {
        let is_restore = self.flag.is_some() && self.dice.once_in(2);
        let transaction = Transaction { is_restore, ..self.transaction("earlier") };
        if !self.dice.once_in(4) {
            self.store.push(transaction.clone());
        }
        self.due.push(Due::Return(None, transaction));
    }

    /// Somebody signs in or out in another tab, which is heard of at once while there is a page.
    fn hear_of_another_tab(&mut self) {
        let news = self.one_of(&[News::SignedIn, News::SignedIn, News::SignedOut]);
        self.flag = (news == News::SignedIn).then(Flag::default);
        self.chronicle = self.chronicle.and(news);
        if !self.pages.is_empty() {
            self.tell(Input::Heard { epoch: self.chronicle.epoch, news });
        }
    }

    /// An attempt of another vault's, or a session that began there.
    fn flag_of_others(&mut self) -> Flag {
        let ago = i64::try_from(self.dice.below(40_000)).unwrap();
        let is_attempt = self.flag.is_some() && self.dice.once_in(2);
        Flag {
            attempted: is_attempt.then_some(UnixMillis(self.now.wall.0 - ago)),
            in_frame: self.dice.once_in(2),
            is_shown: self.dice.once_in(2),
        }
    }

    /// All that is due happens and the timers fire, until nobody waits. There is a page, and it is online.
    fn end(&mut self) {
        self.log(|| "      the end".to_owned());
        let end = self.now.after(PATIENCE);
        self.go_online(true);
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
        let is_open = matches!(self.shown, Snapshot::Restoring | Snapshot::SigningIn);
        let is_asked = self.asked.values().any(|(page, _)| self.pages.contains(page));
        is_open || is_asked || !self.calls.is_empty()
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
