//! Durations on the command line.

use std::time::Duration;

/// The longest duration; beyond it deadlines could overflow.
const MAX_DURATION: Duration = Duration::from_secs(366 * 24 * 3600);

/// Parses `500ms`, `60s`, `5m`, `1h 30m`; `0` is zero. Other bare numbers are rejected, since their
/// unit is ambiguous.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    const FORMAT_HINT: &str = "expected a number with its unit, such as 500ms, 60s or 5m";
    let duration = humantime::parse_duration(text).map_err(|_| FORMAT_HINT.to_owned())?;
    if duration > MAX_DURATION {
        return Err("longer than 366 days".to_owned());
    }
    Ok(duration)
}

/// Whole milliseconds for a request, rounded up so that a limit never becomes 0 (no limit).
pub(crate) fn to_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_needs_a_unit() {
        for (text, milliseconds) in [
            ("500ms", 500),
            ("60s", 60_000),
            ("5m", 300_000),
            ("1h 30m", 5_400_000),
            ("0", 0),
            ("0s", 0),
        ] {
            assert_eq!(parse(text).map(to_millis), Ok(milliseconds), "{text}");
        }
        for text in [
            "",
            "5",
            "-1s",
            "1.5",
            "soon",
            "99999999999999999999s",
            "400days",
        ] {
            parse(text).expect_err(text);
        }
    }

    #[test]
    fn a_tiny_limit_does_not_become_no_limit() {
        assert_eq!(to_millis(Duration::from_micros(1)), 1);
        assert_eq!(to_millis(Duration::ZERO), 0);
    }
}
