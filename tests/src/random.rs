//! Random moments that can be had again.

use std::time::Duration;

/// Random numbers by a seed (SplitMix64); equal seeds throw equally.
#[derive(Debug, Clone)]
pub struct SeededRandom(u64);

impl SeededRandom {
    /// SeededRandom with this seed. It is told, so that a failure can be tried again.
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

    /// Lets up to so many milliseconds pass: the moment is the test's subject, so nothing could be
    /// waited for instead.
    pub fn pause(&mut self, up_to_ms: u64) {
        std::thread::sleep(Duration::from_millis(self.below(up_to_ms)));
    }
}
