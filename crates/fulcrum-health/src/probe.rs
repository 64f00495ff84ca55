//! Decides by the results of a repeated check whether a probe is up or down.

use std::time::{Duration, Instant};

/// The first check follows the start after this time, the next ones after twice, four times and eight
/// times as long.
const FIRST_DELAY: Duration = Duration::from_millis(5);

/// Later, until the first success, this is the shortest pause.
const STARTUP_PAUSE: Duration = Duration::from_millis(50);

/// Until the first success, the pause is the time since the start divided by this, up to the
/// interval: a quick start is noticed soon, a slow one gets few checks.
const STARTUP_BACKOFF_DIVISOR: u32 = 8;

/// How often to check, and how many results change the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeConfig {
    /// Pause between a result and the next check.
    pub interval: Duration,
    /// How long a check may take. The caller enforces it; the monitor needs it to notice late
    /// results.
    pub timeout: Duration,
    /// Failures in a row that make it [`ProbeState::Down`]; 0 counts as 1.
    pub failures: u32,
    /// Successes in a row that make it [`ProbeState::Up`]; 0 counts as 1.
    pub successes: u32,
    /// Time after the start in which failures are not counted, unless it was up before.
    pub startup_grace: Duration,
}

/// The state of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeState {
    /// Too few results so far.
    Unknown,
    /// Enough successes in a row.
    Up,
    /// Enough failures in a row.
    Down,
}

/// What a result has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeChange {
    /// Nothing to report.
    None,
    /// It is up now and was not before.
    Up,
    /// It is down, now or still; the reason may have changed.
    Down,
}

/// Monitors one probe of one generation.
///
/// Run the check at [`due`](Self::due) and record its result. A failure that is recorded more than
/// an interval later than the timeout allows, since the caller itself did not run, counts only if
/// the check, repeated at once, fails again.
#[derive(Debug, Clone)]
pub struct ProbeMonitor {
    config: ProbeConfig,
    state: ProbeState,
    /// Successes in a row.
    successes: u32,
    /// Failures in a row.
    failures: u32,
    started_at: Instant,
    due: Instant,
    was_up: bool,
    /// `None` where the grace period never ends.
    grace_until: Option<Instant>,
    /// The last failure was late; the next one counts in any case.
    deferred: bool,
}

impl ProbeMonitor {
    /// Creates a monitor for a generation that starts now.
    #[must_use]
    pub fn new(config: ProbeConfig, now: Instant) -> Self {
        Self {
            config,
            state: ProbeState::Unknown,
            successes: 0,
            failures: 0,
            started_at: now,
            due: add_clamped(now, FIRST_DELAY.min(config.interval)),
            was_up: false,
            grace_until: now.checked_add(config.startup_grace),
            deferred: false,
        }
    }

    /// When the next check is due.
    #[must_use]
    pub fn due(&self) -> Instant {
        self.due
    }

    /// The state now.
    #[must_use]
    pub fn state(&self) -> ProbeState {
        self.state
    }

    /// Failures in a row that count.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Records a successful check.
    pub fn record_success(&mut self, now: Instant) -> ProbeChange {
        self.deferred = false;
        self.failures = 0;
        self.successes = self.successes.saturating_add(1);
        let is_new = self.state != ProbeState::Up && self.successes >= self.config.successes;
        if is_new {
            self.state = ProbeState::Up;
            self.was_up = true;
        }
        self.due = add_clamped(now, self.next_delay(now));
        if is_new {
            ProbeChange::Up
        } else {
            ProbeChange::None
        }
    }

    /// Records a failed check, or one that timed out.
    pub fn record_failure(&mut self, now: Instant) -> ProbeChange {
        let latest = add_clamped(self.due, self.config.timeout);
        let late = now.saturating_duration_since(latest) > self.config.interval;
        if late && !self.deferred {
            self.deferred = true;
            self.due = now;
            return ProbeChange::None;
        }
        self.deferred = false;
        self.successes = 0;
        self.due = add_clamped(now, self.next_delay(now));
        let in_grace = self.grace_until.is_none_or(|until| now < until);
        if in_grace && !self.was_up {
            return ProbeChange::None;
        }
        self.failures = self.failures.saturating_add(1);
        if self.failures < self.config.failures {
            return ProbeChange::None;
        }
        self.state = ProbeState::Down;
        ProbeChange::Down
    }

    fn next_delay(&self, now: Instant) -> Duration {
        if self.was_up {
            return self.config.interval;
        }
        let elapsed = now.saturating_duration_since(self.started_at);
        let delay = elapsed / STARTUP_BACKOFF_DIVISOR;
        let shortest = elapsed.clamp(FIRST_DELAY, STARTUP_PAUSE);
        delay.max(shortest).min(self.config.interval)
    }
}

