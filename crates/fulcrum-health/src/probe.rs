//! What many answers to the same question say together.

use std::time::{Duration, Instant};

/// The first question is put so long after the start, and until there was a yes the next ones at
/// least so far apart.
const FIRST_DELAY: Duration = Duration::from_millis(50);

/// Until there was a yes, the pause is this share of the time since the start, up to the interval:
/// a quick start is seen at once, a slow one isn't pestered.
const STARTUP_BACKOFF_DIVISOR: u32 = 8;

/// How a question is put, and how many answers decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeConfig {
    /// Pause between an answer and the next question.
    pub interval: Duration,
    /// How long an answer may take. The asker keeps to it; here it tells late answers.
    pub timeout: Duration,
    /// So many bad answers in a row are a no; 0 counts as 1.
    pub failures: u32,
    /// So many good answers in a row are a yes; 0 counts as 1.
    pub successes: u32,
    /// For so long after the start bad answers don't count, unless there has been a yes before.
    pub startup_grace: Duration,
}

/// What is known by the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeState {
    /// Too few answers yet.
    Unknown,
    /// Yes.
    Up,
    /// No.
    Down,
}

/// What one answer has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeChange {
    /// Nothing that anybody has to be told.
    None,
    /// It is a yes now and wasn't before.
    Up,
    /// It is a no, now or still: the reason may be another one.
    Down,
}

/// Judges by the answers to one question about one life.
///
/// Ask at [`due`](Self::due), then tell the answer. A bad answer that comes more than an interval
/// later than it could have, since Fulcrum itself didn't run, counts only when the question, put
/// again at once, is answered badly again.
#[derive(Debug, Clone)]
pub struct ProbeMonitor {
    config: ProbeConfig,
    standing: ProbeState,
    /// Answers of the same kind in a row.
    record_success: u32,
    record_failure: u32,
    began: Instant,
    due: Instant,
    was_up: bool,
    patient_until: Option<Instant>,
    /// The last bad answer was late; the next one counts in any case.
    deferred: bool,
}

impl ProbeMonitor {
    /// A monitor for a life that begins now.
    #[must_use]
    pub fn new(config: ProbeConfig, now: Instant) -> Self {
        Self {
            config,
            standing: ProbeState::Unknown,
            record_success: 0,
            record_failure: 0,
            began: now,
            due: later(now, FIRST_DELAY.min(config.interval)),
            was_up: false,
            patient_until: now.checked_add(config.startup_grace),
            deferred: false,
        }
    }

    /// When the next question is due.
    #[must_use]
    pub fn due(&self) -> Instant {
        self.due
    }

    /// What is known now.
    #[must_use]
    pub fn standing(&self) -> ProbeState {
        self.standing
    }

    /// Bad answers in a row that count.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.record_failure
    }

    /// A good answer has come.
    pub fn record_success(&mut self, now: Instant) -> ProbeChange {
        self.deferred = false;
        self.record_failure = 0;
        self.record_success = self.record_success.saturating_add(1);
        let news = self.standing != ProbeState::Up && self.record_success >= self.config.successes;
        if news {
            self.standing = ProbeState::Up;
            self.was_up = true;
        }
        self.due = later(now, self.next_delay(now));
        if news {
            ProbeChange::Up
        } else {
            ProbeChange::None
        }
    }

    /// A bad answer has come, or none in time.
    pub fn record_failure(&mut self, now: Instant) -> ProbeChange {
        let last_moment = later(self.due, self.config.timeout);
        let late = now.saturating_duration_since(last_moment) > self.config.interval;
        if late && !self.deferred {
            self.deferred = true;
            self.due = now;
            return ProbeChange::None;
        }
        self.deferred = false;
        self.record_success = 0;
        self.due = later(now, self.next_delay(now));
        // Without an end it is patient for ever.
        let patient = self.patient_until.is_none_or(|until| now < until);
        if patient && !self.was_up {
            return ProbeChange::None;
        }
        self.record_failure = self.record_failure.saturating_add(1);
        if self.record_failure < self.config.failures {
            return ProbeChange::None;
        }
        self.standing = ProbeState::Down;
        ProbeChange::Down
    }

    fn next_delay(&self, now: Instant) -> Duration {
        if self.was_up {
            return self.config.interval;
        }
        let share = now.saturating_duration_since(self.began) / STARTUP_BACKOFF_DIVISOR;
        share.max(FIRST_DELAY).min(self.config.interval)
    }
}

