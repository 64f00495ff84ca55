//! A range of time, as people write it.

use std::fmt;
use std::time::SystemTime;

use jiff::Timestamp;

use crate::time_point::{Clock, TimePoint};

/// A range of time; open where there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TimeRange {
    /// The first time in it.
    pub since: Option<SystemTime>,
    /// The first time after it.
    pub until: Option<SystemTime>,
}

/// Why a range can contain nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeRangeError(String);

impl fmt::Display for TimeRangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TimeRangeError {}

impl TimeRange {
    /// The range between two points, at the present time `now` and in the zone of `TZ` or of the
    /// system. A time of day is the last one that has passed; as `until` of a later `since`, the next.
    ///
    /// # Errors
    /// It begins in the future, or ends before it begins. The message has the names of the arguments
    /// `--since` and `--until`.
    pub fn resolve(
        since: Option<TimePoint>,
        until: Option<TimePoint>,
        now: SystemTime,
    ) -> Result<Self, TimeRangeError> {
        resolve(since, until, &Clock::local(now)).map_err(TimeRangeError)
    }
}

fn resolve(
    since: Option<TimePoint>,
    until: Option<TimePoint>,
    clock: &Clock,
) -> Result<TimeRange, String> {
    let out_of_range = |name: &str| format!("--{name} is too far away to be a time");
    let resolve = |name, point: Option<TimePoint>, after| {
        let time = point.map(|point: TimePoint| point.resolve(clock, after));
        time.transpose().map_err(|_| out_of_range(name))
    };
    let since: Option<Timestamp> = resolve("since", since, None)?;
    let until: Option<Timestamp> = resolve("until", until, since)?;
    let local = |time: Timestamp| {
        let local = time.to_zoned(clock.zone.clone());
        local.strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
    };
    if let Some(since) = since
        && since > clock.now
    {
        let (since, now) = (local(since), local(clock.now));
        return Err(format!(
            "--since is in the future: {since}, and now is {now}"
        ));
    }
    if let (Some(since), Some(until)) = (since, until)
        && until <= since
    {
        let (since, until) = (local(since), local(until));
        return Err(format!(
            "--until ({until}) is not after --since ({since}): there is no time in between"
        ));
    }
    Ok(TimeRange {
        since: since.map(SystemTime::from),
        until: until.map(SystemTime::from),
    })
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    fn resolve(since: &str, until: &str) -> Result<TimeRange, String> {
        let clock = Clock {
            now: "2026-11-29T13:30:00Z".parse().expect("a time"),
            zone: TimeZone::UTC,
        };
        let point = |text: &str| (!text.is_empty()).then(|| text.parse().expect(text));
        super::resolve(point(since), point(until), &clock)
    }

    #[test]
    fn a_range_that_can_contain_nothing_is_an_error() {
        let error = resolve("2026-11-30", "").expect_err("in the future");
        assert_eq!(
            error,
            "--since is in the future: 2026-11-30 00:00:00 +00:00, and now is \
             2026-11-29 13:30:00 +00:00"
        );
        let error = resolve("10:00", "09:00").expect_err("before it begins");
        assert!(error.starts_with("--until (2026-11-29 09:00:00"), "{error}");
        assert_eq!(resolve("", ""), Ok(TimeRange::default()));
        let range = resolve("13:00", "14:00").expect("a range");
        assert!(range.until > range.since, "{range:?}");
        resolve("0", "").expect("from now on");
    }
}
