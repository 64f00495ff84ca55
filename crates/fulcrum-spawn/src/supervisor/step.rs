//! Timers that may be late expire together.

use std::time::Duration;

use tokio::time::Instant;

/// The precision of such timers.
const STEP: Duration = Duration::from_secs(1);

/// The end of the step that a moment lies in, counted from `epoch`. All domains share the steps, so
/// that hundreds of them that became ready one after another wake this program once.
pub(super) fn whole_step(epoch: Instant, at: Instant) -> Instant {
    let rest = at.saturating_duration_since(epoch).as_nanos() % STEP.as_nanos();
    match u64::try_from(rest) {
        Ok(0) | Err(_) => at,
        Ok(rest) => at + (STEP - Duration::from_nanos(rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn moments_of_one_step_end_together() {
        let epoch = Instant::now();
        let after = |millis| epoch + Duration::from_millis(millis);
        for millis in [10_001, 10_500, 11_000] {
            assert_eq!(whole_step(epoch, after(millis)), after(11_000));
        }
        assert_eq!(whole_step(epoch, after(0)), epoch);
    }
}
