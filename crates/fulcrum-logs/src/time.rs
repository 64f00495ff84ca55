//! Times as RFC 3339.

use std::fmt;
use std::time::{Duration, SystemTime};

/// The last second of RFC 3339, 9999-12-31T23:59:59Z, since the epoch.
const LAST_SECOND: u64 = 253_402_300_799;

/// RFC 3339 in UTC with milliseconds. A time that RFC 3339 cannot express becomes the nearest one.
pub fn rfc3339_millis(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(clamp_to_rfc3339(time)).to_string()
}

/// Is displayed as RFC 3339 in UTC with microseconds.
pub(crate) struct Rfc3339Micros(pub(crate) SystemTime);

impl fmt::Display for Rfc3339Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_rfc3339_micros(clamp_to_rfc3339(self.0)).fmt(f)
    }
}

/// The nearest time that RFC 3339 can express: the clock may be set to any time.
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
    fn times_out_of_range_are_clamped() {
        let before = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(rfc3339_millis(before), "1970-01-01T00:00:00.000Z");
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(LAST_SECOND * 2);
        assert_eq!(
            Rfc3339Micros(far).to_string(),
            "9999-12-31T23:59:59.000000Z"
        );
    }
}
