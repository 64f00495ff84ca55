//! When an unreachable collector is reported, and when it is tried again. No I/O, no clock.

use std::time::Duration;

use tokio::time::Instant;

/// The shortest time between two warnings.
const WARN_INTERVAL: Duration = Duration::from_secs(60);

const MIN_DELAY: Duration = Duration::from_millis(500);
const MAX_DELAY: Duration = Duration::from_secs(10);

/// Failures in a row, and what was reported of them.
#[derive(Debug)]
pub(super) struct Outage {
    endpoint: String,
    delay: Duration,
    warned_at: Option<Instant>,
    /// Whether the last warning has not been followed by a success.
    is_reported: bool,
    /// How many lost requests were reported.
    told: u64,
}

impl Outage {
    pub(super) fn new(endpoint: &str) -> Self {
        Self {
            endpoint: endpoint.to_owned(),
            delay: MIN_DELAY,
            warned_at: None,
            is_reported: false,
            told: 0,
        }
    }

    /// How long to wait before the next attempt.
    pub(super) fn next_delay(&mut self) -> Duration {
        let delay = self.delay;
        self.delay = (self.delay * 2).min(MAX_DELAY);
        delay
    }

    /// An attempt has failed; `dropped` requests are lost since the start. A text to report, if it is
    /// time for one.
    pub(super) fn on_failure(
        &mut self,
        reason: &str,
        dropped: u64,
        now: Instant,
    ) -> Option<String> {
        let due = self
            .warned_at
            .is_none_or(|at| now.saturating_duration_since(at) >= WARN_INTERVAL);
        if !due {
            return None;
        }
        self.warned_at = Some(now);
        self.is_reported = true;
        let lost = self.lost(dropped);
        Some(format!(
            "export of telemetry to {} failed: {reason}{lost}",
            self.endpoint
        ))
    }

    /// An attempt has succeeded. A text to report, if the failure was.
    pub(super) fn on_success(&mut self, dropped: u64) -> Option<String> {
        self.delay = MIN_DELAY;
        if !std::mem::take(&mut self.is_reported) {
            return None;
        }
        // A new outage is reported at once.
        self.warned_at = None;
        let lost = self.lost(dropped);
        let endpoint = &self.endpoint;
        Some(format!(
            "export of telemetry to {endpoint} works again{lost}"
        ))
    }

    fn lost(&mut self, dropped: u64) -> String {
        let lost = dropped.saturating_sub(self.told);
        self.told = dropped;
        match lost {
            0 => String::new(),
            1 => "; 1 request dropped".to_owned(),
            lost => format!("; {lost} requests dropped"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_reported_once_a_minute_with_what_was_lost() {
        let mut outage = Outage::new("http://collector:4317");
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let expected = "export of telemetry to http://collector:4317 failed: refused";
        assert_eq!(
            outage.on_failure("refused", 0, at(0)).as_deref(),
            Some(expected)
        );
        assert_eq!(outage.on_failure("refused", 5, at(30)), None);
        let later = outage.on_failure("refused", 7, at(60)).expect("due");
        assert!(later.ends_with("; 7 requests dropped"), "{later}");
        let again = outage.on_success(8).expect("it was reported");
        assert!(again.ends_with("works again; 1 request dropped"), "{again}");
        assert_eq!(outage.on_success(8), None);
        assert!(outage.on_failure("refused", 8, at(61)).is_some());
    }

    #[test]
    fn the_delay_grows_to_a_limit_and_starts_over_after_a_success() {
        let mut outage = Outage::new("");
        let delays: Vec<u128> = (0..7).map(|_| outage.next_delay().as_millis()).collect();
        assert_eq!(delays, [500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
        outage.on_success(0);
        assert_eq!(outage.next_delay(), MIN_DELAY);
    }
}
