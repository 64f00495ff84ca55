//! What many answers to the same question say together.

use std::time::{Duration, Instant};

/// The first question is put so long after the start, and until there was a yes the next ones at
/// least so far apart.
const FIRST: Duration = Duration::from_millis(50);

/// Until there was a yes, the pause is this share of the time since the start, up to the interval:
/// a quick start is seen at once, a slow one isn't pestered.
const SHARE: u32 = 8;

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
    pub patience: Duration,
}

/// What is known by the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Too few answers yet.
    Unknown,
    /// Yes.
    Up,
    /// No.
    Down,
}

/// What one answer has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// Nothing that anybody has to be told.
    Nothing,
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
    standing: Standing,
    /// Answers of the same kind in a row.
    good: u32,
    bad: u32,
    began: Instant,
    due: Instant,
    was_up: bool,
    patient_until: Option<Instant>,
    /// The last bad answer was late; the next one counts in any case.
    doubted: bool,
}

impl ProbeMonitor {
    /// A monitor for a life that begins now.
    #[must_use]
    pub fn new(config: ProbeConfig, now: Instant) -> Self {
        Self {
            config,
            standing: Standing::Unknown,
            good: 0,
            bad: 0,
            began: now,
            due: later(now, FIRST.min(config.interval)),
            was_up: false,
            patient_until: now.checked_add(config.patience),
            doubted: false,
        }
    }

    /// When the next question is due.
    #[must_use]
    pub fn due(&self) -> Instant {
        self.due
    }

