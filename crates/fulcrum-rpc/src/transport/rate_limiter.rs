//! Keeps something that a stranger can cause from happening as often as they like.

use std::time::Duration;

use tokio::time::Instant;

/// Lets one through every `spacing`, after some at once, and counts the others.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    spacing: Duration,
    burst: u32,
    /// When it would have rested for long enough to let the whole burst through again.
    full_at: Option<Instant>,
    suppressed: u64,
}

impl RateLimiter {
    /// One by one.
    pub(crate) fn new(spacing: Duration) -> Self {
        Self::with_burst(spacing, 1)
    }

    /// So many at once, which come back one every `spacing`.
    pub(crate) fn with_burst(spacing: Duration, burst: u32) -> Self {
        Self {
            spacing,
            burst,
            full_at: None,
            suppressed: 0,
        }
    }

    /// Whether this one may pass at `now`: `Some` with the number held back since the last.
    pub(crate) fn allow(&mut self, now: Instant) -> Option<u64> {
        let rested = self.full_at.map_or(now, |rested| rested.max(now));
        let next = rested + self.spacing;
        if next.saturating_duration_since(now) > self.spacing * self.burst {
            self.suppressed += 1;
            return None;
        }
        self.full_at = Some(next);
        Some(std::mem::take(&mut self.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_passes_per_spacing_and_says_how_many_did_not() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut limiter = RateLimiter::new(Duration::from_secs(1));
        assert_eq!(limiter.allow(at(0)), Some(0));
        assert_eq!(limiter.allow(at(1)), None);
        assert_eq!(limiter.allow(at(999)), None);
        assert_eq!(limiter.allow(at(1000)), Some(2));
        assert_eq!(limiter.allow(at(5000)), Some(0));
    }

    #[test]
    fn a_burst_passes_at_once_and_comes_back_one_by_one() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut limiter = RateLimiter::with_burst(Duration::from_secs(1), 3);
        let passed = |limiter: &mut RateLimiter, ms| {
            (0..10).filter(|_| limiter.allow(at(ms)).is_some()).count()
        };
        assert_eq!(passed(&mut limiter, 0), 3);
        assert_eq!(passed(&mut limiter, 999), 0);
        assert_eq!(passed(&mut limiter, 1000), 1);
        assert_eq!(passed(&mut limiter, 2500), 1);
        assert_eq!(passed(&mut limiter, 60_000), 3);
    }
}
