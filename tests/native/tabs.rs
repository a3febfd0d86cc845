//! What vaults in tabs of their own tell each other, and the lock that they share.

use tokenward::{
    config::DEFAULT_AUDIENCE,
    session::{
        inputs::{Ask, Input, Ticket},
        tabs::{Chronicle, News, TabsEpoch},
    },
};

use crate::{
    browser::{Browser, Tab, WAIT},
    fixtures::transaction,
    rig::{Rig, callback},
};

#[test]
fn a_sign_out_in_one_tab_ends_every_session_at_once() {
    let mut browser = Browser::open(4);
    for index in 0..3 {
        browser.sign_in(index);
    }
    browser.orders(1);
    browser.sign_out(0);
    browser.run_for(1);
    for index in 0..3 {
        assert_eq!(browser.status(index), "signedOut signed_out", "{index}");
    }
    assert_eq!(
        browser.orders(1),
        ["Publish signedOut signed_out", "Revoke rt-101", "DropKey"],
        "its own token, and dp12"
    );
    assert_eq!(browser.status(3), "signedOut signed_out", "nobody is signed in elsewhere any more");
}

#[test]
fn a_sign_out_where_nobody_is_signed_in_holds_everywhere_too() {
    let mut browser = Browser::open(2);
    browser.sign_in(1);
    browser.sign_out(0);
    browser.run_for(1);
    assert_eq!(browser.status(1), "signedOut signed_out");
}

#[test]
fn a_sign_in_elsewhere_is_shown_to_a_tab_without_a_session() {
    let mut browser = Browser::open(2);
    browser.sign_in(0);
    assert_eq!(browser.status(1), "signedOut signed_in_elsewhere");
    browser.sign_in(1);
    assert_eq!(browser.status(1), "signedIn");
}

#[test]
fn rf14_a_sign_in_elsewhere_leaves_a_session_alone() {
    let mut browser = Browser::open(2);
    browser.sign_in(0);
    browser.sign_in(1);
    browser.orders(0);
    browser.sign_in(1);
    assert_eq!(browser.status(0), "signedIn");
    assert_eq!(browser.orders(0), Vec::<String>::new(), "nothing of it changed");
}

#[test]
fn a_new_tab_has_missed_nothing() {
    let mut browser = Browser::open(1);
    browser.sign_in(0);
    browser.sign_out(0);
    let index = browser.open_one();
    browser.run_for(3);
    assert_eq!(browser.status(index), "signedOut no_session");
    // Not even a sign-out of its own time, while it comes back from a sign-in.
    let index = browser.open_one();
    browser.sign_in(index);
    assert_eq!(browser.status(index), "signedIn");
}

#[test]
fn rf13_a_sign_out_elsewhere_wins_over_a_refresh_and_a_sign_in_under_way() {
    let mut browser = Browser::open(3);
    browser.sign_in(0);
    browser.now += 301_000;
    browser.tell(0, Input::LeaseWanted(Ticket(1), DEFAULT_AUDIENCE));
    browser.run_for(2);
    assert!(browser.tabs[0].flight.is_some());
    let transaction = transaction("late", browser.clock().wall);
    browser.tell(1, Input::SignInAsked { ask: Ask(0), transaction });
    browser.tell(1, Input::CallbackArrived { ask: Ask(1), callback: callback("late") });
    browser.sign_out(2);
    browser.run_for(1);
    browser.answer(0);
    assert!(browser.orders(0).contains(&"Revoke rt-2".into()), "its late tokens");
    assert!(browser.orders(1).contains(&"Conclude 1 session_ended".into()));
    for index in 0..3 {
        assert_eq!(browser.status(index), "signedOut signed_out", "{index}");
    }
}

#[test]
fn a_page_that_comes_back_catches_up_with_a_sign_out() {
    let mut browser = Browser::open(2);
    browser.sign_in(0);
    browser.sign_in(1);
    browser.hide(1);
    browser.sign_out(0);
    browser.sign_in(0);
    browser.run_for(60_000);
    assert_eq!(browser.status(1), "signedIn", "it hears nothing");
    browser.orders(1);
    browser.show(1);
    browser.run_for(1);
    assert_eq!(browser.status(1), "signedOut signed_in_elsewhere");
    assert!(browser.orders(1).contains(&"Revoke rt-101".into()));
}

