//! Clocks that are set, and devices that sleep: no storm, no token past its expiry, no session that ends.

use tokenward::{
    clock::ServerOffset,
    session::{grant::Grant, inputs::Input, snapshot::Snapshot},
};

use crate::{
    fixtures::{START, grant},
    rig::{Rig, told_to_wait},
    world::{Dice, World},
};

const DAY: i64 = 86_400_000;
const TEN_YEARS: u64 = 10 * 365 * 86_400_000;

#[test]
fn t29_a_thousand_random_jumps_are_no_storm_and_no_use_of_an_expired_token() {
    for seed in 0..5 {
        let mut world = World::new(seed, 300, 1);
        let mut dice = Dice::new(seed);
        world.sign_in(0, 1);
        let begin = world.timeline.now;
        for _ in 0..1000 {
            let ms = i64::try_from(dice.below(TEN_YEARS)).unwrap();
            world.jump(if dice.once_in(2) { ms } else { -ms });
            for _ in 0..3 {
                world.call(0);
                world.run_for(dice.below(40_000));
            }
        }
        let minutes = (world.timeline.now - begin) / 60_000;
        assert!(world.is_signed_in(0));
        assert_eq!((world.tally().flaws(), world.calls.good()), (0, 3000));
        assert!(u64::from(world.provider.refreshes) <= minutes, "{minutes}");
    }
}

#[test]
fn the_providers_time_is_that_of_the_session() {
    let mut rig = Rig::new();
    assert_eq!(rig.session.server_offset(), ServerOffset::default());
    let offset = ServerOffset(-7000);
    rig.exchange_code("s", Ok(Grant { offset, ..grant(1, 300, START) }));
    assert_eq!(rig.session.server_offset(), offset);
}

#[test]
fn t29_a_sleep_after_the_clock_was_set_back_is_seen() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    rig.turn(-DAY, 1000);
    assert_eq!(
        rig.want(1),
        ["Publish signedIn", "Lend 1 at-1"],
        "the moment of its expiry changed"
    );
    // The lid is closed, and the monotonic clock stands still.
    rig.turn(400_000, 0);
    assert_eq!(rig.want(2), ["Publish signedIn refreshing", "TakeLock"]);
}

#[test]
fn t29_a_sleep_in_mid_exchange_is_seen_though_the_clock_was_set_back_since() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    rig.advance(280);
    rig.woke();
    rig.tell(Input::LockTaken);
    rig.turn(200_000, 0);
    rig.woke();
    rig.turn(-150_000, 0);
    rig.woke();
    let renewed = grant(2, 300, rig.now);
    rig.answer(Ok(renewed));
    assert_eq!(rig.want(1), ["Lend 1 at-2"]);
    rig.turn(99_000, 0);
    let orders = rig.want(2);
    assert!(orders.contains(&"TakeLock".into()), "it was made before the sleep: {orders:?}");
}

#[test]
fn t29_what_the_pages_see_follows_the_clock() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    let before = rig.refresh_at().unwrap();
    rig.turn(-DAY, 0);
    rig.woke();
    assert_eq!(rig.refresh_at(), Some(before - DAY));
    let Snapshot::SignedIn { expires_at, .. } = rig.session.snapshot() else { panic!() };
    assert_eq!(expires_at, Some(START.wall.0 + 300_000 - DAY));
}

#[test]
fn t29_a_retry_after_holds_when_the_clock_is_set_back() {
    let mut rig = Rig::signed_in(grant(1, 300, START));
    rig.advance(301);
    rig.want(1);
    rig.exchange(Err(told_to_wait(120)));
    rig.turn(-DAY, 0);
    rig.woke();
    rig.turn(119_000, 119_000);
    assert_eq!(rig.want(2), ["Refuse 2 refresh_failed"]);
    rig.turn(1000, 1000);
    assert!(rig.want(3).contains(&"TakeLock".into()));
}

#[test]
fn rf7_a_slow_clock_lends_nothing_in_the_last_thousandth() {
    let mut rig = Rig::signed_in(grant(1, 3600, START));
    rig.tell(Input::WentOffline);
    rig.turn(3_596_399, 3_596_399);
    assert_eq!(rig.want(1), ["Lend 1 at-1"]);
    rig.turn(1, 1);
    assert_eq!(rig.want(2), ["Refuse 2 offline"]);
}

#[test]
fn rf8_every_sleep_of_a_day_is_one_refresh_however_the_clocks_see_it() {
    for counts_sleep in [false, true] {
        let mut world = World::new(3, 3600, 1);
        world.device.counts_sleep = counts_sleep;
        world.sign_in(0, 1);
        for day in 1..=30 {
            world.sleep(86_400_000);
            for _ in 0..20 {
                world.call(0);
            }
            world.run_for(2000);
            assert_eq!((world.provider.refreshes, world.calls.good()), (day, 20 * day));
        }
    }
}
