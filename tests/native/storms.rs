//! The session in a world that misbehaves: told stories first, then random ones. The world checks at
//! every step that each ticket is answered once, that one token request is under way at most and only
//! under the lock, that no lease is past its expiry or another user's, that nothing but the provider
//! or the user ends a session, and that waking again changes nothing.

use proptest::prelude::*;
use tokenward::config::Restore;

use crate::world::{Denial, Dice, Fault, Frame, Renewal, Return, World};

impl World {
    /// A world with one audience.
    pub(crate) fn new(seed: u64, life: u64, tabs: usize) -> Self {
        Self::with_audiences(seed, life, tabs, 0)
    }

    /// So many calls of the first tab, one every ten seconds.
    pub(crate) fn call_steadily(&mut self, calls: u32) {
        for _ in 0..calls {
            self.call(0);
            self.run_for(10_000);
        }
    }
}

#[test]
fn rf2_a_thousand_calls_on_an_expired_token_are_one_refresh() {
    let mut world = World::new(1, 60, 1);
    world.sign_in(0, 1);
    world.leave(0);
    world.run_for(120_000);
    world.arrive(0);
    for _ in 0..1000 {
        world.call(0);
    }
    world.run_for(5000);
    assert_eq!((world.provider.refreshes, world.calls.good()), (1, 1000));
}

#[test]
fn rf7_hours_of_calls_are_all_good_and_one_refresh_each_expiry() {
    let mut world = World::new(2, 60, 1);
    world.sign_in(0, 1);
    world.call_steadily(720);
    assert_eq!(world.calls.good(), 720);
    let refreshes = world.provider.refreshes;
    assert!(
        (7200 / 54..=7200 / 39).contains(&refreshes),
        "{refreshes} in two hours of 60 s tokens"
    );
}

#[test]
fn rf6_an_outage_of_ten_minutes_ends_nothing() {
    let mut world = World::new(3, 60, 1);
    world.sign_in(0, 1);
    for _ in 0..200 {
        world.network.will(Fault::Status(503));
    }
    world.call_steadily(60);
    assert_eq!((world.is_signed_in(0), world.provider.refreshes), (true, 0));
    assert!(world.calls.errors.keys().all(|code| *code == "refresh_failed"));
    let before = world.calls.good();
    world.recover();
    world.call(0);
    world.run_for(1000);
    assert_eq!(world.calls.good(), before + 1);
}

#[test]
fn rf10_a_lost_rotation_survives_where_there_is_grace_and_ends_as_lost_where_not() {
    for (grace_ms, is_signed_in) in [(60_000, true), (0, false)] {
        let mut world = World::new(4, 60, 1);
        world.provider.grace_ms = grace_ms;
        world.sign_in(0, 1);
        world.network.will(Fault::LostAfter);
        world.run_for(120_000);
        assert_eq!(world.is_signed_in(0), is_signed_in);
        assert_eq!(world.provider.reuses, u32::from(grace_ms == 0));
        assert_eq!(world.tally().rotations_lost, u64::from(grace_ms == 0));
    }
}

#[test]
fn rf9_dp7_a_nonce_between_is_no_failure_and_no_second_refresh() {
    let mut world = World::new(7, 60, 1);
    world.sign_in(0, 1);
    world.leave(0);
    world.run_for(120_000);
    world.arrive(0);
    world.network.will(Fault::Challenge(1));
    for _ in 0..1000 {
        world.call(0);
    }
    world.run_for(5000);
    assert_eq!((world.provider.refreshes, world.calls.good()), (1, 1000));
}

#[test]
fn rf9_dp7_a_provider_that_always_wants_another_nonce_ends_nothing_and_loses_nothing() {
    let mut world = World::new(8, 60, 1);
    world.sign_in(0, 1);
    for _ in 0..20 {
        world.network.will(Fault::Challenge(3));
    }
    world.run_for(120_000);
    assert_eq!((world.is_signed_in(0), world.provider.refreshes), (true, 0));
    world.recover();
    world.call(0);
    world.run_for(60_000);
    assert_eq!((world.provider.refreshes > 0, world.provider.reuses), (true, 0));
    assert_eq!(world.tally().rotations_lost, 0);
}