/// The clock's end is no reason to panic.
fn later(from: Instant, by: Duration) -> Instant {
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
        reason = "some moment to begin with; from there on time is told"
    )]
    fn epoch() -> Instant {
        Instant::now()
    }

    /// Asks when it is due, and answers at once.
    fn ask(monitor: &mut ProbeMonitor, good: bool) -> ProbeChange {
        let now = monitor.due();
        if good {
            monitor.record_success(now)
        } else {
            monitor.record_failure(now)
        }
    }

    #[test]
    fn a_start_is_noticed_soon_after_it_is_over_and_with_few_questions() {
        let start = epoch();
        let mut monitor = ProbeMonitor::new(CONFIG, start);
        let mut asked = 0;
        let mut last = start;
        while monitor.due() < start + Duration::from_secs(30) {
            let pause = monitor.due() - last;
            let elapsed = last - start;
            assert!(
                pause <= FIRST_DELAY.max(elapsed / STARTUP_BACKOFF_DIVISOR),
                "{pause:?} at {elapsed:?}"
            );
            assert!(pause <= CONFIG.interval);
            last = monitor.due();
            ask(&mut monitor, false);
            asked += 1;
        }
        assert!(asked < 50, "{asked} questions in 30 s");
        let now = monitor.due();
        monitor.record_success(now);
        assert_eq!(monitor.due() - now, CONFIG.interval);
        let now = monitor.due();
        monitor.record_failure(now);
        assert_eq!(monitor.due() - now, CONFIG.interval);
    }

    #[test]
    fn some_in_a_row_decide_and_one_of_the_other_kind_begins_anew() {
        let config = ProbeConfig {
            successes: 2,
            ..CONFIG
        };
        let mut monitor = ProbeMonitor::new(config, epoch());
        let story = [
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
        for (at, (good, finding)) in story.into_iter().enumerate() {
            assert_eq!(ask(&mut monitor, good), finding, "answer {at}");
        }
    }

    #[test]
    fn bad_answers_of_the_start_do_not_count_until_it_is_over_or_there_was_a_yes() {
        let start = epoch();
        let config = ProbeConfig {
            startup_grace: Duration::from_secs(30),
            ..CONFIG
        };
        let mut patient = ProbeMonitor::new(config, start);
        while patient.due() < start + config.startup_grace {
            assert_eq!(ask(&mut patient, false), ProbeChange::None);
            assert_eq!(patient.failures(), 0);
        }
        ask(&mut patient, false);
        ask(&mut patient, false);
        assert_eq!(ask(&mut patient, false), ProbeChange::Down);

        let mut was_up = ProbeMonitor::new(config, start);
        assert_eq!(ask(&mut was_up, true), ProbeChange::Up);
        ask(&mut was_up, false);
        ask(&mut was_up, false);
        assert_eq!(ask(&mut was_up, false), ProbeChange::Down);
    }

    #[test]
    fn a_bad_answer_after_frozen_time_is_asked_for_again_before_it_counts() {
        let mut monitor = ProbeMonitor::new(CONFIG, epoch());
        ask(&mut monitor, true);
        let thawed = monitor.due() + Duration::from_secs(60);
        assert_eq!(monitor.record_failure(thawed), ProbeChange::None);
        assert_eq!((monitor.failures(), monitor.due()), (0, thawed));
        // However late the second one is, it counts: a slow machine must not hide what is down.
        monitor.record_failure(thawed + Duration::from_secs(60));
        assert_eq!(monitor.failures(), 1);
    }

    #[test]
    fn settings_at_the_ends_of_their_ranges_are_no_reason_to_panic() {
        let config = ProbeConfig {
            interval: Duration::MAX,
            timeout: Duration::MAX,
            failures: 0,
            successes: 0,
            startup_grace: Duration::MAX,
        };
        let mut monitor = ProbeMonitor::new(config, epoch());
        assert_eq!(ask(&mut monitor, false), ProbeChange::None);
        assert_eq!(ask(&mut monitor, true), ProbeChange::Up);
        assert_eq!(ask(&mut monitor, false), ProbeChange::Down);
    }

    proptest! {
        #[test]
        fn it_is_what_the_last_answers_in_a_row_say(
            failures in 1u32..5,
            successes in 1u32..5,
            answers in proptest::collection::vec(any::<bool>(), 0..60),
        ) {
            let config = ProbeConfig { failures, successes, ..CONFIG };
            let mut monitor = ProbeMonitor::new(config, epoch());
            let mut expected = ProbeState::Unknown;
            for end in 0..answers.len() {
                let before = monitor.due();
                ask(&mut monitor, answers[end]);
                prop_assert!(monitor.due() >= before);
                let row = answers[..=end].iter().rev().take_while(|one| **one == answers[end]);
                let row = u32::try_from(row.count()).expect("few");
                match answers[end] {
                    true if row >= successes => expected = ProbeState::Up,
                    false if row >= failures => expected = ProbeState::Down,
                    _ => {}
                }
                prop_assert_eq!(monitor.standing(), expected);
            }
        }
    }
}
