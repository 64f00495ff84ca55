//! Detects that a generation exceeds its memory limit.

use std::fmt;

/// Samples in a row that must exceed the limit: a garbage collector may be about to run.
const CONSECUTIVE_SAMPLES: u32 = 2;

const MIB: u64 = 1024 * 1024;

/// A generation that exceeds its limit. Its `Display` is the reason: `memory limit: 150 MiB of
/// 100 MiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitExceeded {
    /// Memory in use, in bytes.
    pub used: u64,
    /// The limit, in bytes.
    pub limit: u64,
}

impl fmt::Display for LimitExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Rounded away from each other, so that both never look equal.
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

/// Monitors the memory of one domain. Reports each generation at most once, since the caller then
/// ends it.
#[derive(Debug, Clone)]
pub struct MemoryLimitMonitor {
    limit: u64,
    generation: u64,
    over: u32,
    reported: bool,
}

impl MemoryLimitMonitor {
    /// Creates a monitor with a limit in bytes.
    #[must_use]
    pub fn new(limit: u64) -> Self {
        Self {
            limit,
            generation: 0,
            over: 0,
            reported: false,
        }
    }

    /// Records a sample of a generation, in bytes. Samples of earlier generations are ignored.
    pub fn sample(&mut self, generation: u64, bytes: u64) -> Option<LimitExceeded> {
        if generation < self.generation {
            return None;
        }
        if generation > self.generation {
            *self = Self {
                generation,
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
    fn two_samples_in_a_row_are_reported_once_per_generation() {
        let mut monitor = MemoryLimitMonitor::new(100 * MIB);
        let mut sample = |generation, mib: u64| {
            monitor
                .sample(generation, mib * MIB)
                .map(|exceeded| exceeded.used / MIB)
        };
        assert_eq!(sample(1, 150), None);
        assert_eq!(sample(1, 100), None, "the limit itself is allowed");
        assert_eq!(sample(1, 150), None);
        assert_eq!(sample(1, 160), Some(160));
        assert_eq!(sample(1, 170), None);
        assert_eq!(sample(1, 50), None);
        assert_eq!(sample(1, 170), None);
        assert_eq!(sample(1, 170), None);
    }

    #[test]
    fn the_next_generation_starts_over() {
        let mut monitor = MemoryLimitMonitor::new(MIB);
        assert_eq!(monitor.sample(1, 2 * MIB), None);
        assert_eq!(monitor.sample(2, 2 * MIB), None);
        assert_eq!(monitor.sample(1, 2 * MIB), None, "an earlier generation");
        assert!(monitor.sample(2, 2 * MIB).is_some());
        assert_eq!(monitor.sample(3, 2 * MIB), None);
        assert!(monitor.sample(3, 2 * MIB).is_some());
    }

    #[test]
    fn sizes_are_readable() {
        let text = |used, limit| LimitExceeded { used, limit }.to_string();
        assert_eq!(
            text(150 * MIB, 100 * MIB),
            "memory limit: 150 MiB of 100 MiB"
        );
        assert_eq!(
            text(100 * MIB + 1, 100 * MIB),
            "memory limit: 100.1 MiB of 100 MiB"
        );
        assert_eq!(text(4 * MIB, 5 * MIB / 2), "memory limit: 4 MiB of 2.5 MiB");
        text(u64::MAX, u64::MAX - 1);
    }
}
