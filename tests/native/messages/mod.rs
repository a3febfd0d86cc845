//! Any number of messages, as a script in the page could post them: to ports that said hello and to ports
//! that did not, in any order, each field right, wrong, missing or one too many, and bytes that nobody meant.
//! Whatever comes, no request goes to an origin that is not listed, no token into a reply, and the session of
//! the application stays what it was.

mod desk;
mod forge;
mod tally;
mod urls;

use crate::world::Dice;
use desk::Desk;
use forge::Forge;
use tally::Tally;

/// Looks that often whether the application is as well served as before.
const LOOK: u64 = 500;

fn fuzz(count: u64, seed: u64) -> Tally {
    let mut desk = Desk::open();
    let mut forge = Forge::new(Dice::new(seed));
    for number in 0..count {
        let (port, text) = forge.message();
        desk.hear(port, &text);
        if number % LOOK == LOOK - 1 {
            desk.assert_served(number);
        }
    }
    desk.assert_served(count);
    let tally = desk.tally;
    // What is refused throughout, or taken throughout, shows nothing.
    for (what, times) in tally.counts() {
        assert!(times > 0, "none: {what}, of {count} messages of the seed {seed}");
    }
    tally.print(count, seed);
    tally
}

#[test]
fn whatever_a_page_posts_the_session_is_unharmed_t33_st4() {
    fuzz(20_000, 5);
}

#[test]
#[ignore = "soak"]
fn a_million_messages_leave_the_session_unharmed_t33_st4() {
    fuzz(1_000_000, 7);
}

#[test]
fn every_message_of_the_protocol_is_forged_t33() {
    use tokenward::vault::wire::ToVault;
    assert_eq!(forge::types().collect::<Vec<_>>(), ToVault::TYPES, "in the protocol's order");
    let mut desk = Desk::open();
    let mut forge = Forge::new(Dice::new(1));
    for tag in forge::types() {
        let text = forge.whole(tag).to_string();
        let read = ToVault::read(&text).map_err(|unreadable| unreadable.error.message.clone());
        assert!(read.is_ok(), "{tag}: {text}");
        desk.hear(1, &text);
    }
}
