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