/// The sum, or `from` beyond the range of `Instant`.
fn add_clamped(from: Instant, by: Duration) -> Instant {
    from.checked_add(by).unwrap_or(from)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CONFIG: ProbeConfig = ProbeConfig {
        interval: Duration::from_secs(2),
        timeout: Duration::from_secs(1),
        failures: 3,
        successes: 1,
        startup_grace: Duration::ZERO,
    };

    #[expect(
        clippy::disallowed_methods,
        reason = "a first moment; all later ones follow from it"
    )]
    fn epoch() -> Instant {
        Instant::now()
    }

    /// Records a result at the time that the check is due.
    fn check(monitor: &mut ProbeMonitor, success: bool) -> ProbeChange {
        let now = monitor.due();
        if success {
            monitor.record_success(now)
        } else {
            monitor.record_failure(now)
        }
    }

    #[test]
    fn the_end_of_a_start_is_noticed_soon_and_with_few_checks() {
        let start = epoch();
        let mut monitor = ProbeMonitor::new(CONFIG, start);
        let mut checks = 0;
        let mut last = start;
        while monitor.due() < start + Duration::from_secs(30) {
            let pause = monitor.due() - last;
            let elapsed = last - start;
            assert!(
                pause <= STARTUP_PAUSE.max(elapsed / STARTUP_BACKOFF_DIVISOR),
                "{pause:?} at {elapsed:?}"
            );
            assert!(pause <= CONFIG.interval);
            last = monitor.due();
            check(&mut monitor, false);
            checks += 1;
        }
        assert!(checks < 50, "{checks} checks in 30 s");
        let now = monitor.due();
        monitor.record_success(now);
        assert_eq!(monitor.due() - now, CONFIG.interval);
        let now = monitor.due();
        monitor.record_failure(now);
        assert_eq!(monitor.due() - now, CONFIG.interval);
    }

    #[test]
    fn a_program_that_starts_within_milliseconds_is_noticed_within_milliseconds() {
        let start = epoch();
        let mut monitor = ProbeMonitor::new(CONFIG, start);
        let mut checks = Vec::new();
        for _ in 0..5 {
            checks.push((monitor.due() - start).as_millis());
            check(&mut monitor, false);
        }
        assert_eq!(checks, [5, 10, 20, 40, 80]);
    }

    #[test]
    fn results_in_a_row_decide_and_a_different_one_starts_over() {
        let config = ProbeConfig {
            successes: 2,
            ..CONFIG
        };
        let mut monitor = ProbeMonitor::new(config, epoch());
        let results = [
            (true, ProbeChange::None),
            (false, ProbeChange::None),
            (true, ProbeChange::None),
            (true, ProbeChange::Up),
            (true, ProbeChange::None),
            (false, ProbeChange::None),
            (false, ProbeChange::None),
            (true, ProbeChange::None),
            (false, ProbeChange::None),
            (false, ProbeChange::None),
            (false, ProbeChange::Down),
            (false, ProbeChange::Down),
            (true, ProbeChange::None),
            (true, ProbeChange::Up),
        ];
        for (at, (success, change)) in results.into_iter().enumerate() {
            assert_eq!(check(&mut monitor, success), change, "result {at}");
        }
    }

    #[test]
    fn failures_in_the_startup_grace_do_not_count_unless_it_was_up() {
        let start = epoch();
        let config = ProbeConfig {
            startup_grace: Duration::from_secs(30),
            ..CONFIG
        };
        let mut starting = ProbeMonitor::new(config, start);
        while starting.due() < start + config.startup_grace {
            assert_eq!(check(&mut starting, false), ProbeChange::None);
            assert_eq!(starting.failures(), 0);
        }
        check(&mut starting, false);
        check(&mut starting, false);
        assert_eq!(check(&mut starting, false), ProbeChange::Down);

        let mut was_up = ProbeMonitor::new(config, start);
        assert_eq!(check(&mut was_up, true), ProbeChange::Up);
        check(&mut was_up, false);
        check(&mut was_up, false);
        assert_eq!(check(&mut was_up, false), ProbeChange::Down);
    }

    #[test]
    fn a_failure_after_suspended_time_is_checked_again_before_it_counts() {
        let mut monitor = ProbeMonitor::new(CONFIG, epoch());
        check(&mut monitor, true);
        let resumed = monitor.due() + Duration::from_secs(60);
        assert_eq!(monitor.record_failure(resumed), ProbeChange::None);
        assert_eq!((monitor.failures(), monitor.due()), (0, resumed));
        // However late the second one is, it counts: an overloaded machine must not hide a failure.
        monitor.record_failure(resumed + Duration::from_secs(60));
        assert_eq!(monitor.failures(), 1);
    }

    #[test]
    fn extreme_settings_do_not_panic() {
        let config = ProbeConfig {
            interval: Duration::MAX,
            timeout: Duration::MAX,
            failures: 0,
            successes: 0,
            startup_grace: Duration::MAX,
        };
        let mut monitor = ProbeMonitor::new(config, epoch());
        assert_eq!(check(&mut monitor, false), ProbeChange::None);
        assert_eq!(check(&mut monitor, true), ProbeChange::Up);
        assert_eq!(check(&mut monitor, false), ProbeChange::Down);
    }

    proptest! {
        #[test]
        fn the_state_follows_the_last_results_in_a_row(
            failures in 1u32..5,
            successes in 1u32..5,
            results in proptest::collection::vec(any::<bool>(), 0..60),
        ) {
            let config = ProbeConfig { failures, successes, ..CONFIG };
            let mut monitor = ProbeMonitor::new(config, epoch());
            let mut expected = ProbeState::Unknown;
            for end in 0..results.len() {
                let before = monitor.due();
                check(&mut monitor, results[end]);
                prop_assert!(monitor.due() >= before);
                let row = results[..=end].iter().rev().take_while(|one| **one == results[end]);
                let row = u32::try_from(row.count()).expect("few");
                match results[end] {
                    true if row >= successes => expected = ProbeState::Up,
                    false if row >= failures => expected = ProbeState::Down,
                    _ => {}
                }
                prop_assert_eq!(monitor.state(), expected);
            }
        }
    }
}
