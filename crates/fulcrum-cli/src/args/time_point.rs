//! Points in time on the command line.

use std::time::{Duration, SystemTime};

use super::duration;

/// A parsed point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimePoint {
    /// This long before now.
    Ago(Duration),
    /// An absolute time.
    At(SystemTime),
}

impl TimePoint {
    /// The time, relative to `now`.
    pub(crate) fn resolve(self, now: SystemTime) -> SystemTime {
        match self {
            Self::Ago(duration) => now.checked_sub(duration).unwrap_or(SystemTime::UNIX_EPOCH),
            Self::At(time) => time,
        }
    }
}

/// Parses `5m` or an RFC 3339 time, `2026-11-23T10:00:00Z` or with an offset such as `+01:00`.
pub(crate) fn parse(text: &str) -> Result<TimePoint, String> {
    if let Ok(duration) = duration::parse(text) {
        return Ok(TimePoint::Ago(duration));
    }
    parse_rfc3339(text).map(TimePoint::At).ok_or_else(|| {
        "expected a duration such as 5m or a time such as 2026-11-23T10:00:00Z".to_owned()
    })
}

/// Parses RFC 3339, also without an offset (UTC).
fn parse_rfc3339(text: &str) -> Option<SystemTime> {
    let split = text.len().checked_sub("+00:00".len());
    let split = split.and_then(|at| text.split_at_checked(at));
    let with_offset = split.and_then(|(local, offset)| Some((local, parse_offset(offset)?)));
    let (local, (is_ahead, offset)) = with_offset.unwrap_or((text, (true, Duration::ZERO)));
    let time = humantime::parse_rfc3339_weak(local).ok()?;
    if is_ahead {
        time.checked_sub(offset)
    } else {
        time.checked_add(offset)
    }
}

/// Parses `+HH:MM` or `-HH:MM`: whether local time is ahead of UTC, and by how much.
fn parse_offset(text: &str) -> Option<(bool, Duration)> {
    let digit = |byte: u8| char::from(byte).to_digit(10).map(u64::from);
    let [sign @ (b'+' | b'-'), h10, h1, b':', m10, m1] = *text.as_bytes() else {
        return None;
    };
    let hours = digit(h10)? * 10 + digit(h1)?;
    let minutes = digit(m10)? * 10 + digit(m1)?;
    let offset = Duration::from_secs(hours * 3600 + minutes * 60);
    (hours < 24 && minutes < 60).then_some((sign == b'+', offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> u64 {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let time = parse(text).expect(text).resolve(now);
        time.duration_since(SystemTime::UNIX_EPOCH)
            .expect("after 1970")
            .as_secs()
    }

    #[test]
    fn durations_and_times_are_resolved() {
        assert_eq!(seconds("5m"), 999_700);
        assert_eq!(seconds("1970-01-02T00:00:00Z"), 86_400);
        assert_eq!(seconds("1970-01-02T00:00:00.5Z"), 86_400);
        assert_eq!(seconds("1970-01-02T00:00:00"), 86_400);
        assert_eq!(seconds("1970-01-02T01:00:00+01:00"), 86_400);
        assert_eq!(seconds("1970-01-01T22:30:00-01:30"), 86_400);
    }

    #[test]
    fn times_before_the_epoch_become_the_epoch() {
        let time = TimePoint::Ago(Duration::from_secs(10)).resolve(SystemTime::UNIX_EPOCH);
        assert!(time <= SystemTime::UNIX_EPOCH);
    }

    #[test]
    fn other_texts_are_rejected() {
        for text in [
            "",
            "yesterday",
            "5",
            "2026-11-23",
            "1970-01-02T00:00:00+1:00",
            "1970-01-02T00:00:00+99:00",
            "T+é:00",
        ] {
            parse(text).expect_err(text);
        }
    }
}