#[test]
fn rf8_a_night_asleep_then_one_refresh() {
    let mut world = World::new(5, 3600, 1);
    world.sign_in(0, 1);
    world.sleep(9 * 3_600_000);
    for _ in 0..50 {
        world.call(0);
    }
    world.run_for(2000);
    assert_eq!((world.provider.refreshes, world.calls.good()), (1, 50));
}

#[test]
fn br5_a_token_that_was_refused_early_is_replaced_unseen() {
    let mut world = World::new(6, 3600, 1);
    world.sign_in(0, 1);
    world.provider.refuse_current_access_tokens();
    for _ in 0..50 {
        world.call(0);
    }
    world.run_for(2000);
    assert_eq!((world.provider.refreshes, world.calls.good()), (1, 50));
}

/// One thing that somebody does, or that befalls the world.
#[derive(Clone, Copy, Debug)]
enum Act {
    SignIn(Return),
    SignOut,
    Calls(u8),
    Abort,
    Wait(u32),
    Sleep(u32),
    Jump(i64),
    Online(bool),
    Outage(bool),
    Freeze(u32),
    Leave,
    /// One of so many pages is loaded again, and the vault lives on.
    ReloadPage(u32),
    Arrive,
    Suffer(Fault),
    RefuseTokens,
    RevokeAll,
    HoldLock,
    Crash,
    Reload(u32),
    OneWay(bool),
    Frame(Frame),
    /// The provider issues no token for a further audience, or does so again.
    Deny(Option<Denial>),
}

fn act() -> impl Strategy<Value = Act> {
    let comes = prop_oneof![
        6 => (0..3_u8).prop_map(Return::Code),
        1 => Just(Return::Refusal),
        1 => Just(Return::Foreign),
        2 => (0..3_u8).prop_map(Return::Twice),
        1 => Just(Return::MixedUp),
    ];
    prop_oneof![
        4 => comes.prop_map(Act::SignIn),
        1 => Just(Act::SignOut),
        8 => (1..20_u8).prop_map(Act::Calls),
        2 => Just(Act::Abort),
        10 => (0..90_000_u32).prop_map(Act::Wait),
        6 => (0..3000_u32).prop_map(Act::Wait),
        2 => (0..40_000_000_u32).prop_map(Act::Sleep),
        1 => jump().prop_map(Act::Jump),
        3 => prop::sample::select(vec![false, true, true]).prop_map(Act::Online),
        2 => prop::sample::select(vec![false, true, false]).prop_map(Act::Outage),
        2 => (0..40_000_u32).prop_map(Act::Freeze),
        1 => Just(Act::Leave),
        1 => (1..4_u32).prop_map(Act::ReloadPage),
        2 => Just(Act::Arrive),
        6 => prop::sample::select(&Fault::ALL[..]).prop_map(Act::Suffer),
        1 => (1..4_u8).prop_map(|times| Act::Suffer(Fault::Challenge(times))),
        1 => Just(Act::RefuseTokens),
        1 => Just(Act::RevokeAll),
        1 => Just(Act::HoldLock),
        1 => Just(Act::Crash),
        3 => (1..4_u32).prop_map(Act::Reload),
        1 => any::<bool>().prop_map(Act::OneWay),
        2 => prop::sample::select(vec![Frame::Answers, Frame::Withheld, Frame::Silent])
            .prop_map(Act::Frame),
        1 => prop::sample::select(vec![None, Some(Denial::Early), Some(Denial::Late)])
            .prop_map(Act::Deny),
    ]
}

fn jump() -> impl Strategy<Value = i64> {
    prop_oneof![100..90_000_000_i64, 100..100_000_i64, -90_000_000..=-100_i64, -100_000..=-100_i64]
}

