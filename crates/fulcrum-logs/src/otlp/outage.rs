//! When an unreachable receiver is reported, and when it is tried again.

use std::time::Duration;

use tokio::time::Instant;

/// The shortest time between two warnings.
const WARN_INTERVAL: Duration = Duration::from_secs(60);

/// The delay after the first failure.
const MIN_RETRY_DELAY: Duration = Duration::from_millis(500);

/// The longest delay between two attempts.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(10);

/// Failures in a row, and dropped lines.
#[derive(Debug)]
pub(super) struct ExportErrorState {
    endpoint: String,
    /// Dropped lines that were not reported yet.
    dropped: u64,
    failures: u32,
    last_warning: Option<Instant>,
    /// The present failures were reported, so their end is reported too.
    reported: bool,
}

impl ExportErrorState {
    pub(super) fn new(endpoint: String) -> Self {
        Self {
            endpoint,
            dropped: 0,
            failures: 0,
            last_warning: None,
            reported: false,
        }
    }

    /// Counts lines that will never be sent.
    pub(super) fn add_dropped(&mut self, lines: u64) {
        self.dropped += lines;
    }

    /// Records a failed attempt. Returns a warning if one is due.
    pub(super) fn on_failure(&mut self, reason: &str, now: Instant) -> Option<String> {
        self.failures = self.failures.saturating_add(1);
        let text = format!("OTLP export to {} failed: {reason}", self.endpoint);
        let text = self.warn(text, now)?;
        self.reported = true;
        Some(text)
    }

    /// Between attempts: whether lines were dropped though the receiver accepts requests. Returns a
    /// warning if one is due.
    pub(super) fn on_lag(&mut self, now: Instant) -> Option<String> {
        if self.dropped == 0 || self.failures > 0 {
            return None;
        }
        let text = format!("OTLP export to {} is too slow", self.endpoint);
        self.warn(text, now)
    }

    /// Whether an outage was reported and goes on.
    pub(super) fn is_reported(&self) -> bool {
        self.reported
    }

    /// Records a success. Returns the end of a reported outage.
    pub(super) fn on_success(&mut self) -> Option<String> {
        self.failures = 0;
        let text = format!("OTLP export to {} recovered", self.endpoint);
        std::mem::take(&mut self.reported).then(|| self.with_dropped(text))
    }

    /// The last report: dropped lines that were not reported yet, however recent the last warning.
    pub(super) fn on_shutdown(&mut self, reason: Option<&str>) -> Option<String> {
        if self.dropped == 0 {
            return None;
        }
        let reason = reason.unwrap_or("receiver too slow");
        let text = format!("OTLP export to {} incomplete: {reason}", self.endpoint);
        Some(self.with_dropped(text))
    }

    /// How long to wait before the next attempt.
    pub(super) fn retry_delay(&self) -> Duration {
        MIN_RETRY_DELAY
            .saturating_mul(2_u32.saturating_pow(self.failures))
            .min(MAX_RETRY_DELAY)
    }

    fn warn(&mut self, text: String, now: Instant) -> Option<String> {
        let too_early = |last| now < last + WARN_INTERVAL;
        if self.last_warning.is_some_and(too_early) {
            return None;
        }
        self.last_warning = Some(now);
        Some(self.with_dropped(text))
    }

    fn with_dropped(&mut self, text: String) -> String {
        match std::mem::take(&mut self.dropped) {
            0 => text,
            1 => format!("{text}; 1 line dropped"),
            lines => format!("{text}; {lines} lines dropped"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> (ExportErrorState, Instant) {
        (
            ExportErrorState::new("http://r:4317".to_owned()),
            Instant::now(),
        )
    }

    #[test]
    fn an_outage_is_reported_at_its_start_once_a_minute_and_at_its_end() {
        let (mut state, now) = state();
        assert_eq!(
            state.on_failure("refused", now).as_deref(),
            Some("OTLP export to http://r:4317 failed: refused")
        );
        state.add_dropped(1);
        assert_eq!(state.on_failure("refused", now + WARN_INTERVAL / 2), None);
        assert_eq!(
            state.on_failure("refused", now + WARN_INTERVAL).as_deref(),
            Some("OTLP export to http://r:4317 failed: refused; 1 line dropped")
        );
        state.add_dropped(7);
        assert_eq!(state.on_lag(now + 3 * WARN_INTERVAL), None);
        assert_eq!(
            state.on_success().as_deref(),
            Some("OTLP export to http://r:4317 recovered; 7 lines dropped")
        );
        assert_eq!(state.on_success(), None);
    }

    #[test]
    fn a_receiver_that_fails_now_and_then_is_reported_once_a_minute() {
        let (mut state, now) = state();
        assert!(state.on_failure("x", now).is_some());
        assert!(state.on_success().is_some());
        for second in 1..60 {
            let at = now + Duration::from_secs(second);
            assert_eq!(state.on_failure("x", at), None);
            assert_eq!(state.on_success(), None);
        }
        assert!(state.on_failure("x", now + WARN_INTERVAL).is_some());
    }

    #[test]
    fn a_slow_receiver_is_reported_with_the_dropped_lines() {
        let (mut state, now) = state();
        assert_eq!(state.on_lag(now), None);
        state.add_dropped(3);
        assert_eq!(
            state.on_lag(now).as_deref(),
            Some("OTLP export to http://r:4317 is too slow; 3 lines dropped")
        );
        state.add_dropped(4);
        assert_eq!(state.on_lag(now + WARN_INTERVAL / 2), None);
        assert_eq!(
            state.on_shutdown(None).as_deref(),
            Some("OTLP export to http://r:4317 incomplete: receiver too slow; 4 lines dropped")
        );
        assert_eq!(state.on_shutdown(Some("refused")), None);
    }

    #[test]
    fn retry_delays_grow_up_to_a_limit() {
        let (mut state, now) = state();
        let mut delays = Vec::new();
        for _ in 0..40 {
            delays.push(state.retry_delay());
            let _warning = state.on_failure("x", now);
        }
        assert_eq!(delays[0], MIN_RETRY_DELAY);
        assert!(delays.is_sorted());
        assert_eq!(delays[39], MAX_RETRY_DELAY);
        let _report = state.on_success();
        assert_eq!(state.retry_delay(), MIN_RETRY_DELAY);
    }
}
