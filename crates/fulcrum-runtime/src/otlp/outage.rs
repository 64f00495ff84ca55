//! What is said of a receiver that doesn't take lines, and how long it is left in peace.

use std::time::Duration;

use tokio::time::Instant;

/// Warnings are at least this far apart.
const WARN_INTERVAL: Duration = Duration::from_secs(60);

/// The first pause after a failure, and the longest.
const RETRY_BACKOFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

/// Failures in a row, and lines that are lost for the receiver.
#[derive(Debug)]
pub(crate) struct ExportErrorState {
    receiver: String,
    /// Lines that weren't told of yet.
    missed: u64,
    failures: u32,
    /// The last warning.
    warned: Option<Instant>,
    /// Whether the present failures were told of, so that their end is worth a word.
    told: bool,
}

impl ExportErrorState {
    pub(crate) fn new(receiver: String) -> Self {
        Self {
            receiver,
            missed: 0,
            failures: 0,
            warned: None,
            told: false,
        }
    }

    /// So many lines will never be sent.
    pub(crate) fn missed(&mut self, lines: u64) {
        self.missed += lines;
    }

    /// An attempt failed. Gives a warning if one is due.
    pub(crate) fn failed(&mut self, why: &str, now: Instant) -> Option<String> {
        self.failures = self.failures.saturating_add(1);
        let text = format!("logs aren't forwarded to {}: {why}", self.receiver);
        let text = self.warn(text, now)?;
        self.told = true;
        Some(text)
    }

    /// Between attempts: whether the receiver is too slow for what is said. Gives a warning if one
    /// is due.
    pub(crate) fn lagging(&mut self, now: Instant) -> Option<String> {
        if self.missed == 0 || self.failures > 0 {
            return None;
        }
        let text = format!("{} takes logs too slowly", self.receiver);
        self.warn(text, now)
    }

    /// Whether there is an outage that was told of.
    pub(crate) fn is_reported(&self) -> bool {
        self.told
    }

    /// Lines were taken. Gives the end of an outage that was told of.
    pub(crate) fn succeeded(&mut self) -> Option<String> {
        self.failures = 0;
        let text = format!("logs are forwarded to {} again", self.receiver);
        std::mem::take(&mut self.told).then(|| self.with_dropped(text))
    }

    /// The end of all: what was never told, whenever the last warning was.
    pub(crate) fn ended(&mut self, why: Option<&str>) -> Option<String> {
        if self.missed == 0 {
            return None;
        }
        let why = why.map_or_else(|| "it was too slow".to_owned(), str::to_owned);
        let text = format!("not all logs were forwarded to {}: {why}", self.receiver);
        Some(self.with_dropped(text))
    }

    /// How long to wait before the next attempt.
    pub(crate) fn pause(&self) -> Duration {
        let (first, longest) = RETRY_BACKOFF;
        first
            .saturating_mul(2_u32.saturating_pow(self.failures))
            .min(longest)
    }

    fn warn(&mut self, text: String, now: Instant) -> Option<String> {
        if self.warned.is_some_and(|last| now < last + WARN_INTERVAL) {
            return None;
        }
        self.warned = Some(now);
        Some(self.with_dropped(text))
    }

    fn with_dropped(&mut self, text: String) -> String {
        match std::mem::take(&mut self.missed) {
            0 => text,
            1 => format!("{text}; 1 line was missed"),
            lines => format!("{text}; {lines} lines were missed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outage() -> (ExportErrorState, Instant) {
        (
            ExportErrorState::new("http://r:4317".to_owned()),
            Instant::now(),
        )
    }

    #[test]
    fn an_outage_is_told_at_its_begin_once_a_minute_and_at_its_end() {
        let (mut outage, now) = outage();
        assert_eq!(
            outage.failed("refused", now).as_deref(),
            Some("logs aren't forwarded to http://r:4317: refused")
        );
        outage.missed(1);
        assert_eq!(outage.failed("refused", now + WARN_INTERVAL / 2), None);
        assert_eq!(
            outage.failed("refused", now + WARN_INTERVAL).as_deref(),
            Some("logs aren't forwarded to http://r:4317: refused; 1 line was missed")
        );
        outage.missed(7);
        assert_eq!(outage.lagging(now + 3 * WARN_INTERVAL), None);
        assert_eq!(
            outage.succeeded().as_deref(),
            Some("logs are forwarded to http://r:4317 again; 7 lines were missed")
        );
        assert_eq!(outage.succeeded(), None);
    }

    #[test]
    fn a_receiver_that_fails_now_and_then_is_told_of_once_a_minute() {
        let (mut outage, now) = outage();
        assert!(outage.failed("x", now).is_some());
        assert!(outage.succeeded().is_some());
        for second in 1..60 {
            assert_eq!(outage.failed("x", now + Duration::from_secs(second)), None);
            assert_eq!(outage.succeeded(), None);
        }
        assert!(outage.failed("x", now + WARN_INTERVAL).is_some());
    }

    #[test]
    fn one_that_is_slow_is_told_of_with_what_it_missed() {
        let (mut outage, now) = outage();
        assert_eq!(outage.lagging(now), None);
        outage.missed(3);
        assert_eq!(
            outage.lagging(now).as_deref(),
            Some("http://r:4317 takes logs too slowly; 3 lines were missed")
        );
        outage.missed(4);
        assert_eq!(outage.lagging(now + WARN_INTERVAL / 2), None);
        assert_eq!(
            outage.ended(None).as_deref(),
            Some(
                "not all logs were forwarded to http://r:4317: it was too slow; 4 lines were missed"
            )
        );
        assert_eq!(outage.ended(Some("refused")), None);
    }

    #[test]
    fn attempts_become_rarer_up_to_a_limit() {
        let (mut outage, now) = outage();
        let mut pauses = Vec::new();
        for _ in 0..40 {
            pauses.push(outage.pause());
            let _warning = outage.failed("x", now);
        }
        assert_eq!(pauses[0], RETRY_BACKOFF.0);
        assert!(pauses.is_sorted());
        assert_eq!(pauses[39], RETRY_BACKOFF.1);
        let _word = outage.succeeded();
        assert_eq!(outage.pause(), RETRY_BACKOFF.0);
    }
}
