//! Does a life use more than it may?

use std::fmt;

/// So many samples in a row must be over: a garbage collector may be about to run.
const CONSECUTIVE_SAMPLES: u32 = 2;

const MIB: u64 = 1024 * 1024;

/// A life that uses too much. Its `Display` is the reason: `memory limit: 150 MiB of 100 MiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitExceeded {
    /// What it used, in bytes.
    pub used: u64,
    /// What it may, in bytes.
    pub limit: u64,
}

impl fmt::Display for LimitExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Rounded away from each other: what is over never looks like the limit itself.
        let used = self.used.saturating_mul(10).div_ceil(MIB);
        let limit = self.limit.saturating_mul(10) / MIB;
        write!(
            f,
            "memory limit: {} MiB of {} MiB",
            Tenths(used),
            Tenths(limit)
        )
    }
}

/// `2.5`, or `100` where there is no fraction.
struct Tenths(u64);

impl fmt::Display for Tenths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 % 10 {
            0 => write!(f, "{}", self.0 / 10),
            tenth => write!(f, "{}.{tenth}", self.0 / 10),
        }
    }
}

/// Watches the memory of one domain, life by life.
///
/// Of each life at most one breach is told: whoever is told ends it.
#[derive(Debug, Clone)]
pub struct MemoryLimitMonitor {
    limit: u64,
    generation: u64,
    over: u32,
    reported: bool,
}

impl MemoryLimitMonitor {
    /// Watches for more than `limit` bytes.
    #[must_use]
    pub fn new(limit: u64) -> Self {
        Self {
            limit,
            generation: 0,
            over: 0,
            reported: false,
        }
    }

    /// A sample of the life with this number was taken. Samples of lives before the one seen last
    /// are no news.
    pub fn sample(&mut self, life: u64, bytes: u64) -> Option<LimitExceeded> {
        if life < self.generation {
            return None;
        }
        if life > self.generation {
            *self = Self {
                generation: life,
                ..Self::new(self.limit)
            };
        }
        if bytes <= self.limit {
            self.over = 0;
            return None;
        }
        self.over = self.over.saturating_add(1);
        if self.over < CONSECUTIVE_SAMPLES || self.reported {
            return None;
        }
        self.reported = true;
        Some(LimitExceeded {
            used: bytes,
            limit: self.limit,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_samples_in_a_row_are_a_breach_and_one_life_has_one() {
        let mut watch = MemoryLimitMonitor::new(100 * MIB);
        let mut told = |life, mib: u64| {
            watch
                .sample(life, mib * MIB)
                .map(|breach| breach.used / MIB)
        };
        assert_eq!(told(1, 150), None);
        assert_eq!(told(1, 100), None, "the limit itself may be used");
        assert_eq!(told(1, 150), None);
        assert_eq!(told(1, 160), Some(160));
        assert_eq!(told(1, 170), None);
        assert_eq!(told(1, 50), None);
        assert_eq!(told(1, 170), None);
        assert_eq!(told(1, 170), None);
    }

    #[test]
    fn the_next_life_begins_anew() {
        let mut watch = MemoryLimitMonitor::new(MIB);
        assert_eq!(watch.sample(1, 2 * MIB), None);
        assert_eq!(watch.sample(2, 2 * MIB), None);
        assert_eq!(watch.sample(1, 2 * MIB), None, "the one before is over");
        assert!(watch.sample(2, 2 * MIB).is_some());
        assert_eq!(watch.sample(3, 2 * MIB), None);
        assert!(watch.sample(3, 2 * MIB).is_some());
    }

    #[test]
    fn a_breach_is_told_in_readable_sizes() {
        let told = |used, limit| LimitExceeded { used, limit }.to_string();
        assert_eq!(
            told(150 * MIB, 100 * MIB),
            "memory limit: 150 MiB of 100 MiB"
        );
        assert_eq!(
            told(100 * MIB + 1, 100 * MIB),
            "memory limit: 100.1 MiB of 100 MiB"
        );
        assert_eq!(told(4 * MIB, 5 * MIB / 2), "memory limit: 4 MiB of 2.5 MiB");
        told(u64::MAX, u64::MAX - 1);
    }
}
