//! Durations and sizes, as text and back.

use std::time::Duration;

/// Why a text is not a duration or size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnitError {
    /// A number without a unit.
    NoUnit,
    /// Another form.
    Malformed,
    /// Well-formed, but above the limit.
    TooLarge,
}

/// The longest duration of a setting; longer ones would overflow deadlines.
const MAX_DURATION: Duration = Duration::from_secs(366 * 24 * 3600);

const DURATION_UNITS: &[(&str, f64)] = &[
    ("ms", 1.0),
    ("s", 1_000.0),
    ("m", 60_000.0),
    ("h", 3_600_000.0),
    ("d", 86_400_000.0),
];

const SIZE_UNITS: &[(&str, f64)] = &[
    ("B", 1.0),
    ("KB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("TB", 1e12),
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("TiB", 1_099_511_627_776.0),
];

/// Parses `500ms`, `10s`, `1.5h` or `1m30s`, to the millisecond.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(UnitError::Malformed);
    }
    let mut total = 0.0;
    while !rest.is_empty() {
        let (number, after) = split_number(rest)?;
        let end = after
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let (unit, next) = after.split_at(end);
        if unit.is_empty() && !next.is_empty() {
            return Err(UnitError::Malformed);
        }
        total += number * factor(DURATION_UNITS, unit, |unit, known| unit == known)?;
        rest = next;
    }
    if total > MAX_DURATION.as_millis() as f64 {
        return Err(UnitError::TooLarge);
    }
    Ok(Duration::from_millis(total.round() as u64))
}

/// Formats a duration so that it can be parsed again, in its largest whole unit.
pub(crate) fn format_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    let (unit, size) = [("h", 3_600_000), ("m", 60_000), ("s", 1_000)]
        .into_iter()
        .find(|(_, size)| millis > 0 && millis.is_multiple_of(*size))
        .unwrap_or(("ms", 1));
    format!("{}{unit}", millis / size)
}

/// Parses `256MiB`, `1GB` or `1.5GiB`, in bytes.
pub(crate) fn parse_size(text: &str) -> Result<u64, UnitError> {
    let (number, unit) = split_number(text.trim())?;
    let bytes = number
        * factor(SIZE_UNITS, unit.trim(), |unit, known| {
            unit.eq_ignore_ascii_case(known)
        })?;
    if bytes > 1e18 {
        return Err(UnitError::TooLarge);
    }
    Ok(bytes.round() as u64)
}

/// Formats a size so that it can be parsed again, in its largest whole binary or decimal unit.
pub(crate) fn format_size(bytes: u64) -> String {
    let (unit, size) = [
        ("TiB", 1 << 40),
        ("TB", 1_000_000_000_000),
        ("GiB", 1 << 30),
        ("GB", 1_000_000_000),
        ("MiB", 1 << 20),
        ("MB", 1_000_000),
        ("KiB", 1 << 10),
        ("KB", 1_000),
    ]
    .into_iter()
    .find(|(_, size)| bytes > 0 && bytes.is_multiple_of(*size))
    .unwrap_or(("B", 1));
    format!("{}{unit}", bytes / size)
}

fn split_number(text: &str) -> Result<(f64, &str), UnitError> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    if !number.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(UnitError::Malformed);
    }
    Ok((number.parse().map_err(|_| UnitError::Malformed)?, rest))
}

fn factor(
    units: &[(&str, f64)],
    unit: &str,
    same: fn(&str, &str) -> bool,
) -> Result<f64, UnitError> {
    if unit.is_empty() {
        return Err(UnitError::NoUnit);
    }
    units
        .iter()
        .find(|(known, _)| same(unit, known))
        .map(|(_, factor)| *factor)
        .ok_or(UnitError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations() {
        for (text, millis) in [
            ("500ms", 500),
            ("10s", 10_000),
            ("2m", 120_000),
            ("1h", 3_600_000),
            ("1m30s", 90_000),
            ("1.5s", 1_500),
            ("0s", 0),
        ] {
            assert_eq!(
                parse_duration(text),
                Ok(Duration::from_millis(millis)),
                "{text}"
            );
        }
        assert_eq!(parse_duration("10"), Err(UnitError::NoUnit));
        assert_eq!(parse_duration("1m30"), Err(UnitError::NoUnit));
        assert_eq!(parse_duration("999999999999d"), Err(UnitError::TooLarge));
        for text in ["", "s", "-5s", "5 parsecs", "1..5s", "١s", "1e3s", "5S"] {
            assert_eq!(parse_duration(text), Err(UnitError::Malformed), "{text}");
        }
    }

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("256MiB", 268_435_456),
            ("1GB", 1_000_000_000),
            ("1.5KiB", 1_536),
            ("7B", 7),
            ("2 gb", 2_000_000_000),
        ] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        assert_eq!(parse_size("256"), Err(UnitError::NoUnit));
        assert_eq!(parse_size("12M"), Err(UnitError::Malformed));
        assert_eq!(parse_size("99999999TiB"), Err(UnitError::TooLarge));
    }

    proptest! {
        #[test]
        fn a_formatted_duration_is_parsed_again(millis in 0u64..10_000_000_000) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
        }

        #[test]
        fn a_formatted_size_is_parsed_again(bytes in 0u64..1_000_000_000_000) {
            prop_assert_eq!(parse_size(&format_size(bytes)), Ok(bytes));
        }

        #[test]
        fn any_text_is_read_without_panic(text in ".{0,40}") {
            let _ = parse_duration(&text);
            let _ = parse_size(&text);
        }
    }
}
