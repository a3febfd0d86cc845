//! Jitter: a small generator from a seed, so that every run can be played again. Never for secrets.

use crate::clock::Millis;

/// `SplitMix64`.
#[derive(Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A length from zero to `limit`, both included, each as likely.
    pub(super) fn up_to(&mut self, limit: Millis) -> Millis {
        let choices = u128::from(limit.0) + 1;
        let scaled = (u128::from(self.next()) * choices) >> 64;
        Millis(u64::try_from(scaled).unwrap_or(limit.0))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_within_its_limit_and_reaches_both_ends() {
        let mut random = Random::new(7);
        let drawn: Vec<u64> = (0..1000).map(|_| random.up_to(Millis(3)).0).collect();
        assert!(drawn.iter().all(|n| *n <= 3));
        assert!((0..=3).all(|n| drawn.iter().filter(|d| **d == n).count() > 150));
        assert_eq!(random.up_to(Millis(0)), Millis(0));
        let _ = random.up_to(Millis(u64::MAX));
    }

    #[test]
    fn it_is_splitmix64() {
        let mut random = Random::new(1_234_567);
        let drawn = [(); 3].map(|()| random.next());
        let known =
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!(drawn, known);
    }

    #[test]
    fn the_same_seed_gives_the_same_run() {
        let draw = |seed| Random::new(seed).up_to(Millis(u64::MAX));
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }
}
