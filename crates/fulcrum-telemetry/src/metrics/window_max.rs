//! The maximum of the last one to two minutes.

use std::time::{Duration, Instant};

/// The length of a window; the value covers the current and the last one.
const WINDOW: Duration = Duration::from_secs(60);

/// Keeps the maxima of the current and of the last window.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct WindowMax {
    started: Option<Instant>,
    current: Duration,
    last: Duration,
}

impl WindowMax {
    pub(super) fn record(&mut self, value: Duration, now: Instant) {
        self.advance(now);
        self.current = self.current.max(value);
    }

    pub(super) fn value(&mut self, now: Instant) -> Duration {
        self.advance(now);
        self.current.max(self.last)
    }

    fn advance(&mut self, now: Instant) {
        let started = *self.started.get_or_insert(now);
        let passed = now.saturating_duration_since(started);
        if passed < WINDOW {
            return;
        }
        self.last = match passed < 2 * WINDOW {
            true => self.current,
            false => Duration::ZERO,
        };
        self.current = Duration::ZERO;
        self.started = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_maximum_is_kept_for_at_least_a_minute_and_at_most_two() {
        let start = tokio::time::Instant::now().into_std();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut max = WindowMax::default();
        max.record(Duration::from_millis(3), at(0));
        max.record(Duration::from_millis(500), at(59));
        max.record(Duration::from_millis(2), at(60));
        assert_eq!(max.value(at(119)), Duration::from_millis(500));
        assert_eq!(max.value(at(120)), Duration::from_millis(2));
        assert_eq!(max.value(at(600)), Duration::ZERO);
    }
}
