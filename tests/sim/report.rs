//! What the simulator prints, and whether it is good.

use std::time::Instant;

use crate::{
    crowd,
    fleet::{self, Fleet},
    life::{self, Record, ratio},
};

/// Many seeds of so many hours each.
pub(crate) fn crowd(seeds: u64, hours: u64) -> bool {
    println!("{}", WORKLOAD.trim_end());
    println!("{seeds} seeds of {hours} virtual hours each\n");
    let start = Instant::now();
    let crowd = crowd::live(seeds, hours);
    let rate = figures(&crowd.record);
    println!("  most in one seed: {:.2}, seed {}", crowd.busiest.1, crowd.busiest.0);
    println!("{:<52} {:>9}   goal 0", "seeds that broke a rule", crowd.broken.len());
    for (seed, words) in crowd.broken.iter().take(10) {
        println!("  seed {seed}: {words}");
        println!("    again: cargo xtask sim --seed {seed} --hours {hours}");
    }
    println!("\n{:.1} s", start.elapsed().as_secs_f64());
    crowd.broken.is_empty() && rate <= 1.0
}

/// One seed, with all that its vaults hear and order.
pub(crate) fn replay(seed: u64, hours: u64) -> bool {
    let record = life::live(seed, hours, Some(|line| println!("{line}")));
    println!();
    figures(&record);
    record.tally.flaws() == 0
}

/// A fleet with lives of five minutes, and beside it one with lives of an hour.
pub(crate) fn fleets(clients: u64) -> bool {
    println!(
        "{clients} clients that signed in within a minute and call nothing; a provider that fails for \
         ten minutes.\nThe peak of token requests in 10 seconds, over the mean of the steady state \
         (lifetimes 11 to 20):\n"
    );
    let mut is_good = true;
    for (life, is_judged) in [(300, true), (3600, false)] {
        let start = Instant::now();
        is_good &= peaks(&fleet::sail(clients, life), life, is_judged);
        println!("  {:.1} s\n", start.elapsed().as_secs_f64());
    }
    is_good
}

fn peaks(fleet: &Fleet, life: u64, is_judged: bool) -> bool {
    let peaks = fleet.peaks();
    println!("life {life} s, {:.0} requests in 10 s on average", peaks.mean);
    let mut is_good = true;
    for (name, peak, goal) in peaks.judged() {
        let goal_text = if is_judged { format!("   goal <= {goal}") } else { String::new() };
        println!("  {name:<8} {peak:>6.2}{goal_text}");
        is_good &= !is_judged || peak <= goal;
    }
    is_good
}

const WORKLOAD: &str = "\
a person with 1 to 5 tabs that share a vault or have one each; access tokens of 60 to 3,600 s; a call in
10 s on average, of all tabs together; 1 sleep an hour; faults in 10 % of the token exchanges, outages,
offline times, crashes, reloads while the vault lives, frozen tabs, clocks that drift and are set,
sign-outs; half the providers rotate, with reuse detection, half of them with a grace of 30 s; half give
no ID token with a refresh; two thirds have a longest session of 1 to 12 hours; half of the seeds have two
resources with an access token each; in a third of them refresh tokens are sealed, one for all tabs; in a
third hidden frames restore, in two thirds of which they come to nothing
";

/// Prints what was counted; gives the refreshes a minute.
fn figures(record: &Record) -> f64 {
    let Record { tally, .. } = record;
    let hours = ratio(record.minutes, 60);
    println!("{:<52} {:>9.0}", "hours signed in and awake, each vault's", hours);
    println!("{:<52} {:>9}", "calls", record.calls);
    println!("{:<52} {:>9.1} %", "  answered well", 100.0 * ratio(record.good_calls, record.calls));
    println!("{:<52} {:>9}", "token requests", record.token_requests);
    let faulty = 100.0 * ratio(record.faulty, record.token_requests);
    println!("{:<52} {:>9.1} %", "  that suffered something", faulty);
    for (name, count) in record.happenings().skip(2) {
        println!("{:<52} {count:>9}", format!("  {name}"));
    }
    println!();
    for (name, count) in [
        ("sessions lost that the provider still honoured", tally.lost),
        ("calls sent with an expired token", tally.expired),
        ("rotated tokens used outside the lost-answer rule", tally.reused),
        ("tabs without their session though the user is known", tally.unrestored),
    ] {
        println!("{name:<52} {count:>9}   goal 0");
    }
    let rate = record.refreshes_a_minute();
    println!("{:<52} {rate:>9.3}   goal <= 1", "refreshes a minute a session");
    let apart = |name: &str, count: u64| {
        let per = 1000.0 * ratio(count, record.minutes) * 60.0;
        println!("{name:<52} {count:>9}   {per:.2} in 1,000 hours");
    };
    println!("counted apart:");
    apart("  sessions lost with a rotation's answer, no grace", tally.rotations_lost);
    apart("  expired tokens lent, no clock could know", tally.misled);
    apart("  realms that died in mid-refresh", tally.died_refreshing);
    apart(
        "  sessions that the provider ended",
        tally.ended - tally.rotations_lost.min(tally.ended),
    );
    apart("  locks taken by force", tally.stolen);
    rate
}
