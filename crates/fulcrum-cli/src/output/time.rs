//! Points in time as text.

use std::time::{Duration, SystemTime};

/// The last second that has a year of four digits: 9999-12-31T23:59:59Z.
const MAX_RFC3339: u64 = 253_402_300_799;

/// RFC 3339 in UTC with milliseconds. A clock may be set to anything; what RFC 3339 can't write
/// becomes the nearest that it can.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    let since_epoch = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let time = SystemTime::UNIX_EPOCH + since_epoch.min(Duration::from_secs(MAX_RFC3339));
    humantime::format_rfc3339_millis(time).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_times_are_written_too() {
        assert_eq!(
            rfc3339(SystemTime::UNIX_EPOCH + Duration::from_secs(MAX_RFC3339 * 2)),
            "9999-12-31T23:59:59.000Z"
        );
        assert_eq!(
            rfc3339(SystemTime::UNIX_EPOCH - Duration::from_secs(5)),
            "1970-01-01T00:00:00.000Z"
        );
    }
}
