//! Suspended time: Fulcrum itself did not run, because it was stopped, the machine slept or it got
//! no CPU time.

use std::time::{Duration, Instant};

/// A timer that fires later than this was suspended: what it waits for may have happened unnoticed,
/// or could not happen, because everything was frozen.
const SUSPEND_THRESHOLD: Duration = Duration::from_secs(1);

/// The extension of a deadline of `length` that was due at `due` and is handled only `now`: as long
/// as Fulcrum did not run, at most `length` again. `None` if the deadline was handled in time. A
/// deadline is extended once.
///
/// A deadline measures the domain's time. With this rule, an instance that was suspended for an
/// hour does not declare a domain hung for that hour.
#[must_use]
pub fn suspend_extension(due: Instant, now: Instant, length: Duration) -> Option<Duration> {
    let late = now.saturating_duration_since(due);
    (late > SUSPEND_THRESHOLD).then(|| late.min(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: Duration = Duration::from_secs(5);

    #[test]
    fn only_a_deadline_that_was_suspended_is_extended() {
        let due = tokio::time::Instant::now().into_std();
        let at = |millis| suspend_extension(due, due + Duration::from_millis(millis), LENGTH);
        assert_eq!(at(0), None);
        assert_eq!(at(1_000), None, "a loaded machine is not suspended");
        assert_eq!(at(2_500), Some(Duration::from_millis(2_500)));
        assert_eq!(
            at(3_600_000),
            Some(LENGTH),
            "at most the whole length again"
        );
        assert_eq!(
            suspend_extension(due + LENGTH, due, LENGTH),
            None,
            "not due yet"
        );
    }
}
