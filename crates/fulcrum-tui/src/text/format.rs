//! Numbers in narrow columns.

/// A size with at most five characters: `512B`, `48M`, `1.2G`.
pub fn short_bytes(bytes: u64) -> String {
    const UNITS: [char; 5] = ['K', 'M', 'G', 'T', 'P'];
    if bytes < 1000 {
        return format!("{bytes}B");
    }
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut size = bytes as f64 / 1024.0;
    let mut unit = UNITS[0];
    for larger in &UNITS[1..] {
        if size < 999.5 {
            break;
        }
        size /= 1024.0;
        unit = *larger;
    }
    match size < 9.95 {
        true => format!("{size:.1}{unit}"),
        false => format!("{size:.0}{unit}"),
    }
}

/// A duration in milliseconds with at most six characters: `12s`, `3m12s`, `2h05m`, `3d04h`.
pub fn short_duration(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    if days > 0 {
        format!("{days}d{:02}h", hours % 24)
    } else if hours > 0 {
        format!("{hours}h{:02}m", minutes % 60)
    } else if minutes > 0 {
        format!("{minutes}m{:02}s", seconds % 60)
    } else {
        format!("{seconds}s")
    }
}

/// A share of one CPU, in percent: `0.3%`, `104%`.
pub fn short_percent(percent: f64) -> String {
    match percent < 99.95 {
        true => format!("{percent:.1}%"),
        false => format!("{percent:.0}%"),
    }
}

/// A lag in milliseconds: `0.4ms`, `12ms`, `1.2s`.
pub fn short_lag(milliseconds: f64) -> String {
    if milliseconds < 9.95 {
        format!("{milliseconds:.1}ms")
    } else if milliseconds < 999.5 {
        format!("{milliseconds:.0}ms")
    } else {
        format!("{:.1}s", milliseconds / 1000.0)
    }
}

/// A count with at most five characters: `999`, `12k`, `3.4M`.
pub fn short_count(count: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
    let number = count as f64;
    match count {
        0..10_000 => count.to_string(),
        10_000..1_000_000 => format!("{:.0}k", number / 1e3),
        _ => format!("{:.1}M", number / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_fit_their_columns() {
        for (bytes, text) in [
            (0, "0B"),
            (999, "999B"),
            (1024, "1.0K"),
            (50_645_811, "48M"),
            (1_048_000_000, "999M"),
            (1_300_000_000, "1.2G"),
        ] {
            assert_eq!(short_bytes(bytes), text);
        }
        for (milliseconds, text) in [
            (999, "0s"),
            (192_000, "3m12s"),
            (7_500_000, "2h05m"),
            (273_600_000, "3d04h"),
        ] {
            assert_eq!(short_duration(milliseconds), text);
        }
        assert_eq!([0.34, 99.96].map(short_percent), ["0.3%", "100%"]);
        assert_eq!(
            [0.44, 12.4, 1234.0].map(short_lag),
            ["0.4ms", "12ms", "1.2s"]
        );
        assert_eq!(
            [9_999, 12_345, 3_400_000].map(short_count),
            ["9999", "12k", "3.4M"]
        );
    }
}
