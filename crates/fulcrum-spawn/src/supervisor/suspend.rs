//! Time in which Fulcrum itself didn't run: stopped, suspended with the machine, or starved.

use std::time::{Duration, Instant};

/// A timer that fires later than this was not served: Fulcrum didn't run, and what the timer waits
/// for may have come meanwhile without being noticed, or couldn't come, because all were frozen.
const SUSPEND_THRESHOLD: Duration = Duration::from_secs(1);

/// What a deadline of `length` that was due at `due` and is looked at only `now` is given on top,
/// once: as long as Fulcrum didn't run, at most its whole length again. `None` where it was
/// punctual.
///
/// A deadline against somebody measures that somebody's time, not ours; with this rule a
/// supervisor that was stopped for an hour condemns nobody for that hour.
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
    fn only_a_deadline_that_was_not_served_is_moved() {
        let due = tokio::time::Instant::now().into_std();
        let at = |millis| suspend_extension(due, due + Duration::from_millis(millis), LENGTH);
        assert_eq!(at(0), None);
        assert_eq!(at(1_000), None, "a loaded machine is no reason");
        assert_eq!(at(2_500), Some(Duration::from_millis(2_500)));
        assert_eq!(
            at(3_600_000),
            Some(LENGTH),
            "an hour away is one more chance"
        );
        assert_eq!(
            suspend_extension(due + LENGTH, due, LENGTH),
            None,
            "not due at all"
        );
    }
}
