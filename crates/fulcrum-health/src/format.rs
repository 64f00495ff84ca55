//! Durations in messages.

use std::time::Duration;

/// A duration as it is written in a configuration: `500ms`, `10s`, `5m`.
pub(crate) fn format_duration(duration: Duration) -> String {
    const UNITS: [(u128, &str); 3] = [(3_600_000, "h"), (60_000, "m"), (1_000, "s")];
    let millis = duration.as_millis();
    if millis == 0 {
        return "0s".to_owned();
    }
    UNITS
        .iter()
        .find(|(unit, _)| millis.is_multiple_of(*unit))
        .map_or_else(
            || format!("{millis}ms"),
            |(unit, name)| format!("{}{name}", millis / unit),
        )
}

/// A measured duration, rounded down: `412 ms`, `3.2 s`, `3m12s`, `2h05m`, `3d04h`.
pub(crate) fn format_elapsed(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes, seconds) {
        (0, 0, 0, 0) => format!("{} ms", duration.as_millis()),
        (0, 0, 0, _) => format!("{seconds}.{} s", duration.subsec_millis() / 100),
        (0, 0, ..) => format!("{minutes}m{:02}s", seconds % 60),
        (0, ..) => format!("{hours}h{:02}m", minutes % 60),
        _ => format!("{days}d{:02}h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_they_are_written() {
        for (millis, text) in [
            (0, "0s"),
            (1_500, "1500ms"),
            (10_000, "10s"),
            (90_000, "90s"),
            (60_000, "1m"),
            (7_200_000, "2h"),
        ] {
            assert_eq!(format_duration(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn measured_durations_have_two_or_three_digits() {
        for (millis, text) in [
            (0, "0 ms"),
            (412, "412 ms"),
            (999, "999 ms"),
            (3_260, "3.2 s"),
            (59_999, "59.9 s"),
            (60_000, "1m00s"),
            (7_500_000, "2h05m"),
            (273_600_000, "3d04h"),
        ] {
            assert_eq!(format_elapsed(Duration::from_millis(millis)), text);
        }
    }
}
