//! Is somebody who should speak up regularly still there?

use std::time::{Duration, Instant};

/// A longer interval than this is as good as none.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How many late looks put off the verdict in one silence: where every look is late, the machine is
/// too busy for these times, and what is hung must be found all the same.
const MAX_DEFERRALS: u32 = 4;

/// How regularly a domain has to speak up.
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

/// What can be said of a domain by its heartbeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeartbeatStatus {
    /// The beats come.
    Healthy,
    /// Some beats are missing, fewer than would condemn it.
    Late {
        /// How many should have come since the last.
        missed: u32,
    },
    /// Too many beats in a row are missing.
    Hung {
        /// For how long nothing has been heard, our own frozen time aside.
        silence: Duration,
    },
}

/// Judges one domain by the beats it sends.
///
/// It is hung once nothing has been heard for `interval × (misses + 1)`: then `misses` beats are
/// certainly missing, however shortly after its last beat it stopped.
///
/// Time in which Fulcrum itself didn't run doesn't count, since beats may well have been sent
/// meanwhile. It is known by the checks: when one comes more than an interval after the
/// [`deadline`](Self::deadline) that it was due at, that time is taken off, and when it comes later
/// than what condemns, the clock starts anew; therefore check at every deadline. A look that is only a little late doesn't condemn either: what has come meanwhile
/// must be read first, so another one follows shortly.
///
/// Time in which the domain couldn't speak up although it wanted to, such as one without a CPU to
/// run on, is taken off by [`forgive`](Self::forgive).
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
    /// How often in this silence a look came too late to condemn.
    deferrals: u32,
}

impl HeartbeatMonitor {
    /// A monitor that begins to wait for the first beat now.
    #[must_use]
    pub fn new(config: HeartbeatConfig, now: Instant) -> Self {
        Self {
            interval: config.interval.clamp(Duration::from_millis(1), LONGEST),
            misses: config.misses,
            last_beat: None,
            last_lag: None,
            counting_since: now,
            last_check: now,
            suspended: false,
            deferrals: 0,
        }
    }

    /// A beat has come, with the event-loop lag that it told of, if it did.
    pub fn beat(&mut self, now: Instant, lag: Option<Duration>) {
        self.last_beat = Some(now);
        self.last_lag = lag;
        self.counting_since = self.counting_since.max(now);
        self.last_check = self.last_check.max(now);
        self.deferrals = 0;
    }

    /// What is to be said now.
    pub fn check(&mut self, now: Instant) -> HeartbeatStatus {
        let due = self.deadline(self.last_check);
        let late = now.saturating_duration_since(due);
        self.last_check = self.last_check.max(now);
        if self.suspended || late > self.limit() {
            self.counting_since = self.counting_since.max(now);
        } else if late > self.interval {
            // Only as long: where looks are late again and again, silence still adds up.
            self.counting_since = (self.counting_since + late)
                .min(now)
                .max(self.counting_since);
        }
        let silent = now.saturating_duration_since(self.counting_since);
        if silent >= self.limit() {
            if late <= self.interval / 8 || self.deferrals >= MAX_DEFERRALS {
                return HeartbeatStatus::Hung { silence: silent };
            }
            self.deferrals += 1;
            self.counting_since += silent - self.limit() + self.interval / 4;
            return HeartbeatStatus::Late {
                missed: self.misses,
            };
        }
        // One beat is due at the end of each interval; the limit keeps this a small number.
        match silent.as_nanos() / self.interval.as_nanos() {
            0 => HeartbeatStatus::Healthy,
            missed => HeartbeatStatus::Late {
                missed: u32::try_from(missed).unwrap_or(u32::MAX).min(self.misses),
            },
        }
    }

    /// When to check next, at the latest. Never more than one interval away, so that frozen time
    /// can be told from silence, and not before `now`.
    #[must_use]
    pub fn deadline(&self, now: Instant) -> Instant {
        let next_look = now + self.interval;
        if self.suspended {
            return next_look;
        }
        match self.counting_since.checked_add(self.limit()) {
            Some(condemned) => next_look.min(condemned).max(now),
            None => next_look,
        }
    }

    /// Takes time off the silence: the domain couldn't have spoken up in it. At most all of it.
    pub fn exclude_time(&mut self, time: Duration) {
        let forgiven = self
            .counting_since
            .checked_add(time)
            .unwrap_or(self.last_check);
        self.counting_since = forgiven.min(self.last_check).max(self.counting_since);
    }

    /// Stop counting silence: a debugger holds the domain, or an operator froze it.
    pub fn suspend(&mut self) {
        self.suspended = true;
    }

    /// Whether silence isn't counted.
    #[must_use]
    pub fn is_suspended(&self) -> bool {
        self.suspended
    }

    /// For how long nothing has been heard, what doesn't count taken off.
    #[must_use]
    pub fn silence(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.counting_since)
    }

    /// Count again, from now.
    pub fn resume(&mut self, now: Instant) {
        self.suspended = false;
        self.counting_since = self.counting_since.max(now);
        self.last_check = self.last_check.max(now);
    }

    /// When the last beat came; `None` before the first.
    #[must_use]
    pub fn last_beat(&self) -> Option<Instant> {
        self.last_beat
    }

    /// How long ago the last beat came; `None` before the first.
    #[must_use]
    pub fn age(&self, now: Instant) -> Option<Duration> {
        self.last_beat
            .map(|beat| now.saturating_duration_since(beat))
    }

    /// The event-loop lag told of by the last beat.
    #[must_use]
    pub fn lag(&self) -> Option<Duration> {
        self.last_lag
    }

    /// How long a silence is that condemns: `interval × (misses + 1)`.
    #[must_use]
    pub fn limit(&self) -> Duration {
        self.interval.saturating_mul(self.misses.saturating_add(1))
    }
}
