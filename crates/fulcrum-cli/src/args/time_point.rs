//! Points in the past on the command line.

use std::time::{Duration, SystemTime};

use super::duration;

/// A point in time, as typed.
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
    rfc3339(text).map(TimePoint::At).ok_or_else(|| {
        "say how long ago, such as 5m, or when, such as 2026-11-23T10:00:00Z".to_owned()
    })
}

fn rfc3339(text: &str) -> Option<SystemTime> {
    let (local, ahead, behind) = split_offset(text)?;
    let time = humantime::parse_rfc3339_weak(local).ok()?;
    time.checked_sub(ahead)?.checked_add(behind)
}

/// The local time and its offset ahead of and behind UTC.
fn split_offset(text: &str) -> Option<(&str, Duration, Duration)> {
    let time = text.find(['T', 't', ' '])?;
    // A sign within the date isn't one of an offset.
    let Some(sign) = text[time..].find(['+', '-']).map(|at| time + at) else {
        return Some((text, Duration::ZERO, Duration::ZERO));
    };
    let (hours, minutes) = text[sign + 1..].split_once(':')?;
    let number = |digits: &str, limit: u64| -> Option<u64> {
        let two_digits = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits
            .parse()
            .ok()
            .filter(|number| two_digits && *number < limit)
    };
    let offset = Duration::from_secs(number(hours, 24)? * 3600 + number(minutes, 60)? * 60);
    Some(match text.as_bytes()[sign] {
        b'+' => (&text[..sign], offset, Duration::ZERO),
        _ => (&text[..sign], Duration::ZERO, offset),
    })
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
    fn ago_and_at() {
        assert_eq!(seconds("5m"), 999_700);
        assert_eq!(seconds("1970-01-02T00:00:00Z"), 86_400);
        assert_eq!(seconds("1970-01-02T00:00:00.5Z"), 86_400);
        assert_eq!(seconds("1970-01-02T01:00:00+01:00"), 86_400);
        assert_eq!(seconds("1970-01-01T22:30:00-01:30"), 86_400);
    }

    #[test]
    fn before_the_epoch_is_the_epoch() {
        let time = TimePoint::Ago(Duration::from_secs(10)).resolve(SystemTime::UNIX_EPOCH);
        assert!(time <= SystemTime::UNIX_EPOCH);
    }

    #[test]
    fn other_texts_are_refused() {
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
