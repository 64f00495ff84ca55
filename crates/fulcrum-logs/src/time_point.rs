//! Points in time as people write them.
//!
//! What has no offset is local time: people copy it from a clock. What `fulcrum` prints has one.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// A point in time: a duration (`5m`: that long ago), a time of day (`15:00`), a date
/// (`2026-11-28`), both (`2026-11-28 15:00`), `today` and `yesterday`, alone or with a time of day, or
/// RFC 3339 (`2026-11-28T15:00:00+01:00`). Without an offset, it is local time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimePoint(Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// This long before now.
    Ago(Duration),
    /// An absolute time.
    At(Timestamp),
    /// A date and a time of the local clock.
    Local(DateTime),
    /// A time of the local clock, this many days ago.
    DaysAgo(i32, Time),
    /// A time of the local clock, the last time that it was that late.
    TimeOfDay(Time),
}

/// Why a text is no point in time, and what is expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseTimeError(String);

impl fmt::Display for ParseTimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ParseTimeError {}

impl FromStr for TimePoint {
    type Err = ParseTimeError;

    fn from_str(text: &str) -> Result<Self, ParseTimeError> {
        parse(text).map(Self).map_err(ParseTimeError)
    }
}

/// The present time and where that is.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    pub(crate) now: Timestamp,
    pub(crate) zone: TimeZone,
}

impl Clock {
    /// The clock at `now`, in the zone of `TZ` or of the system.
    pub(crate) fn local(now: SystemTime) -> Self {
        Self {
            now: Timestamp::try_from(now).unwrap_or(Timestamp::UNIX_EPOCH),
            zone: TimeZone::system(),
        }
    }

    /// A local time some days ago. A time that a change of the clock skips is the one after it.
    fn local_days_ago(&self, days: i32, time: Time) -> Result<Timestamp, jiff::Error> {
        let today = self.zone.to_datetime(self.now).date();
        let date = today.checked_sub(Span::new().try_days(days)?)?;
        self.absolute(date.to_datetime(time))
    }

    fn absolute(&self, local: DateTime) -> Result<Timestamp, jiff::Error> {
        self.zone.to_timestamp(local)
    }
}

impl TimePoint {
    /// The time. `after` is the time that it has to follow: a time of day that is not after it is the
    /// next one, if there is none that has passed.
    ///
    /// # Errors
    /// It is beyond the times that can be counted.
    pub(crate) fn resolve(
        self,
        clock: &Clock,
        after: Option<Timestamp>,
    ) -> Result<Timestamp, jiff::Error> {
        match self.0 {
            Kind::Ago(duration) => {
                let ago = clock.now.checked_sub(duration);
                Ok(ago.unwrap_or(Timestamp::UNIX_EPOCH))
            }
            Kind::At(time) => Ok(time),
            Kind::Local(local) => clock.absolute(local),
            Kind::DaysAgo(days, time) => clock.local_days_ago(days, time),
            Kind::TimeOfDay(time) => {
                let today = clock.local_days_ago(0, time)?;
                if today <= clock.now {
                    return Ok(today);
                }
                let yesterday = clock.local_days_ago(1, time)?;
                let precedes = after.is_some_and(|after| yesterday <= after);
                Ok(if precedes { today } else { yesterday })
            }
        }
    }
}

fn parse(text: &str) -> Result<Kind, String> {
    if let Ok(duration) = humantime::parse_duration(text) {
        return Ok(Kind::Ago(duration));
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    match *words.as_slice() {
        [word] => {
            if let Some(days) = days_ago(word) {
                return Ok(Kind::DaysAgo(days, Time::midnight()));
            }
        }
        [day, time] => {
            if let Some(days) = days_ago(day) {
                return Ok(Kind::DaysAgo(days, time_of_day(time)?));
            }
        }
        _ => return Err(expected()),
    }
    let text = words.join(" ");
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(Kind::At(time));
    }
    if text.as_bytes().first().is_some_and(u8::is_ascii_digit) && text.contains(':') {
        let date = text.get(..10).filter(|date| is_date(date));
        if date.is_none() {
            return time_of_day(&text).map(Kind::TimeOfDay);
        }
    } else if !is_date(&text) {
        return Err(expected());
    }
    let local = text.parse().map_err(|_| no_such("date", &text));
    local.map(Kind::Local)
}

/// How many days ago a word is.
fn days_ago(word: &str) -> Option<i32> {
    match word {
        "today" => Some(0),
        "yesterday" => Some(1),
        _ => None,
    }
}

