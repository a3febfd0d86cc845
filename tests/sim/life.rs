//! One seed's hours: a person with some tabs at a device, and what befalls them.

use crate::world::{Denial, Dice, Fault, Frame, Renewal, Return, Tally, World};

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// How often a tab may fail to get its session back from a provider that knows the user, each time in
/// reach, before it counts: one exchange in ten suffers something.
const TRIES: u32 = 6;

/// How many of a hundred token exchanges suffer something.
const FAULTY_PERCENT: u64 = 10;

/// What happens, and how often: the mean of the time between two.
const HAPPENINGS: &[(Happening, u64)] = &[
    (Happening::Call, 10 * SECOND),
    (Happening::Look, MINUTE),
    (Happening::Sleep, HOUR),
    (Happening::Freeze, 2 * HOUR),
    (Happening::Close, 3 * HOUR),
    (Happening::Offline, 4 * HOUR),
    (Happening::Outage, 5 * HOUR),
    (Happening::Crash, 5 * HOUR),
    (Happening::Reload, HOUR),
    (Happening::Jump, 5 * HOUR),
    (Happening::SignOut, 10 * HOUR),
    (Happening::Refusal, 10 * HOUR),
    (Happening::Theft, 10 * HOUR),
    (Happening::Revocation, 20 * HOUR),
    (Happening::Denial, 10 * HOUR),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Happening {
    /// A page calls the resource.
    Call,
    /// The person looks at every tab, and reloads it or signs in where nobody is signed in.
    Look,
    /// The lid is closed.
    Sleep,
    /// The browser stops a tab for a while.
    Freeze,
    /// A tab's pages are closed.
    Close,
    /// The device loses its network.
    Offline,
    /// The provider fails.
    Outage,
    /// A worker dies.
    Crash,
    /// A page is loaded again while its vault lives: others share it, or it outlives its last page for
    /// that moment.
    Reload,
    /// The clock is set.
    Jump,
    /// The person signs out; the next one is somebody else.
    SignOut,
    /// The resource no longer takes any token of today.
    Refusal,
    /// A script of the origin takes the lock and keeps it.
    Theft,
    /// An administrator ends every session.
    Revocation,
    /// The provider issues no access token for the second resource, for a while.
    Denial,
}

/// What was seen in a life.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    pub(crate) tally: Tally,
    /// Minutes awake and signed in, a tab of its own each.
    pub(crate) minutes: u64,
    pub(crate) calls: u64,
    pub(crate) good_calls: u64,
    pub(crate) token_requests: u64,
    pub(crate) faulty: u64,
    pub(crate) refreshes: u64,
    /// How often each of the happenings came.
    pub(crate) happened: [u64; HAPPENINGS.len()],
}

impl Record {
    pub(crate) fn add(&mut self, other: &Self) {
        self.tally += other.tally;
        self.minutes += other.minutes;
        self.calls += other.calls;
        self.good_calls += other.good_calls;
        self.token_requests += other.token_requests;
        self.faulty += other.faulty;
        self.refreshes += other.refreshes;
        for (sum, more) in self.happened.iter_mut().zip(other.happened) {
            *sum += more;
        }
    }

    /// Refreshes that were sent in a minute of a session, on average.
    pub(crate) fn refreshes_a_minute(&self) -> f64 {
        ratio(self.refreshes, self.minutes)
    }

