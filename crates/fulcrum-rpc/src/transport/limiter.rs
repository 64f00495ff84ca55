//! Keeps something that a stranger can cause from happening as often as they like.

use std::time::Duration;

use tokio::time::Instant;

/// Lets one through every `spacing` and counts the others.
#[derive(Debug)]
pub(crate) struct Limiter {
    spacing: Duration,
    last: Option<Instant>,
    held: u64,
}

impl Limiter {
    pub(crate) fn new(spacing: Duration) -> Self {
        Self {
            spacing,
            last: None,
            held: 0,
        }
    }

    /// Whether this one may pass at `now`: `Some` with the number held back since the last.
    pub(crate) fn allow(&mut self, now: Instant) -> Option<u64> {
        if self
            .last
            .is_some_and(|last| now.saturating_duration_since(last) < self.spacing)
        {
            self.held += 1;
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.held))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_passes_per_spacing_and_says_how_many_did_not() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut limiter = Limiter::new(Duration::from_secs(1));
        assert_eq!(limiter.allow(at(0)), Some(0));
        assert_eq!(limiter.allow(at(1)), None);
        assert_eq!(limiter.allow(at(999)), None);
        assert_eq!(limiter.allow(at(1000)), Some(2));
        assert_eq!(limiter.allow(at(5000)), Some(0));
    }
}
