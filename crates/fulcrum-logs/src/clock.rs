//! The wall clock, for the times of log lines and files.

use std::time::SystemTime;

#[expect(
    clippy::disallowed_methods,
    reason = "log lines and files carry the wall clock's time"
)]
pub(crate) fn wall_clock() -> SystemTime {
    SystemTime::now()
}