    /// The happenings by name.
    pub(crate) fn happenings(&self) -> impl Iterator<Item = (String, u64)> {
        let names = HAPPENINGS.iter().map(|(happening, _)| format!("{happening:?}").to_lowercase());
        names.zip(self.happened)
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts, to be printed")]
pub(crate) fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// The person, the tabs, and when each thing happens next.
struct Life {
    world: World,
    dice: Dice,
    is_shared: bool,
    /// How many pages share the vault, where they do; else each tab has one.
    pages: u32,
    next: [u64; HAPPENINGS.len()],
    user: u8,
    /// Tabs whose pages are closed.
    closed: Vec<bool>,
    /// How often each tab was reloaded in vain, and when last.
    tries: Vec<u32>,
    tried: Vec<u64>,
    record: Record,
}

/// Lives through so many hours of a seed.
pub(crate) fn live(seed: u64, hours: u64, trace: Option<fn(&str)>) -> Record {
    let mut life = Life::new(seed, trace);
    life.begin();
    while life.world.timeline.now < hours * HOUR {
        life.step();
    }
    life.end()
}

impl Life {
    fn new(seed: u64, trace: Option<fn(&str)>) -> Self {
        let mut dice = Dice::new(seed);
        let is_shared = dice.once_in(2);
        let tabs = if is_shared { 1 } else { 1 + usize::try_from(dice.below(5)).unwrap() };
        let pages = if is_shared { 1 + u32::try_from(dice.below(5)).unwrap() } else { 1 };
        let (world_seed, life) = (dice.draw(), between(&mut dice, 60, 3600));
        // Half of them call two resources, with an access token each.
        let audiences = usize::try_from(seed % 2).unwrap();
        // A third of them have their refresh tokens sealed, a third is restored by hidden frames, where those
        // come to something.
        let make = [World::sealed, World::framed, World::with_audiences];
        let nth = |among: u64, count: u64| usize::try_from(among % count).unwrap();
        let mut world = make[nth(seed, 3)](world_seed, life, tabs, audiences);
        world.reload.frame = [Frame::Answers, Frame::Withheld, Frame::Silent][nth(seed / 3, 3)];
        world.trace = trace;
        world.provider.grace_ms = if dice.once_in(2) { 30 * SECOND } else { 0 };
        let longest = between(&mut dice, HOUR, 12 * HOUR);
        world.provider.longest_ms = (!dice.once_in(3)).then_some(longest);
        world.provider.tells_end = dice.once_in(2);
        world.provider.renewal = Renewal::ALL[usize::try_from(dice.below(4)).unwrap()];
        world.provider.identifies = dice.once_in(2);
        world.provider.retells_end = dice.once_in(2);
        world.device.drift = i64::try_from(dice.below(1001)).unwrap() - 500;
        world.device.counts_sleep = dice.once_in(4);
        let next = HAPPENINGS.iter().map(|(_, mean)| gap(&mut dice, *mean)).collect::<Vec<_>>();
        Self {
            world,
            is_shared,
            pages,
            next: next.try_into().unwrap(),
            user: 0,
            closed: vec![false; tabs],
            tries: vec![0; tabs],
            tried: vec![0; tabs],
            record: Record::default(),
            dice,
        }
    }

    fn begin(&mut self) {
        for tab in 0..self.world.tabs() {
            self.world.sign_in(tab, self.user);
        }
        for _ in 1..self.pages {
            self.world.arrive(0);
        }
        self.world.network.faulty_percent = FAULTY_PERCENT;
    }

    fn step(&mut self) {
        let (index, at) = self.next.iter().copied().enumerate().min_by_key(|(_, at)| *at).unwrap();
        let (happening, mean) = HAPPENINGS[index];
        self.world.run_for(at.saturating_sub(self.world.timeline.now));
        for (tab, tries) in self.tries.iter_mut().enumerate() {
            // It was not in vain, though the session may have ended again before anybody looks.
            if self.world.is_signed_in(tab) {
                *tries = 0;
            }
        }
        self.record.happened[index] += 1;
        self.happen(happening);
        let now = self.world.timeline.now;
        self.next[index] = now + gap(&mut self.dice, mean);
        // What a sleep was in the way of does not come all at once afterwards.
        for (next, (_, mean)) in self.next.iter_mut().zip(HAPPENINGS) {
            if *next < now {
                *next = now + gap(&mut self.dice, *mean);
            }
        }
    }

    fn happen(&mut self, happening: Happening) {
        let tab = usize::try_from(self.dice.below(self.world.tabs() as u64)).unwrap();
        let ms = |dice: &mut Dice, least: u64, most: u64| between(dice, least, most);
        match happening {
            Happening::Call | Happening::Crash | Happening::Reload | Happening::SignOut
                if self.closed[tab] => {}
            Happening::Call => drop(self.world.call(tab)),
            Happening::Look => self.look(),
            Happening::Sleep => self.world.sleep(ms(&mut self.dice, 30 * SECOND, HOUR)),
            // A shared worker that stands still for longer is left behind by its pages.
            Happening::Freeze if self.is_shared => {
                self.world.freeze(tab, ms(&mut self.dice, 100, 2 * SECOND));
            }
            Happening::Freeze => self.world.freeze(tab, ms(&mut self.dice, SECOND, 10 * MINUTE)),
            Happening::Close if self.pages > 1 => {
                self.world.leave_one(tab, self.pages);
                self.pages -= 1;
            }
            Happening::Close => {
                self.world.leave(tab);
                self.closed[tab] = true;
            }
            Happening::Offline => {
                self.world.tell_online(false);
                self.world.network.outage = Some(Fault::Unreachable);
            }
            Happening::Outage if self.world.network.outage.is_none() => {
                let outages = [Fault::Status(503), Fault::Busy(30), Fault::LostBefore];
                let outage = outages[usize::try_from(self.dice.below(3)).unwrap()];
                self.world.network.outage = Some(outage);
            }
            Happening::Outage => {}
            Happening::Crash => {
                self.world.reload(tab, self.pages);
            }
            Happening::Reload => self.world.reload_page(tab, self.pages),
            Happening::Jump => {
                let ms = i64::try_from(ms(&mut self.dice, SECOND, 24 * HOUR)).unwrap();
                self.world.jump(if self.dice.once_in(2) { ms } else { -ms });
            }
            Happening::SignOut => {
                self.world.sign_out(tab);
                self.user = (self.user + 1) % 3;
            }
            Happening::Refusal => self.world.provider.refuse_current_access_tokens(),
            Happening::Theft => self.world.hold_lock(),
            Happening::Revocation => self.world.provider.revoke_all(),
            Happening::Denial => {
                let denial = if self.dice.once_in(2) { Denial::Early } else { Denial::Late };
                self.world.provider.denied = Some((1, denial));
            }
        }
    }

    fn look(&mut self) {
        match self.world.network.outage {
            Some(Fault::Unreachable) if self.dice.once_in(4) => {
                self.world.network.outage = None;
                self.world.tell_online(true);
            }
            Some(Fault::Unreachable) | None => {}
            Some(_) if self.dice.once_in(10) => self.world.network.outage = None,
            Some(_) => {}
        }
        if self.world.provider.denied.is_some() && self.dice.once_in(30) {
            self.world.provider.denied = None;
        }
        if self.is_shared && !self.closed[0] && self.pages < 5 && self.dice.once_in(60) {
            self.pages += 1;
            self.world.arrive(0);
        }
        for tab in 0..self.world.tabs() {
            if self.closed[tab] {
                if self.dice.once_in(5) {
                    self.closed[tab] = false;
                    self.world.arrive(tab);
                }
            } else if self.world.is_signed_in(tab) {
                self.record.minutes += 1;
            } else if self.world.reason(tab).is_some() && self.world.network.outage.is_none() {
                self.get_in(tab);
            }
        }
    }

    /// Whether a reload is to find the session again: the provider knows the user, and nobody signed out.
    fn is_restorable(&self) -> bool {
        self.world.provider.user_here.is_some() && self.world.reload.flag.is_some()
    }

    /// Nobody is signed in there: what does a person do who wants to go on?
    fn get_in(&mut self, tab: usize) {
        if self.is_restorable() && self.tries[tab] < TRIES {
            let now = self.world.timeline.now;
            // A vault does not go to the provider again so soon.
            if now - self.tried[tab] >= MINUTE {
                self.tries[tab] += 1;
                self.tried[tab] = now;
                self.world.reload(tab, 1);
            }
            return;
        }
        if self.tries[tab] == TRIES {
            self.world.tally.unrestored += 1;
        }
        self.tries[tab] = 0;
        let comes = match self.dice.below(20) {
            0 => Return::Refusal,
            1 => Return::Foreign,
            2 => Return::MixedUp,
            3 | 4 => Return::Twice(self.user),
            _ => Return::Code(self.user),
        };
        self.world.ask_sign_in(tab, comes);
    }

    /// A tab is to have its session at the end, or to have it back by a reload or two. One that is found to
    /// have ended at the last moment has those too.
    fn settle(&mut self, tab: usize) {
        let (mut well, mut reloads) = (0, 0);
        while well < 3 {
            self.world.run_for(MINUTE);
            if !self.is_restorable() || self.world.is_signed_in(tab) {
                well += 1;
            } else if reloads < 2 {
                reloads += 1;
                self.world.reload(tab, 1);
            } else {
                self.world.tally.unrestored += 1;
                return;
            }
        }
    }

    /// All is well again, nobody waits, and every tab gets its session back that the provider knows.
    fn end(mut self) -> Record {
        self.world.recover();
        for tab in 0..self.world.tabs() {
            self.world.arrive(tab);
            self.settle(tab);
        }
        let Self { world, mut record, .. } = self;
        record.tally = world.tally();
        record.calls = world.calls.made;
        record.good_calls = world.calls.good().into();
        record.refreshes = record.tally.refreshes;
        record.token_requests = world.network.carried;
        record.faulty = world.network.suffered;
        record
    }
}

/// The time to the next of what happens by itself, once in `mean` on average.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "hours in milliseconds"
)]
fn gap(dice: &mut Dice, mean: u64) -> u64 {
    (-chance(dice).ln() * mean as f64) as u64 + 1
}

/// A number from `least` to `most`, the small ones as likely as the large ones by their logarithm.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "hours in milliseconds"
)]
fn between(dice: &mut Dice, least: u64, most: u64) -> u64 {
    let (least, most) = (least as f64, most as f64);
    (least * (most / least).powf(chance(dice))) as u64
}

/// From above zero to one.
#[allow(clippy::cast_precision_loss, reason = "53 bits")]
fn chance(dice: &mut Dice) -> f64 {
    ((dice.draw() >> 11) + 1) as f64 / (1_u64 << 53) as f64
}
