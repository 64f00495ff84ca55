//! When jobs run by themselves.

use std::fmt;
use std::time::{Duration, SystemTime};

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// When a job runs by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// The expression.
    pub cron: CronExpression,
    /// The time zone of the expression, by its name; that of the system if there is none.
    pub time_zone: Option<String>,
    /// What happens when a run is due while the one before still runs.
    pub overlap: Overlap,
    /// The longest random delay of a run.
    pub jitter: Duration,
    /// What happens with runs that were due while nothing could run.
    pub missed: MissedRuns,
}

/// What happens when a run is due while the one before still runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlap {
    /// The one that is due is left out.
    Skip,
    /// The one that is due starts when the one before is over. At most one waits.
    Queue,
    /// The one before is stopped, and the one that is due starts.
    Kill,
}

/// What happens with runs that were due while the machine slept or the instance was suspended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissedRuns {
    /// They are left out.
    Skip,
    /// However many there were, the job runs once.
    Run,
}

/// A cron expression of five fields, of six with seconds first, or of seven with a year last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CronExpression {
    text: String,
    cron: Cron,
}

impl CronExpression {
    /// Parses an expression.
    ///
    /// # Errors
    /// It is malformed, or never comes to be, such as the 30th of February. The text gives the
    /// reason.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parser = CronParser::builder()
            .seconds(Seconds::Optional)
            .year(Year::Optional)
            .build();
        let cron = parser.parse(text).map_err(|error| error.to_string())?;
        let expression = Self {
            text: text.to_owned(),
            cron,
        };
        // A year may be named that is over, but not a day that no year has.
        let epoch = Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
        match expression.after(&epoch) {
            Some(_) => Ok(expression),
            None => Err("it never comes to be".to_owned()),
        }
    }

    /// The expression as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn after(&self, time: &Zoned) -> Option<Zoned> {
        self.cron.find_next_occurrence(time, false).ok()
    }
}

impl fmt::Display for CronExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Schedule {
    /// The next time after this one at which a run is due, without jitter. `None` if there is none.
    ///
    /// A time that the clock skips when daylight saving time begins is due when the clock has gone
    /// forward. One that it repeats is due once, unless the hour is a `*` or a range.
    pub fn next_after(&self, time: SystemTime) -> Option<SystemTime> {
        let zone = match &self.time_zone {
            // The name was checked when the configuration was read.
            Some(name) => TimeZone::get(name).unwrap_or(TimeZone::UTC),
            None => TimeZone::system(),
        };
        let time = Timestamp::try_from(time).ok()?.to_zoned(zone);
        Some(self.cron.after(&time)?.timestamp().into())
    }
}

/// Whether there is a time zone of that name.
pub(crate) fn is_time_zone(name: &str) -> bool {
    TimeZone::get(name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(cron: &str, zone: &str) -> Schedule {
        Schedule {
            cron: CronExpression::parse(cron).expect("an expression"),
            time_zone: Some(zone.to_owned()),
            overlap: Overlap::Skip,
            jitter: Duration::ZERO,
            missed: MissedRuns::Skip,
        }
    }

    /// The next times after one, in UTC.
    fn next(cron: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
        let schedule = schedule(cron, zone);
        let mut time: SystemTime = after.parse::<Timestamp>().expect("a time").into();
        let times = (0..count).map(|_| {
            time = schedule.next_after(time).expect("a next time");
            Timestamp::try_from(time).expect("in range").to_string()
        });
        times.collect()
    }

    #[test]
    fn five_fields_are_minutes_and_six_are_seconds() {
        assert_eq!(
            next("*/15 9 * * MON", "UTC", "2026-11-29T12:00:00Z", 3),
            [
                "2026-11-30T09:00:00Z",
                "2026-11-30T09:15:00Z",
                "2026-11-30T09:30:00Z"
            ]
        );
        assert_eq!(
            next("*/20 * * * * *", "UTC", "2026-11-29T12:00:00Z", 3),
            [
                "2026-11-29T12:00:20Z",
                "2026-11-29T12:00:40Z",
                "2026-11-29T12:01:00Z"
            ]
        );
        assert_eq!(
            next("@daily", "UTC", "2026-11-29T12:00:00Z", 1),
            ["2026-11-30T00:00:00Z"]
        );
    }

    #[test]
    fn days_are_also_named_by_their_place_in_the_month() {
        for (cron, expected) in [
            ("0 0 L * *", "2026-11-30T00:00:00Z"),
            ("0 0 * * FRI#2", "2026-12-11T00:00:00Z"),
            ("0 0 * * FRI#L", "2026-12-25T00:00:00Z"),
            // Either day matches.
            ("0 0 13 * FRI", "2026-12-04T00:00:00Z"),
        ] {
            assert_eq!(
                next(cron, "UTC", "2026-11-29T12:00:00Z", 1),
                [expected],
                "{cron}"
            );
        }
    }

    #[test]
    fn the_time_zone_is_that_of_the_schedule() {
        assert_eq!(
            next("0 3 * * *", "Europe/Berlin", "2026-11-29T12:00:00Z", 1),
            ["2026-11-30T02:00:00Z"]
        );
        assert_eq!(
            next("0 3 * * *", "America/New_York", "2026-11-29T12:00:00Z", 1),
            ["2026-11-30T08:00:00Z"]
        );
    }

    #[test]
    fn a_time_that_the_clock_skips_is_due_once_and_one_that_it_repeats_too() {
        // 2026-03-29, 2:00 to 3:00 does not exist in Berlin.
        assert_eq!(
            next("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2),
            ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
        );
        // 2026-10-25, 2:00 to 3:00 comes twice.
        assert_eq!(
            next("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
            ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
        );
    }

    #[test]
    fn what_never_comes_to_be_is_an_error() {
        for text in ["", "* * * *", "61 * * * *", "0 0 30 2 *", "often"] {
            assert!(CronExpression::parse(text).is_err(), "{text:?}");
        }
        assert!(!is_time_zone("Europe/Atlantis"));
    }

    #[test]
    fn a_year_that_is_over_has_no_next_time() {
        let schedule = schedule("0 0 0 1 1 * 2020", "UTC");
        let now: Timestamp = "2026-11-29T12:00:00Z".parse().expect("a time");
        assert_eq!(schedule.next_after(now.into()), None);
    }
}
