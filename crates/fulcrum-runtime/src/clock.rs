//! The wall clock, read in one place.

use std::time::SystemTime;

use tokio::time::Instant;

/// The current wall-clock time, for log lines, events and file ages.
#[expect(
    clippy::disallowed_methods,
    reason = "log lines and events carry wall-clock time"
)]
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}

/// The moment of something that has just happened, by the clock that cannot be set.
pub(crate) fn instant_of(time: SystemTime) -> Instant {
    let age = now().duration_since(time).unwrap_or_default();
    let now = Instant::now();
    now.checked_sub(age).unwrap_or(now)
}