    /// What is known now.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// Bad answers in a row that count.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.bad
    }

    /// A good answer has come.
    pub fn good(&mut self, now: Instant) -> Finding {
        self.doubted = false;
        self.bad = 0;
        self.good = self.good.saturating_add(1);
        let news = self.standing != Standing::Up && self.good >= self.config.successes;
        if news {
            self.standing = Standing::Up;
            self.was_up = true;
        }
        self.due = later(now, self.pause(now));
        if news { Finding::Up } else { Finding::Nothing }
    }

    /// A bad answer has come, or none in time.
    pub fn bad(&mut self, now: Instant) -> Finding {
        let last_moment = later(self.due, self.config.timeout);
        let late = now.saturating_duration_since(last_moment) > self.config.interval;
        if late && !self.doubted {
            self.doubted = true;
            self.due = now;
            return Finding::Nothing;
        }
        self.doubted = false;
        self.good = 0;
        self.due = later(now, self.pause(now));
        // Without an end it is patient for ever.
        let patient = self.patient_until.is_none_or(|until| now < until);
        if patient && !self.was_up {
            return Finding::Nothing;
        }
        self.bad = self.bad.saturating_add(1);
        if self.bad < self.config.failures {
            return Finding::Nothing;
        }
        self.standing = Standing::Down;
        Finding::Down
    }

    fn pause(&self, now: Instant) -> Duration {
        if self.was_up {
            return self.config.interval;
        }
        let share = now.saturating_duration_since(self.began) / SHARE;
        share.max(FIRST).min(self.config.interval)
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
        patience: Duration::ZERO,
    };

    /// Asks when it is due, and answers at once.
    fn ask(monitor: &mut ProbeMonitor, good: bool) -> Finding {
        let now = monitor.due();
        if good {
            monitor.good(now)
        } else {
            monitor.bad(now)
        }
    }

    #[test]
    fn a_start_is_noticed_soon_after_it_is_over_and_with_few_questions() {
        let start = Instant::now();
        let mut monitor = ProbeMonitor::new(CONFIG, start);
        let mut asked = 0;
        let mut last = start;
        while monitor.due() < start + Duration::from_secs(30) {
            let pause = monitor.due() - last;
            let elapsed = last - start;
            assert!(
                pause <= FIRST.max(elapsed / SHARE),
                "{pause:?} at {elapsed:?}"
            );
            assert!(pause <= CONFIG.interval);
            last = monitor.due();
            ask(&mut monitor, false);
            asked += 1;
        }
        assert!(asked < 50, "{asked} questions in 30 s");
        let now = monitor.due();
        monitor.good(now);
        assert_eq!(monitor.due() - now, CONFIG.interval);
        let now = monitor.due();
        monitor.bad(now);
        assert_eq!(monitor.due() - now, CONFIG.interval);
    }

    #[test]
    fn some_in_a_row_decide_and_one_of_the_other_kind_begins_anew() {
        let config = ProbeConfig {
            successes: 2,
            ..CONFIG
        };
        let mut monitor = ProbeMonitor::new(config, Instant::now());
        let story = [
            (true, Finding::Nothing),
            (false, Finding::Nothing),
            (true, Finding::Nothing),
            (true, Finding::Up),
            (true, Finding::Nothing),
            (false, Finding::Nothing),
            (false, Finding::Nothing),
            (true, Finding::Nothing),
            (false, Finding::Nothing),
            (false, Finding::Nothing),
            (false, Finding::Down),
            (false, Finding::Down),
            (true, Finding::Nothing),
            (true, Finding::Up),
        ];
        for (at, (good, finding)) in story.into_iter().enumerate() {
            assert_eq!(ask(&mut monitor, good), finding, "answer {at}");
        }
    }

    #[test]
    fn bad_answers_of_the_start_do_not_count_until_it_is_over_or_there_was_a_yes() {
        let start = Instant::now();
        let config = ProbeConfig {
            patience: Duration::from_secs(30),
            ..CONFIG
        };
        let mut patient = ProbeMonitor::new(config, start);
        while patient.due() < start + config.patience {
            assert_eq!(ask(&mut patient, false), Finding::Nothing);
            assert_eq!(patient.failures(), 0);
        }
        ask(&mut patient, false);
        ask(&mut patient, false);
        assert_eq!(ask(&mut patient, false), Finding::Down);

        let mut was_up = ProbeMonitor::new(config, start);
        assert_eq!(ask(&mut was_up, true), Finding::Up);
        ask(&mut was_up, false);
        ask(&mut was_up, false);
        assert_eq!(ask(&mut was_up, false), Finding::Down);
    }

    #[test]
    fn a_bad_answer_after_frozen_time_is_asked_for_again_before_it_counts() {
        let mut monitor = ProbeMonitor::new(CONFIG, Instant::now());
        ask(&mut monitor, true);
        let thawed = monitor.due() + Duration::from_secs(60);
        assert_eq!(monitor.bad(thawed), Finding::Nothing);
        assert_eq!((monitor.failures(), monitor.due()), (0, thawed));
        // However late the second one is, it counts: a slow machine must not hide what is down.
        monitor.bad(thawed + Duration::from_secs(60));
        assert_eq!(monitor.failures(), 1);
    }

    #[test]
    fn settings_at_the_ends_of_their_ranges_are_no_reason_to_panic() {
        let config = ProbeConfig {
            interval: Duration::MAX,
            timeout: Duration::MAX,
            failures: 0,
            successes: 0,
            patience: Duration::MAX,
        };
        let mut monitor = ProbeMonitor::new(config, Instant::now());
        assert_eq!(ask(&mut monitor, false), Finding::Nothing);
        assert_eq!(ask(&mut monitor, true), Finding::Up);
        assert_eq!(ask(&mut monitor, false), Finding::Down);
    }

    proptest! {
        #[test]
        fn it_is_what_the_last_answers_in_a_row_say(
            failures in 1u32..5,
            successes in 1u32..5,
            answers in proptest::collection::vec(any::<bool>(), 0..60),
        ) {
            let config = ProbeConfig { failures, successes, ..CONFIG };
            let mut monitor = ProbeMonitor::new(config, Instant::now());
            let mut expected = Standing::Unknown;
            for end in 0..answers.len() {
                let before = monitor.due();
                ask(&mut monitor, answers[end]);
                prop_assert!(monitor.due() >= before);
                let row = answers[..=end].iter().rev().take_while(|one| **one == answers[end]);
                let row = u32::try_from(row.count()).expect("few");
                match answers[end] {
                    true if row >= successes => expected = Standing::Up,
                    false if row >= failures => expected = Standing::Down,
                    _ => {}
                }
                prop_assert_eq!(monitor.standing(), expected);
            }
        }
    }
}
