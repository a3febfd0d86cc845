//! What scripts of the same origin, duplicated tabs, and unlucky orders of events may do to a session.

use tokenward::session::inputs::{Ask, Input};

use crate::{
    fixtures::{START, claims, grant, transaction},
    rig::Rig,
    world::{Fault, World},
};

#[test]
fn t17_a_lock_that_is_never_let_go_delays_a_refresh_and_prevents_none() {
    let mut world = World::new(17, 300, 3);
    for tab in 0..3 {
        world.sign_in(tab, 1);
    }
    for round in 1..=5 {
        world.hold_lock();
        world.sleep(301_000);
        for tab in 0..3 {
            world.call(tab);
        }
        world.run_for(19_000);
        assert_eq!(world.provider.refreshes, 3 * (round - 1), "a living holder gets its time");
        world.run_for(5000);
        assert_eq!((world.calls.good(), world.provider.refreshes), (3 * round, 3 * round));
        assert_eq!(world.tally().flaws(), 0);
    }
}

#[test]
fn t35_a_tab_duplicated_during_a_sign_in_exchanges_the_code_once() {
    // Two pages of one vault.
    let mut rig = Rig::new();
    rig.ask_sign_in("s");
    rig.callback(1, "s");
    assert_eq!(rig.tell(Input::LockTaken), ["Send code"]);
    assert_eq!(rig.callback(2, "s"), ["Conclude 2 callback_used"]);
    let orders = rig.answer(Ok(grant(1, 300, START)));
    assert!(orders.contains(&"Conclude 1 /back set".into()), "{orders:?}");
    assert_eq!(rig.callback(3, "s"), ["Conclude 3 callback_used"]);
    // Two vaults with one store, which gives a transaction once.
    let (mut one, mut other) = (Rig::new(), Rig::new());
    assert!(one.callback(1, "s").contains(&"Find 1 s".into()));
    assert!(other.callback(1, "s").contains(&"Find 1 s".into()));
    let found = Some(transaction("s", START.wall));
    assert!(
        one.tell(Input::Found { ask: Ask(1), transaction: found }).contains(&"TakeLock".into())
    );
    let orders = other.tell(Input::Found { ask: Ask(1), transaction: None });
    assert_eq!(
        orders,
        ["Publish signedOut callback_failed callback_unknown", "Conclude 1 callback_unknown"]
    );
}

#[test]
fn t36_a_sign_out_while_offline_is_not_undone_by_coming_online() {
    for is_refreshing in [false, true] {
        let mut world = World::new(36, 300, 2);
        world.sign_in(0, 1);
        world.sign_in(1, 1);
        if is_refreshing {
            world.sleep(301_000);
            world.call(0);
            world.run_for(20);
        }
        world.tell_online(false);
        world.network.outage = Some(Fault::Unreachable);
        world.sign_out(0);
        // The provider has heard nothing of it.
        world.provider.user_here = Some(1);
        world.run_for(60_000);
        world.network.heal();
        world.tell_online(true);
        world.run_for(60_000);
        for tab in 0..2 {
            world.call(tab);
            world.reload(tab, 1);
            world.run_for(60_000);
            assert!(!world.is_signed_in(tab), "{tab}");
        }
        assert_eq!(world.reload.trips, 0, "nobody asked the provider");
    }
}

/// What may come in any order while a refresh of alice's is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Its answer.
    Answer,
    SignOut,
    /// Bob is back from the provider.
    BobReturns,
    /// Whoever waits for the lock has it.
    Lock,
}

#[test]
fn t37_an_answer_for_one_user_is_never_applied_to_the_next() {
    use Step::{Answer, BobReturns, Lock, SignOut};
    for order in permutations(&[Answer, SignOut, BobReturns, Lock]) {
        let mut rig = Rig::signed_in(grant(1, 300, START));
        rig.advance(301);
        rig.want(1);
        rig.tell(Input::LockTaken);
        rig.ask_sign_in("bob");
        let mut orders = Vec::new();
        for step in &order {
            orders.extend(match step {
                Answer => {
                    let late = grant(2, 300, rig.now);
                    rig.answer(Ok(late))
                }
                SignOut => rig.tell(Input::SignOutAsked(Ask(5))),
                BobReturns => rig.callback(6, "bob"),
                Lock => rig.tell(Input::LockTaken),
            });
        }
        let is_late = order.iter().position(|step| *step == Answer)
            > order.iter().position(|step| *step == SignOut);
        assert_eq!(orders.contains(&"Revoke rt-2".into()), is_late, "{order:?}: {orders:?}");
        if orders.iter().any(|order| order.starts_with("Conclude 6")) {
            // The user signed out after bob came back, and nobody is signed in.
            assert_eq!(rig.want(7), ["Refuse 7 not_signed_in"], "{order:?}");
            continue;
        }
        if !orders.contains(&"Send code".into()) {
            rig.tell(Input::LockTaken);
        }
        let mut bob = grant(3, 300, rig.now);
        bob.claims = Some(claims("bob", rig.now));
        rig.answer(Ok(bob));
        assert_eq!(rig.want(7), ["Lend 7 at-3"], "{order:?}");
        assert_eq!(rig.refused(8, 1), ["Refuse 8 session_ended"], "{order:?}: alice's request");
    }
}

fn permutations(steps: &[Step]) -> Vec<Vec<Step>> {
    if steps.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for first in steps {
        let rest: Vec<Step> = steps.iter().filter(|step| *step != first).copied().collect();
        for mut order in permutations(&rest) {
            order.insert(0, *first);
            all.push(order);
        }
    }
    all
}
