//! How fast a test itself was.

use std::time::{Duration, Instant};

/// Measures the longest pause of a test between two steps. What a program may do with a burst of
/// saves depends on the pauses between them, and on a busy machine or a slow disk a test pauses
/// longer than it intends to.
#[derive(Debug)]
pub struct Pace {
    last: Instant,
    longest: Duration,
}

impl Pace {
    /// The first step begins.
    #[must_use]
    pub fn start() -> Self {
        Self {
            last: Instant::now(),
            longest: Duration::ZERO,
        }
    }

    /// A step is done. Returns how long it took.
    pub fn step(&mut self) -> Duration {
        let now = Instant::now();
        let took = now - self.last;
        self.last = now;
        self.longest = self.longest.max(took);
        took
    }

    /// The duration of the longest step.
    #[must_use]
    pub fn longest(&self) -> Duration {
        self.longest
    }
}
