//! When a disk that does not take telemetry is told, and when it is tried again. No I/O, no clock.

use std::time::Duration;

use tokio::time::Instant;

/// The code of what is told about the file.
pub(super) const CODE: &str = "FUL0529";

/// How long after a failure the file is opened again.
const RETRY: Duration = Duration::from_secs(10);

/// The failures since the last success.
#[derive(Debug)]
pub(super) struct Outage {
    path: String,
    failed_at: Option<Instant>,
    /// How many lost requests were told.
    told: u64,
}

impl Outage {
    pub(super) fn new(path: String) -> Self {
        Self {
            path,
            failed_at: None,
            told: 0,
        }
    }

    /// Whether it is time for an attempt.
    pub(super) fn may_try(&self, now: Instant) -> bool {
        self.failed_at
            .is_none_or(|at| now.saturating_duration_since(at) >= RETRY)
    }

    /// An attempt has failed. A text to tell, if it is the first one.
    pub(super) fn on_failure(&mut self, reason: &str, now: Instant) -> Option<String> {
        let first = self.failed_at.replace(now).is_none();
        first.then(|| {
            format!(
                "cannot write telemetry to {}: {reason}; it is kept in memory only, and tried again \
                 every {} s",
                self.path,
                RETRY.as_secs()
            )
        })
    }

    /// An attempt has succeeded; `lost` requests are missing since the start. A text to tell, if the
    /// failure was told.
    pub(super) fn on_success(&mut self, lost: u64) -> Option<String> {
        self.failed_at.take()?;
        let missing = lost.saturating_sub(self.told);
        self.told = lost;
        let missing = match missing {
            1 => "1 request is".to_owned(),
            missing => format!("{missing} requests are"),
        };
        Some(format!(
            "telemetry is written to {} again; {missing} missing in it",
            self.path
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_once_and_tried_again_later() {
        let mut outage = Outage::new("telemetry.redb".to_owned());
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(outage.may_try(at(0)) && outage.on_success(0).is_none());
        let told = outage.on_failure("no space left", at(0)).expect("told");
        assert!(told.starts_with("cannot write telemetry to telemetry.redb: no space left;"));
        assert!(!outage.may_try(at(9)) && outage.may_try(at(10)));
        assert_eq!(outage.on_failure("no space left", at(10)), None);
        assert_eq!(
            outage.on_success(3).as_deref(),
            Some("telemetry is written to telemetry.redb again; 3 requests are missing in it")
        );
        assert_eq!(outage.on_success(3), None);
        assert!(outage.on_failure("no space left", at(20)).is_some());
        let again = outage.on_success(4).expect("told");
        assert!(again.ends_with("1 request is missing in it"), "{again}");
    }
}
