//! A token bucket for events that a client can cause.

use std::time::Duration;

use tokio::time::Instant;

/// Allows `burst` events at once, then one every `interval`, and counts the others.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    interval: Duration,
    burst: u32,
    /// When the whole burst is available again; `None` before the first event.
    full_at: Option<Instant>,
    suppressed: u64,
}

impl RateLimiter {
    /// A limiter that allows one event every `interval`.
    pub(crate) fn new(interval: Duration) -> Self {
        Self::with_burst(interval, 1)
    }

    /// A limiter that allows `burst` events at once, of which one is refilled every `interval`.
    pub(crate) fn with_burst(interval: Duration, burst: u32) -> Self {
        Self {
            interval,
            burst,
            full_at: None,
            suppressed: 0,
        }
    }

    /// Whether an event at `now` is allowed: `Some` with the number of events suppressed since
    /// the last one that was.
    pub(crate) fn allow(&mut self, now: Instant) -> Option<u64> {
        let full_at = self.full_at.map_or(now, |full_at| full_at.max(now));
        let next = full_at + self.interval;
        if next.saturating_duration_since(now) > self.interval * self.burst {
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
    fn one_event_per_interval_is_allowed_and_the_others_are_counted() {
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
    fn a_burst_is_allowed_at_once_and_refilled_one_by_one() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut limiter = RateLimiter::with_burst(Duration::from_secs(1), 3);
        let allowed = |limiter: &mut RateLimiter, ms| {
            (0..10).filter(|_| limiter.allow(at(ms)).is_some()).count()
        };
        assert_eq!(allowed(&mut limiter, 0), 3);
        assert_eq!(allowed(&mut limiter, 999), 0);
        assert_eq!(allowed(&mut limiter, 1000), 1);
        assert_eq!(allowed(&mut limiter, 2500), 1);
        assert_eq!(allowed(&mut limiter, 60_000), 3);
    }
}
