//! Waiting for a condition, with a limit and a message.

use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take that a healthy Fulcrum does within a second or two.
pub const LIMIT: Duration = Duration::from_secs(30);

const INTERVAL: Duration = Duration::from_millis(15);

/// Asks until there is an answer.
///
/// # Panics
/// When there is none within the limit; the text names what was waited for.
#[track_caller]
pub fn wait_until<T>(description: &str, limit: Duration, mut condition: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(
            started.elapsed() < limit,
            "waited {} s in vain until {description}",
            limit.as_secs()
        );
        thread::sleep(INTERVAL);
    }
}
