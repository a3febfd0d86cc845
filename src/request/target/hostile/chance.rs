//! Addresses that chance makes of good and of hostile ones. A seed gives the same ones each time.

use super::{PAGE, PLACES, Tally, config, hostile};

/// Steele, Lea and Flood's `SplitMix64`: what it gives is the seed's alone.
struct Chance(u64);

impl Chance {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % below as u64).unwrap()
    }

    fn piece(&mut self) -> &'static str {
        let count = PIECES.split('|').count();
        PIECES.split('|').nth(self.next(count)).unwrap()
    }
}

/// What is put into an address, between lines.
const PIECES: &str = concat!(
    r"/|\|//|\\|?|#|@|:|;|.|..|/..|/../|/./|%|%2e|%2f|%5c|%3b|%252e|%252f|%00|%40|%3a|[|]|[::1]|127.1|0x7f.1|",
    "xn--|user@|:word@|:443|:8443|:0|:65536|evil.test|.evil.test|@evil.test|http:|https:|HTTPS://|blob:|",
    "data:,|javascript:|ws:|file:|/in|in|api.example.com|https://api.example.com|",
    "https://keys.example.com:8443/in|\t|\n|\r| |\0|\u{ad}|\u{200b}|\u{feff}|\u{ff0f}|\u{ff3c}|\u{ff20}|",
    "\u{ff1a}|\u{ff0e}|\u{3002}|\u{131}|\u{17f}|\u{212a}|\u{2100}",
);

/// One of `seeds`, with as many changes as chance wants.
fn mutated(chance: &mut Chance, seeds: &[String]) -> String {
    let mut text: Vec<char> = seeds[chance.next(seeds.len())].chars().collect();
    for _ in 0..=chance.next(5) {
        let at = chance.next(text.len() + 1);
        let end = (at + 1 + chance.next(4)).min(text.len());
        match chance.next(8) {
            0..3 => drop(text.splice(at..at, chance.piece().chars())),
            3 => drop(text.drain(at.min(end)..end)),
            4 => {
                let again = text[at.min(end)..end].to_vec();
                text.splice(at..at, again);
            }
            5 => {
                for letter in &mut text[at.min(end)..end] {
                    let other = if letter.is_lowercase() {
                        letter.to_ascii_uppercase()
                    } else {
                        letter.to_ascii_lowercase()
                    };
                    *letter = other;
                }
            }
            6 => {
                let Some(letter) = text.get(at).copied() else { continue };
                let mut bytes = [0; 4];
                let encoded = letter.encode_utf8(&mut bytes).bytes();
                let encoded: Vec<_> = encoded.map(|byte| format!("%{byte:02x}")).collect();
                text.splice(at..=at, encoded.concat().chars());
            }
            _ => {
                let other: Vec<char> = seeds[chance.next(seeds.len())].chars().collect();
                let half = other.len() / 2;
                text.truncate(at);
                text.extend(&other[half..]);
            }
        }
    }
    text.into_iter().collect()
}

fn fuzz(count: usize) {
    let config = config();
    let mut seeds: Vec<String> = PLACES.iter().flat_map(hostile).collect();
    // Half of all begin as what is allowed.
    let good = |at: usize| format!("{}/in/a/b?c=d#e", PLACES[at % PLACES.len()].origin());
    seeds.extend((0..seeds.len()).map(good));
    let (mut chance, mut tally) = (Chance(6), Tally::default());
    for _ in 0..count {
        tally.count(&config, &mutated(&mut chance, &seeds), PAGE);
    }
    assert!(tally.allowed > count / 50 && tally.refused > count / 50, "{tally:?}");
    tally.print("fuzzed URLs");
}

#[test]
fn t6_t7_t8_addresses_made_by_chance() {
    fuzz(20_000);
}

#[test]
#[ignore = "soak"]
fn t6_t7_t8_a_million_addresses_made_by_chance() {
    fuzz(1_000_000);
}