fn perform(world: &mut World, act: Act, dice: &mut Dice) {
    let tab = usize::try_from(dice.below(world.tabs() as u64)).unwrap();
    match act {
        Act::SignIn(comes) => world.ask_sign_in(tab, comes),
        Act::SignOut => world.sign_out(tab),
        Act::Calls(count) => {
            for _ in 0..count {
                world.call(tab);
            }
        }
        Act::Abort => {
            let open: Vec<u64> = world.calls.open.keys().copied().collect();
            if !open.is_empty() {
                let chosen = usize::try_from(dice.below(open.len() as u64)).unwrap();
                world.abort(open[chosen]);
            }
        }
        Act::Wait(ms) => world.run_for(ms.into()),
        Act::Sleep(ms) => world.sleep(ms.into()),
        Act::Jump(ms) => world.jump(ms),
        Act::Online(is_online) => world.tell_online(is_online),
        Act::Outage(is_out) => world.network.outage = is_out.then_some(Fault::Status(503)),
        Act::Freeze(ms) => world.freeze(tab, ms.into()),
        Act::Leave => world.leave(tab),
        Act::ReloadPage(pages) => world.reload_page(tab, pages),
        Act::Arrive => world.arrive(tab),
        Act::Suffer(fault) => world.network.will(fault),
        Act::RefuseTokens => world.provider.refuse_current_access_tokens(),
        Act::RevokeAll => world.provider.revoke_all(),
        Act::HoldLock => world.hold_lock(),
        Act::Crash => world.crash(tab),
        Act::Reload(pages) => world.reload(tab, pages),
        Act::Deny(denial) => world.provider.denied = denial.map(|denial| (1, denial)),
        Act::OneWay(is_one_way) => world.reload.is_one_way = is_one_way,
        Act::Frame(frame) => world.reload.frame = frame,
    }
}

/// What a story happens in.
#[derive(Clone, Copy, Debug)]
struct Scene {
    seed: u64,
    tabs: usize,
    audiences: usize,
    restore: Restore,
    life: u64,
    grace_ms: u64,
    longest_ms: Option<u64>,
    tells_end: bool,
    renewal: Renewal,
    identifies: bool,
    drift: i64,
    counts_sleep: bool,
}

fn live_through(scene: Scene, acts: &[Act]) {
    let make = match scene.restore {
        Restore::Frame => World::framed,
        Restore::Redirect | Restore::None => World::with_audiences,
    };
    let mut world = make(scene.seed, scene.life, scene.tabs, scene.audiences);
    let mut dice = Dice::new(scene.seed);
    world.provider.grace_ms = scene.grace_ms;
    world.provider.longest_ms = scene.longest_ms;
    world.provider.tells_end = scene.tells_end;
    world.provider.renewal = scene.renewal;
    world.provider.identifies = scene.identifies;
    world.device.drift = scene.drift;
    world.device.counts_sleep = scene.counts_sleep;
    for act in acts {
        perform(&mut world, *act, &mut dice);
        assert_eq!(world.tally().flaws(), 0, "{:?} after {act:?}", world.tally());
    }
    world.recover();
    assert_eq!(world.tally().flaws(), 0, "{:?} in the end", world.tally());
}

prop_compose! {
    fn scene()(
        seed in any::<u64>(),
        tabs in 1..4_usize,
        audiences in prop::sample::select(vec![0, 0, 1, 2]),
        restore in prop::sample::select(vec![Restore::Redirect, Restore::Frame]),
        life in prop::sample::select(vec![5, 60, 300, 3600]),
        grace_ms in prop::sample::select(vec![0, 30_000]),
        longest_ms in prop::option::of(60_000..20_000_000_u64),
        tells_end in any::<bool>(),
        renewal in prop::sample::select(&Renewal::ALL[..]),
        identifies in any::<bool>(),
        drift in -500..500_i64,
        counts_sleep in any::<bool>(),
    ) -> Scene {
        Scene { seed, tabs, audiences, restore, life, grace_ms, longest_ms, tells_end, renewal, identifies, drift, counts_sleep }
    }
}

fn story() -> impl Strategy<Value = (Scene, Vec<Act>)> {
    (scene(), prop::collection::vec(act(), 1..60))
}

/// A failure prints the shortest story that shows it: it becomes a test of its own above.
fn stories(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(stories(1500))]

    #[test]
    fn what_must_always_hold((scene, acts) in story()) {
        live_through(scene, &acts);
    }
}

proptest! {
    #![proptest_config(stories(50_000))]

    #[test]
    #[ignore = "soak"]
    fn what_must_always_hold_at_length((scene, acts) in story()) {
        live_through(scene, &acts);
    }
}
