//! The first start of a domain as a message of the control API.

use std::time::Duration;

use fulcrum_config::{DependencyCondition, Domain};
use fulcrum_rpc::control::FirstStart;
use tokio::time::Instant;

use crate::state::start_times::StartTimes;

/// The message about a first start; `origin` is the start of the instance, and `readiness` says when
/// the domain is ready.
pub(crate) fn first_start_message(
    times: &StartTimes,
    config: &Domain,
    origin: Instant,
    readiness: String,
) -> FirstStart {
    let at = |moment: Instant| millis(moment.saturating_duration_since(origin));
    let parts = times.attempt.preparation;
    let conditions = config.process.depends_on.iter();
    FirstStart {
        initial: times.is_initial(),
        attempts: times.attempts,
        requested_at_ms: times.requested.map(at),
        released_at_ms: times.released.map(at),
        attempted_at_ms: times.attempt.released.map(at),
        install_ms: millis(parts.install),
        queue_ms: millis(parts.queue),
        transform_ms: millis(parts.transform),
        hook_ms: millis(parts.hook),
        spawned_at_ms: times.attempt.spawned.map(|(_, moment)| at(moment)),
        registered_at_ms: times.registered().map(at),
        ready_at_ms: times.attempt.ready.map(at),
        completed: times.attempt.completed,
        readiness,
        conditions: conditions
            .map(|(name, condition)| (name.clone(), condition_name(*condition).to_owned()))
            .collect(),
    }
}

fn condition_name(condition: DependencyCondition) -> &'static str {
    match condition {
        DependencyCondition::Ready => "ready",
        DependencyCondition::Started => "started",
        DependencyCondition::Completed => "completed",
    }
}

/// With a resolution of microseconds.
fn millis(time: Duration) -> f64 {
    (time.as_micros() as f64) / 1000.0
}
