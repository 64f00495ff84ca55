//! Wall-clock times as text.

use std::time::{Duration, SystemTime};

/// The last second that has a year of four digits: 9999-12-31T23:59:59Z.
const LAST_SECOND: u64 = 253_402_300_799;

/// RFC 3339 in UTC with milliseconds. A time that RFC 3339 cannot express becomes the nearest one.
pub fn rfc3339_millis(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(clamp_to_rfc3339(time)).to_string()
}

pub(crate) fn rfc3339_micros(time: SystemTime) -> String {
    humantime::format_rfc3339_micros(clamp_to_rfc3339(time)).to_string()
}

/// A clock may be set to anything; a log line must be printable all the same.
fn clamp_to_rfc3339(time: SystemTime) -> SystemTime {
    let since_epoch = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    SystemTime::UNIX_EPOCH + since_epoch.min(Duration::from_secs(LAST_SECOND))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_times_are_printed_too() {
        let before = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(rfc3339_millis(before), "1970-01-01T00:00:00.000Z");
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(LAST_SECOND * 2);
        assert_eq!(rfc3339_micros(far), "9999-12-31T23:59:59.000000Z");
    }
}
