//! The wall clock, read in one place.

use std::time::SystemTime;

/// The current wall-clock time, for log lines, events and file ages.
#[expect(
    clippy::disallowed_methods,
    reason = "log lines and events carry wall-clock time"
)]
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}
