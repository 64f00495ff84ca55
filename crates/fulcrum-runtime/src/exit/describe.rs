//! Puts an end into words: why a life was ended, and how it took its end.

use fulcrum_config::Program;
use fulcrum_spawn::lifecycle::{Goal, Phase, TransitionCause};
use fulcrum_spawn::supervisor::{LastExit, Snapshot};

use crate::context::RuntimeContext;
use crate::state::desired::DomainConfigRef;

/// How a life ended and why. Where Fulcrum ended it, what for.
pub(crate) fn describe_exit(house: &RuntimeContext, domain: &str, exit: &LastExit) -> String {
    match describe_forced_exit(house, domain, exit) {
        Some(how) => format!("{}; {how}", exit.reason),
        None => exit.reason.clone(),
    }
}

/// How a life took its end that Fulcrum had decided on. None where it ended by itself: then the
/// reason says it all.
pub(crate) fn describe_forced_exit(
    house: &RuntimeContext,
    domain: &str,
    exit: &LastExit,
) -> Option<String> {
    if exit.cause == TransitionCause::Exited {
        return None;
    }
    let obituary = house.desks.get(domain)?.obituary_of(exit.generation);
    Some(obituary.map_or_else(
        || fulcrum_health::describe_exit(exit.report.code, exit.report.signal),
        |obituary| obituary.describe_forced(exit.killed),
    ))
}

/// What to do about an entry that ended quietly and well, and was never there as a domain.
pub(crate) fn hint(house: &RuntimeContext, domain: &str, now: &Snapshot) -> Option<&'static str> {
    let well = now
        .last_exit
        .as_ref()
        .is_some_and(|exit| exit.report.code == Some(0));
    let quiet = now.phase == Phase::Stopped && now.goal == Goal::Up && now.ready_after.is_none();
    let is_node = |domain: DomainConfigRef| matches!(domain.program, Program::Node { .. });
    (well && quiet && house.domain(domain).is_some_and(is_node)).then_some(
        "its entry ran to its end without starting a domain: export default a class with a \
         start() method, or call start()",
    )
}
