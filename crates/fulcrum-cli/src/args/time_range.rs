//! The arguments that select a range of time.

use std::time::SystemTime;

use jiff::Timestamp;

use super::time_point::{self, Clock, TimePoint};
use crate::exit::{CliError, Code};

/// `--since` and `--until`.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct TimeRangeArgs {
    /// Print only what is since this time: 5m, 15:00, yesterday, "2026-11-28 15:00" (local time),
    /// or 2026-11-28T15:00:00Z
    #[arg(long, value_name = "TIME|DURATION", value_parser = time_point::parse)]
    since: Option<TimePoint>,
    /// Print only what is before this time
    #[arg(long, value_name = "TIME|DURATION", value_parser = time_point::parse)]
    until: Option<TimePoint>,
}

/// A range of time; open where there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TimeRange {
    /// The first time in it.
    pub(crate) since: Option<SystemTime>,
    /// The first time after it.
    pub(crate) until: Option<SystemTime>,
}

impl TimeRangeArgs {
    /// The range, by the present time.
    ///
    /// # Errors
    /// It begins in the future, or ends before it begins.
    #[expect(
        clippy::disallowed_methods,
        reason = "`--since 5m` is relative to the current time"
    )]
    pub(crate) fn resolve_now(self) -> Result<TimeRange, CliError> {
        self.resolve(&Clock::local(SystemTime::now()))
            .map_err(|text| CliError::new(Code::Usage, text))
    }

    fn resolve(self, clock: &Clock) -> Result<TimeRange, String> {
        let out_of_range = |name: &str| format!("--{name} is too far away to be a time");
        let resolve = |name, point: Option<TimePoint>, after| {
            let time = point.map(|point: TimePoint| point.resolve(clock, after));
            time.transpose().map_err(|_| out_of_range(name))
        };
        let since: Option<Timestamp> = resolve("since", self.since, None)?;
        let until: Option<Timestamp> = resolve("until", self.until, since)?;
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
        let point = |text: &str| (!text.is_empty()).then(|| time_point::parse(text).expect(text));
        let args = TimeRangeArgs {
            since: point(since),
            until: point(until),
        };
        args.resolve(&clock)
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
