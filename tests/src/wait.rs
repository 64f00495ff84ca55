//! Waiting for a condition, with a limit and a message.

use std::thread;
use std::time::{Duration, Instant};

/// The limit for anything that Fulcrum normally does within a second or two.
pub const LIMIT: Duration = Duration::from_secs(30);

const INTERVAL: Duration = Duration::from_millis(15);

/// Evaluates `condition` repeatedly until it returns a value.
///
/// # Panics
/// When it returns none within the limit. The message has `description`.
#[track_caller]
pub fn wait_until<T>(
    description: &str,
    limit: Duration,
    mut condition: impl FnMut() -> Option<T>,
) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(
            started.elapsed() < limit,
            "timed out after {} s waiting until {description}",
            limit.as_secs()
        );
        thread::sleep(INTERVAL);
    }
}
