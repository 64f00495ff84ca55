//! Decides by heartbeats whether a domain is healthy, late or hung.

use std::time::{Duration, Instant};

/// Longer intervals count as this one, so that sums stay within the range of `Instant`.
const MAX_INTERVAL: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How many late checks defer the verdict in one silence. Where every check is late, the machine is
/// overloaded, and a hung domain must be found nevertheless.
const MAX_DEFERRALS: u32 = 4;

/// How often a domain has to send heartbeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeartbeatConfig {
    /// Time between two beats. Less than a millisecond counts as one, more than a year as one.
    pub interval: Duration,
    /// How many beats may be missed in a row.
    pub misses: u32,
}

impl Default for HeartbeatConfig {
    /// A beat every 5 s, 3 may be missed.
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(5),
            misses: 3,
        }
    }
}

impl HeartbeatConfig {
    /// The longest silence that is accepted: `interval × (misses + 1)`. Then `misses` beats are
    /// certainly missing, however shortly after its last beat the domain stopped.
    #[must_use]
    pub fn limit(self) -> Duration {
        let beats = self.misses.saturating_add(1);
        self.interval.saturating_mul(beats)
    }
}

/// The state of a domain by its heartbeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeartbeatStatus {
    /// Beats arrive in time.
    Healthy,
    /// Beats are missing, fewer than the limit.
    Late {
        /// How many were due since the last beat.
        missed: u32,
    },
    /// Too many beats in a row are missing.
    Hung {
        /// Time without a beat, excluded time subtracted.
        silence: Duration,
    },
}

/// Monitors the heartbeats of one domain.
///
/// The domain is hung after a silence of [`HeartbeatConfig::limit`].
///
/// Time in which the monitor itself did not run is not counted, since beats may have been sent
/// meanwhile. The checks show it: if one comes more than an interval after its
/// [`deadline`](Self::deadline), the delay is subtracted; if it comes later than the limit, counting
/// starts anew. So check at every deadline. A check that is slightly late does not declare the
/// domain hung either: data that arrived meanwhile must be read first, so another check follows
/// shortly.
///
/// Time in which the domain could not send, for example since it had no CPU, is subtracted with
/// [`exclude_time`](Self::exclude_time).
#[derive(Debug, Clone)]
pub struct HeartbeatMonitor {
    interval: Duration,
    misses: u32,
    last_beat: Option<Instant>,
    last_lag: Option<Duration>,
    /// Silence is counted from here.
    counting_since: Instant,
    last_check: Instant,
    suspended: bool,
    /// Checks of this silence that were too late for a verdict.
    deferrals: u32,
}

impl HeartbeatMonitor {
    /// Creates a monitor that waits for the first beat from `now` on.
    #[must_use]
    pub fn new(config: HeartbeatConfig, now: Instant) -> Self {
        Self {
            interval: config
                .interval
                .clamp(Duration::from_millis(1), MAX_INTERVAL),
            misses: config.misses,
            last_beat: None,
            last_lag: None,
            counting_since: now,
            last_check: now,
            suspended: false,
            deferrals: 0,
        }
    }

    /// Records a beat, with the event-loop lag that it carries.
    pub fn beat(&mut self, now: Instant, lag: Option<Duration>) {
        self.last_beat = Some(now);
        self.last_lag = lag;
        self.counting_since = self.counting_since.max(now);
        self.last_check = self.last_check.max(now);
        self.deferrals = 0;
    }

    /// Checks at a deadline.
    pub fn check(&mut self, now: Instant) -> HeartbeatStatus {
        let due = self.deadline(self.last_check);
        let late = now.saturating_duration_since(due);
        self.last_check = self.last_check.max(now);
        if self.suspended || late > self.limit() {
            self.counting_since = self.counting_since.max(now);
        } else if late > self.interval {
            // Only the delay: where checks are late again and again, silence still adds up.
            self.counting_since = (self.counting_since + late)
                .min(now)
                .max(self.counting_since);
        }
        let silence = now.saturating_duration_since(self.counting_since);
        if silence >= self.limit() {
            if late <= self.interval / 8 || self.deferrals >= MAX_DEFERRALS {
                return HeartbeatStatus::Hung { silence };
            }
            self.deferrals += 1;
            self.counting_since += silence - self.limit() + self.interval / 4;
            return HeartbeatStatus::Late {
                missed: self.misses,
            };
        }
        // One beat is due at the end of each interval; the limit keeps this a small number.
        match silence.as_nanos() / self.interval.as_nanos() {
            0 => HeartbeatStatus::Healthy,
            missed => HeartbeatStatus::Late {
                missed: u32::try_from(missed).unwrap_or(u32::MAX).min(self.misses),
            },
        }
    }

    /// When to check next, at the latest: not before `now`, and at most one interval later, so that
    /// suspended time can be distinguished from silence.
    #[must_use]
    pub fn deadline(&self, now: Instant) -> Instant {
        let next_check = now + self.interval;
        if self.suspended {
            return next_check;
        }
        match self.counting_since.checked_add(self.limit()) {
            Some(limit_at) => next_check.min(limit_at).max(now),
            None => next_check,
        }
    }

    /// Subtracts time from the silence, at most all of it.
    pub fn exclude_time(&mut self, time: Duration) {
        let counting_since = self
            .counting_since
            .checked_add(time)
            .unwrap_or(self.last_check);
        self.counting_since = counting_since.min(self.last_check).max(self.counting_since);
    }

    /// Stops counting silence, for example while a debugger is attached.
    pub fn suspend(&mut self) {
        self.suspended = true;
    }

    /// Whether silence is not counted.
    #[must_use]
    pub fn is_suspended(&self) -> bool {
        self.suspended
    }

    /// Time without a beat, excluded time subtracted.
    #[must_use]
    pub fn silence(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.counting_since)
    }

    /// Counts silence again, from `now` on.
    pub fn resume(&mut self, now: Instant) {
        self.suspended = false;
        self.counting_since = self.counting_since.max(now);
        self.last_check = self.last_check.max(now);
    }

    /// The time of the last beat; `None` before the first.
    #[must_use]
    pub fn last_beat(&self) -> Option<Instant> {
        self.last_beat
    }

    /// The age of the last beat; `None` before the first.
    #[must_use]
    pub fn age(&self, now: Instant) -> Option<Duration> {
        self.last_beat
            .map(|beat| now.saturating_duration_since(beat))
    }

    /// The event-loop lag that the last beat carried.
    #[must_use]
    pub fn lag(&self) -> Option<Duration> {
        self.last_lag
    }

    /// The longest silence that is accepted, see [`HeartbeatConfig::limit`].
    #[must_use]
    pub fn limit(&self) -> Duration {
        self.interval.saturating_mul(self.misses.saturating_add(1))
    }
}