#[test]
fn what_is_remembered_is_news_once_and_a_sign_out_is_no_sign_in() {
    let recalled = |record| Input::Recalled(Chronicle::from_record(record));
    let mut rig = Rig::new();
    rig.tell(recalled("3 2"));
    assert_eq!(rig.tell(recalled("3 2")), Vec::<String>::new(), "nothing was missed");
    assert_eq!(rig.tell(recalled("5 5")), ["DropKey"]);
    assert_eq!(rig.tell(recalled("5 5")), Vec::<String>::new(), "it was done");
    assert_eq!(rig.status(), "signedOut no_session");
    rig.tell(recalled("6 5"));
    assert_eq!(rig.status(), "signedOut signed_in_elsewhere");
}

#[test]
fn a_page_that_comes_back_catches_up_with_a_sign_in() {
    let mut browser = Browser::open(2);
    browser.hide(1);
    browser.sign_in(0);
    browser.show(1);
    browser.run_for(1);
    assert_eq!(browser.status(1), "signedOut signed_in_elsewhere");
}

#[test]
fn a_page_that_comes_back_after_its_own_sign_out_keeps_the_next_session() {
    let mut browser = Browser::open(1);
    browser.sign_in(0);
    browser.sign_out(0);
    browser.run_for(3);
    browser.sign_in(0);
    browser.hide(0);
    browser.show(0);
    browser.run_for(3);
    assert_eq!(browser.status(0), "signedIn");
}

#[test]
fn news_that_come_late_are_none() {
    let mut browser = Browser::open(2);
    browser.sign_in(0);
    browser.sign_out(0);
    browser.run_for(3);
    // At the sign-out's own epoch: a script of the origin may say anything.
    for epoch in [1, 2] {
        browser.tell(1, Input::Heard { epoch: TabsEpoch(epoch), news: News::SignedIn });
        assert_eq!(browser.status(1), "signedOut signed_out");
    }
}

/// All want a refresh at once.
fn expire(browser: &mut Browser) {
    browser.now += 301_000;
    for index in 0..browser.tabs.len() {
        browser.tell(index, Input::LeaseWanted(Ticket(1), DEFAULT_AUDIENCE));
    }
    browser.run_for(2);
}

#[test]
fn token_requests_of_all_tabs_go_one_after_another() {
    let mut browser = Browser::open(3);
    for index in 0..3 {
        browser.sign_in(index);
    }
    expire(&mut browser);
    for index in 0..3 {
        let flying: Vec<bool> = browser.tabs.iter().map(|tab| tab.flight.is_some()).collect();
        assert_eq!(flying.iter().filter(|is_flying| **is_flying).count(), 1, "{flying:?}");
        browser.answer(index);
        assert!(browser.orders(index).iter().any(|order| order.starts_with("Lend 1 ")));
    }
}

#[test]
fn a_holder_that_dies_makes_room_at_once() {
    let mut browser = Browser::open(2);
    browser.sign_in(0);
    browser.sign_in(1);
    expire(&mut browser);
    browser.tabs[0].is_hung = true;
    browser.release(0);
    browser.run_for(1);
    browser.answer(1);
    assert_eq!(browser.status(1), "signedIn");
}

#[test]
fn t17_a_holder_that_hangs_loses_the_lock_and_harms_nobody_when_it_wakes() {
    let mut browser = Browser::open(4);
    for index in 0..4 {
        browser.sign_in(index);
    }
    expire(&mut browser);
    browser.tabs[0].is_hung = true;
    browser.run_for(WAIT - 10);
    assert!(
        browser.tabs[1..].iter().all(|tab| tab.flight.is_none()),
        "a living holder gets its time"
    );
    // One takes it by force; the others get it in their turn, unless they lose patience just then.
    let mut answered = 0;
    for _ in 0..3100 {
        browser.run_for(1);
        for index in 1..4 {
            if browser.tabs[index].flight.is_some() {
                browser.answer(index);
                answered += 1;
            }
        }
    }
    assert_eq!(answered, 3);
    let stolen = |tab: &Tab| tab.orders.iter().filter(|order| *order == "StealLock").count();
    assert_eq!(browser.tabs.iter().map(stolen).sum::<usize>(), 1, "one stole it, for all");

    // The one that hung is answered after all: the answer is its own session's, and nobody else's.
    browser.tabs[0].is_hung = false;
    browser.orders(0);
    browser.answer(0);
    assert!(browser.orders(0).contains(&"Lend 1 at-2".into()));
    for index in 0..4 {
        assert_eq!(browser.status(index), "signedIn", "{index}");
    }
    expire(&mut browser);
    assert!(browser.tabs[0].flight.is_some(), "and it takes part again");
}
