//! Reproducible random delays.

use std::time::Duration;

/// Random numbers from a seed (SplitMix64); equal seeds give equal numbers.
#[derive(Debug, Clone)]
pub struct SeededRandom(u64);

impl SeededRandom {
    /// A generator with this seed. The seed is printed, so that a failure can be reproduced.
    pub fn new(seed: u64) -> Self {
        eprintln!("random seed {seed}");
        Self(seed)
    }

    /// A number from 0 up to, but without, `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit.max(1)
    }

    /// Sleeps for less than `max_ms` milliseconds. The random moment itself is what the test is
    /// about, so there is no condition to wait for.
    pub fn pause(&mut self, max_ms: u64) {
        std::thread::sleep(Duration::from_millis(self.below(max_ms)));
    }
}
