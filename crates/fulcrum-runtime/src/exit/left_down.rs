//! Domains that have ended by themselves and are not started again.

use fulcrum_config::Domain;
use fulcrum_spawn::lifecycle::{Goal, Phase, TransitionCause};
use fulcrum_spawn::supervisor::{LastExit, Snapshot};

/// Whether a domain has ended with a failure and is not started again, though it is meant to run.
pub(crate) fn is_left_down(config: &Domain, now: &Snapshot) -> bool {
    let success = &config.process.restart.success_exit_codes;
    let is_failure = |exit: &LastExit| {
        exit.cause == TransitionCause::Exited
            && exit.report.code.is_none_or(|code| !success.contains(&code))
    };
    has_ended(now) && now.last_exit.as_ref().is_some_and(is_failure)
}

/// Whether a domain has failed for good: it is started again only by a request, or by a change of its
/// files; or it has been restarted as often as its budget allows, and has failed again. The budget
/// counts within a window, so one that fails slowly is restarted for ever; nobody waits for that.
///
/// A domain that waits for another that has failed is not meant: the other one is.
pub(crate) fn has_failed_for_good(config: &Domain, now: &Snapshot) -> bool {
    match now.phase {
        Phase::Failed => !now.blocked,
        Phase::Stuck => true,
        Phase::Backoff => now.restarts >= config.process.restart.budget,
        // Whatever its exit code: it is of no use to those who wait for it.
        _ if has_ended(now) && now.ready_after.is_none() => true,
        _ => is_left_down(config, now),
    }
}

fn has_ended(now: &Snapshot) -> bool {
    now.phase == Phase::Stopped && now.goal == Goal::Up && now.generation > 0
}