/// Whether a text has the form of a date, such as `2026-02-31`.
fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes().iter().enumerate();
    let mut matches = bytes.map(|(at, byte)| match at {
        4 | 7 => *byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    text.len() == 10 && matches.all(|matches| matches)
}

/// Parses `15:00`, `15:00:30`, `15:00:30.5`.
fn time_of_day(text: &str) -> Result<Time, String> {
    // `7:05` is how people write it.
    let padded = match text.find(':') {
        Some(1) => format!("0{text}"),
        Some(2) => text.to_owned(),
        _ => return Err(expected()),
    };
    padded.parse().map_err(|_| no_such("time of day", text))
}

fn no_such(what: &str, text: &str) -> String {
    format!("there is no {what} {text}: {}", expected())
}

fn expected() -> String {
    "expected a duration such as 5m, a time such as 15:00, \"2026-11-28 15:00\" or \
     2026-11-28T15:00:00Z, today or yesterday"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 14:30 in Berlin, an hour ahead of UTC.
    fn clock() -> Clock {
        Clock {
            now: "2026-11-29T13:30:00Z".parse().expect("a time"),
            zone: TimeZone::get("Europe/Berlin").expect("a zone"),
        }
    }

    fn resolved(text: &str) -> String {
        let time = text
            .parse::<TimePoint>()
            .expect(text)
            .resolve(&clock(), None);
        time.expect("in range").to_string()
    }

    #[test]
    fn times_without_an_offset_are_local() {
        for (text, expected) in [
            ("5m", "2026-11-29T13:25:00Z"),
            ("0", "2026-11-29T13:30:00Z"),
            ("14:30", "2026-11-29T13:30:00Z"),
            ("7:05", "2026-11-29T06:05:00Z"),
            ("14:29:59.5", "2026-11-29T13:29:59.5Z"),
            ("today", "2026-11-28T23:00:00Z"),
            ("yesterday", "2026-11-27T23:00:00Z"),
            ("yesterday 15:00", "2026-11-28T14:00:00Z"),
            ("today 08:00", "2026-11-29T07:00:00Z"),
            ("2026-11-28", "2026-11-27T23:00:00Z"),
            ("2026-11-28 15:00", "2026-11-28T14:00:00Z"),
            ("2026-11-28T15:00:01", "2026-11-28T14:00:01Z"),
            ("2026-07-01 15:00", "2026-07-01T13:00:00Z"),
            ("2026-11-28T15:00:00Z", "2026-11-28T15:00:00Z"),
            ("2026-11-28 15:00:00.250Z", "2026-11-28T15:00:00.25Z"),
            ("2026-11-28T15:00:00-01:30", "2026-11-28T16:30:00Z"),
            // The clock went from 02:00 to 03:00.
            ("2026-03-29 02:30", "2026-03-29T01:30:00Z"),
        ] {
            assert_eq!(resolved(text), expected, "{text}");
        }
    }

    #[test]
    fn a_time_of_day_that_has_not_come_yet_is_that_of_yesterday() {
        assert_eq!(resolved("15:00"), "2026-11-28T14:00:00Z");
        // Unless it has to follow another time.
        let after = |text: &str| {
            let after = text
                .parse::<TimePoint>()
                .expect(text)
                .resolve(&clock(), None);
            let until: TimePoint = "15:00".parse().expect("a time");
            let until = until.resolve(&clock(), after.ok());
            until.expect("in range").to_string()
        };
        assert_eq!(after("14:00"), "2026-11-29T14:00:00Z");
        assert_eq!(after("yesterday"), "2026-11-28T14:00:00Z");
    }

    #[test]
    fn times_before_the_epoch_become_the_epoch() {
        let clock = Clock {
            now: Timestamp::MIN,
            zone: TimeZone::UTC,
        };
        let time = TimePoint(Kind::Ago(Duration::from_secs(10))).resolve(&clock, None);
        assert_eq!(time.expect("in range"), Timestamp::UNIX_EPOCH);
    }

    #[test]
    fn other_texts_are_rejected_with_what_is_expected() {
        for text in [
            "",
            "tomorrow",
            "5",
            "15",
            "1500",
            "25:00",
            "15:60",
            "2026-02-30",
            "2026-02-30 15:00",
            "2026-11-28 25:00",
            "28.11.2026",
            "yesterday 25:00",
            "yesterday evening",
            "last 3 days",
            "1970-01-02T00:00:00+1:00",
            "1970-01-02T00:00:00+99:00",
            "T+é:00",
            "1é:00",
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.contains("expected a duration"), "{text}: {error}");
        }
        let error = parse("25:00").expect_err("no time");
        assert!(
            error.starts_with("there is no time of day 25:00"),
            "{error}"
        );
        let error = parse("2026-02-30").expect_err("no date");
        assert!(error.starts_with("there is no date 2026-02-30"), "{error}");
    }
}
