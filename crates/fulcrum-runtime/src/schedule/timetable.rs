//! When the runs of one job are due, and what becomes of each: decisions without a clock.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, SystemTime};

use fulcrum_config::{MissedRuns, Overlap, Schedule};

/// A run that is this late was missed: the machine slept, or the instance was suspended.
const MISSED_AFTER: Duration = Duration::from_secs(60);

/// What to do about a run that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Start it.
    Run,
    /// Stop the run before, and start it.
    Replace,
    /// Leave it out: the run before is not over.
    Skip,
    /// Start it when the run before is over.
    Queue,
    /// Leave it out: it was due at this time, when nothing could run.
    Missed(SystemTime),
}

/// The runs of one job.
#[derive(Debug)]
pub(crate) struct Timetable {
    schedule: Schedule,
    /// Determines the jitter.
    seed: u64,
    due: Option<SystemTime>,
    /// A run that is due waits for the end of the one before.
    is_queued: bool,
}

impl Timetable {
    /// The runs from a time on.
    pub(crate) fn new(schedule: Schedule, seed: u64, now: SystemTime) -> Self {
        let mut timetable = Self {
            schedule,
            seed,
            due: None,
            is_queued: false,
        };
        timetable.advance(now);
        timetable
    }

    /// When the next run is due, jitter included. `None` if there is none any more.
    pub(crate) fn due(&self) -> Option<SystemTime> {
        self.due
    }

    /// The decision that is due now, if there is one; `is_busy` if a run is not over. To be called
    /// again until there is none.
    pub(crate) fn poll(&mut self, now: SystemTime, is_busy: bool) -> Option<Decision> {
        if self.is_queued && !is_busy {
            self.is_queued = false;
            return Some(Decision::Run);
        }
        let due = self.due.filter(|due| *due <= now)?;
        self.advance(now);
        let late = now.duration_since(due).unwrap_or_default();
        if late > MISSED_AFTER && self.schedule.missed == MissedRuns::Skip {
            return Some(Decision::Missed(due));
        }
        Some(match (is_busy, self.schedule.overlap) {
            (false, _) => Decision::Run,
            (true, Overlap::Skip) => Decision::Skip,
            (true, Overlap::Kill) => Decision::Replace,
            (true, Overlap::Queue) => {
                self.is_queued = true;
                Decision::Queue
            }
        })
    }

    /// Finds the next run.
    fn advance(&mut self, now: SystemTime) {
        let next = self.schedule.next_after(now);
        self.due = next.map(|due| due + self.jitter(due));
    }

    /// The random delay of a run: the same for each look at it.
    fn jitter(&self, due: SystemTime) -> Duration {
        let mut hasher = DefaultHasher::new();
        (self.seed, due).hash(&mut hasher);
        // 53 bits are exact as a float.
        let share = (hasher.finish() >> 11) as f64 / (1_u64 << 53) as f64;
        self.schedule.jitter.mul_f64(share)
    }
}

#[cfg(test)]
mod tests {
    use fulcrum_config::CronExpression;

    use super::*;

    fn schedule(overlap: Overlap, missed: MissedRuns) -> Schedule {
        Schedule {
            cron: CronExpression::parse("* * * * *").expect("an expression"),
            time_zone: Some("UTC".to_owned()),
            overlap,
            jitter: Duration::ZERO,
            missed,
        }
    }

    /// Seconds after a full minute.
    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_040 + seconds)
    }

    #[test]
    fn a_run_is_due_at_each_time_of_the_expression() {
        let schedule = schedule(Overlap::Skip, MissedRuns::Skip);
        let mut timetable = Timetable::new(schedule, 1, at(5));
        assert_eq!(timetable.due(), Some(at(60)));
        assert_eq!(timetable.poll(at(59), false), None);
        assert_eq!(timetable.poll(at(60), false), Some(Decision::Run));
        assert_eq!(timetable.poll(at(60), true), None);
        assert_eq!(timetable.due(), Some(at(120)));
    }

    #[test]
    fn what_is_due_during_a_run_is_skipped_queued_once_or_replaces_it() {
        let poll = |overlap, second: &[bool]| -> Vec<Option<Decision>> {
            let mut timetable = Timetable::new(schedule(overlap, MissedRuns::Skip), 1, at(5));
            let times = [60, 120, 130, 131];
            let polls = times.into_iter().zip(second);
            polls
                .map(|(time, is_busy)| timetable.poll(at(time), *is_busy))
                .collect()
        };
        let busy = [true, true, true, false];
        let skip = Some(Decision::Skip);
        assert_eq!(poll(Overlap::Skip, &busy), [skip, skip, None, None]);
        let replace = Some(Decision::Replace);
        assert_eq!(poll(Overlap::Kill, &busy), [replace, replace, None, None]);
        let queue = Some(Decision::Queue);
        assert_eq!(
            poll(Overlap::Queue, &busy),
            [queue, queue, None, Some(Decision::Run)]
        );
    }

    #[test]
    fn what_was_due_while_nothing_could_run_is_left_out_or_runs_once() {
        let hours = at(7_230);
        let mut timetable = Timetable::new(schedule(Overlap::Skip, MissedRuns::Skip), 1, at(5));
        assert_eq!(timetable.poll(hours, false), Some(Decision::Missed(at(60))));
        assert_eq!(timetable.poll(hours, false), None);
        assert_eq!(timetable.due(), Some(at(7_260)));
        let mut timetable = Timetable::new(schedule(Overlap::Skip, MissedRuns::Run), 1, at(5));
        assert_eq!(timetable.poll(hours, false), Some(Decision::Run));
        assert_eq!(timetable.poll(hours, false), None);
    }

    #[test]
    fn jitter_delays_each_run_by_its_own_time_within_the_limit() {
        let limit = Duration::from_secs(30);
        let delays = |seed| -> Vec<Duration> {
            let schedule = Schedule {
                jitter: limit,
                ..schedule(Overlap::Skip, MissedRuns::Skip)
            };
            let starts = [5, 65, 125, 185];
            let due = starts.map(|start| {
                let timetable = Timetable::new(schedule.clone(), seed, at(start));
                let due = timetable.due().expect("there is one");
                due.duration_since(at(start + 55)).expect("not before")
            });
            due.to_vec()
        };
        let first = delays(1);
        assert!(first.iter().all(|delay| *delay < limit), "{first:?}");
        assert_ne!(first[0], first[1]);
        assert_ne!(first, delays(2));
        assert_eq!(first, delays(1));
    }
}
