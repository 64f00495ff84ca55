//! Counts transitions for metrics.

use fulcrum_health::signal_name;
use fulcrum_spawn::lifecycle::{Phase, TransitionCause};
use fulcrum_spawn::supervisor::{LastExit, Snapshot, Transition};
use fulcrum_telemetry::metrics::{DomainRecorder, ExitFacts};

/// How the reason of a process begins that exceeded its memory limit.
const MEMORY_LIMIT: &str = "memory limit:";

/// Counts a transition of a domain that is now in this state.
pub(super) fn count(
    metrics: &DomainRecorder,
    transition: &Transition,
    snapshot: &Snapshot,
    is_job: bool,
) {
    let exit = snapshot.last_exit.as_ref();
    match transition.to {
        // A job that runs again by its schedule replaces nothing.
        Phase::Starting if transition.generation > 1 && (!is_job || snapshot.restarts > 0) => {
            metrics.restarted(exit.map_or("start_failed", restart_reason));
        }
        Phase::Running if transition.ready && !transition.was_ready_before => {
            metrics.started(snapshot.ready_after.unwrap_or_default());
        }
        Phase::Failed => metrics.failed(),
        _ => {}
    }
    let exit = exit.filter(|exit| {
        transition.from == Phase::Stopping
            && transition.to != Phase::Stopping
            && exit.generation == transition.generation
    });
    if let Some(exit) = exit {
        let signal = exit.report.signal;
        metrics.exited(ExitFacts {
            code: exit.report.code,
            signal: signal.map(|number| signal_name(number).unwrap_or("unknown")),
        });
    }
}

/// Why a process was replaced, as a word of a fixed set.
fn restart_reason(exit: &LastExit) -> &'static str {
    match exit.cause {
        TransitionCause::Exited | TransitionCause::Normal => "exit",
        TransitionCause::Hung => "hung",
        TransitionCause::Unhealthy if exit.reason.starts_with(MEMORY_LIMIT) => "memory",
        TransitionCause::Unhealthy => "unhealthy",
        TransitionCause::StartTimeout => "start_timeout",
        TransitionCause::TimeLimit => "time_limit",
        TransitionCause::StartFailed => "start_failed",
        TransitionCause::Rejected => "rejected",
        TransitionCause::GroupRestart => "group",
        TransitionCause::Reload => "reload",
        TransitionCause::Requested(_) => "request",
    }
}
