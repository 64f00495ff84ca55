//! Durations, sizes, counts and paths in messages.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// An uptime in milliseconds as `12s`, `3m12s`, `2h05m` or `3d04h`.
pub fn format_uptime(milliseconds: u64) -> String {
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

/// A duration as `412 ms` or `3.2 s`; from a minute on as [`format_uptime`].
pub fn format_duration(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    match milliseconds {
        0..1_000 => format!("{milliseconds} ms"),
        1_000..60_000 => format!("{:.1} s", (duration.as_secs_f64() * 10.0).floor() / 10.0),
        _ => format_uptime(u64::try_from(milliseconds).unwrap_or(u64::MAX)),
    }
}

/// A duration in milliseconds up to ten seconds: `3260 ms`, `12.4 s`. For measured times, whose
/// milliseconds matter.
pub fn format_measured(duration: Duration) -> String {
    if duration < Duration::from_secs(10) {
        format!("{} ms", duration.as_millis())
    } else {
        format!("{:.1} s", duration.as_secs_f64())
    }
}

/// A size as `512 B` or `48.3 MiB`, with three digits.
pub fn format_bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut size = bytes as f64 / 1024.0;
    let mut unit = UNITS[0];
    for larger in &UNITS[1..] {
        // A value that rounds to 1024 is 1 of the next unit.
        if size < 1023.5 {
            break;
        }
        size /= 1024.0;
        unit = larger;
    }
    if size < 99.95 {
        format!("{size:.1} {unit}")
    } else {
        format!("{size:.0} {unit}")
    }
}

/// A number with its noun: `1 domain`, `3 domains`.
pub fn pluralize(number: usize, one: &str) -> String {
    format!("{number} {one}{}", if number == 1 { "" } else { "s" })
}

/// Up to this many files are named; of more, only the first.
const MAX_NAMED_FILES: usize = 3;

/// Files as `src/price.ts`, `a.js, b.js` or `a.js and 41 more`, relative to `bases`.
pub(crate) fn display_files(files: &BTreeSet<PathBuf>, bases: &[&Path]) -> String {
    let mut names: Vec<String> = files
        .iter()
        .take(MAX_NAMED_FILES)
        .map(|path| display_file(path, bases))
        .collect();
    if files.len() > MAX_NAMED_FILES {
        names.truncate(1);
        return format!("{} and {} more", names.concat(), files.len() - 1);
    }
    names.join(", ")
}

/// A file relative to the first of `bases` that contains it.
pub(crate) fn display_file(path: &Path, bases: &[&Path]) -> String {
    let relative = bases.iter().find_map(|base| path.strip_prefix(base).ok());
    relative.unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (milliseconds, text) in [
            (0, "0s"),
            (999, "0s"),
            (12_300, "12s"),
            (192_000, "3m12s"),
            (7_500_000, "2h05m"),
            (273_600_000, "3d04h"),
        ] {
            assert_eq!(format_uptime(milliseconds), text);
        }
        for (milliseconds, text) in [
            (0, "0 ms"),
            (412, "412 ms"),
            (999, "999 ms"),
            (3_260, "3.2 s"),
            (59_999, "59.9 s"),
            (60_000, "1m00s"),
        ] {
            assert_eq!(format_duration(Duration::from_millis(milliseconds)), text);
        }
    }

    #[test]
    fn sizes() {
        for (bytes, text) in [
            (0, "0 B"),
            (1_023, "1023 B"),
            (1_024, "1.0 KiB"),
            (50_645_811, "48.3 MiB"),
            (104_857_599, "100 MiB"),
            (1_073_741_823, "1.0 GiB"),
            (u64::MAX, "16384 PiB"),
        ] {
            assert_eq!(format_bytes(bytes), text);
        }
    }

    #[test]
    fn a_few_files_are_named_and_more_are_counted() {
        let bases = [Path::new("/app/domains/users"), Path::new("/app")];
        let display =
            |paths: &[&str]| display_files(&paths.iter().map(PathBuf::from).collect(), &bases);
        assert_eq!(display(&["/app/domains/users/src/a.ts"]), "src/a.ts");
        let two = ["/app/shared/b.ts", "/other/c.ts"];
        assert_eq!(display(&two), "shared/b.ts, /other/c.ts");
        let many = ["/app/a", "/app/b", "/app/c", "/app/d"];
        assert_eq!(display(&many), "a and 3 more");
    }
}
