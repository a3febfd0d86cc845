//! Whole reloads in the world: pages that load together, a vault that ends in the middle, a provider
//! that keeps people or no longer knows them.

use crate::world::{Return, World};

#[test]
fn the_world_reloads_and_everybody_stays_signed_in() {
    for tabs in [1, 5] {
        let mut world = World::new(11, 300, 1);
        world.sign_in(0, 1);
        for reload in 1..=20 {
            world.reload(0, tabs);
            world.call(0);
            world.run_for(3000);
            assert_eq!((world.is_signed_in(0), world.reload.trips), (true, reload));
            assert_eq!(world.calls.good(), reload);
        }
    }
}

#[test]
fn the_vault_may_end_during_the_trip_too() {
    let mut world = World::new(12, 300, 1);
    world.sign_in(0, 1);
    world.reload(0, 1);
    world.run_for(1000);
    world.reload(0, 1);
    world.run_for(3000);
    assert_eq!((world.is_signed_in(0), world.reload.trips), (true, 1));
}

#[test]
fn the_world_signs_out_and_reloads() {
    let mut world = World::new(13, 300, 1);
    world.sign_in(0, 1);
    world.sign_out(0);
    world.provider.user_here = Some(1);
    world.reload(0, 2);
    world.run_for(60_000);
    assert_eq!((world.is_signed_in(0), world.reload.trips), (false, 0));
}

#[test]
fn the_world_reloads_where_the_provider_keeps_people() {
    let mut world = World::new(14, 300, 1);
    world.sign_in(0, 1);
    world.reload.is_one_way = true;
    for _ in 0..10 {
        world.reload(0, 1);
        world.run_for(2900);
    }
    assert_eq!(world.reload.trips, 1, "one in thirty seconds");
    world.run_for(30_000);
    world.ask_sign_in(0, Return::Refusal);
    world.run_for(3000);
    world.reload.is_one_way = false;
    world.reload(0, 1);
    world.run_for(3000);
    assert_eq!((world.is_signed_in(0), world.reload.trips), (true, 2));
}

#[test]
fn the_world_reloads_after_the_provider_ended_its_session() {
    let mut world = World::new(15, 300, 1);
    world.sign_in(0, 1);
    world.provider.revoke_all();
    for _ in 0..3 {
        world.reload(0, 2);
        world.run_for(60_000);
        assert_eq!((world.is_signed_in(0), world.reload.trips), (false, 1));
    }
}

#[test]
fn the_world_reloads_with_a_sealed_record_and_nobody_travels() {
    for tabs in [1, 3] {
        let mut world = World::sealed(16, 300, tabs, 1);
        world.sign_in(0, 1);
        for reload in 1..=20 {
            for tab in 0..tabs {
                world.reload(tab, 1);
            }
            let before = world.tally().refreshes;
            world.run_for(3000);
            for tab in 0..tabs {
                assert!(world.is_signed_in(tab), "{reload}");
            }
            assert_eq!(world.tally().refreshes - before, tabs as u64, "one for each vault");
        }
        assert_eq!((world.reload.trips, world.tally().flaws()), (0, 0));
    }
}

#[test]
fn the_vault_may_end_between_rotation_and_record() {
    let mut ends = 0;
    for after in (0..200).step_by(5) {
        let mut world = World::sealed(17, 300, 1, 1);
        world.sign_in(0, 1);
        world.reload(0, 1);
        world.run_for(after);
        // In whatever it is about: reading, asking, being answered.
        world.reload(0, 1);
        world.run_for(3000);
        assert!(world.is_signed_in(0), "after {after} ms");
        ends += world.reload.trips;
        assert_eq!(world.tally().flaws(), 0);
    }
    // Where the provider had rotated the token and the answer never came, it was asked who is signed in.
    assert!((1..40).contains(&ends), "{ends}");
}
