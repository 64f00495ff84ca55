//! Waits for clients until domains reach a condition.

use fulcrum_rpc::control::outcome::Kind;
use fulcrum_rpc::control::wait_request::Condition;
use fulcrum_spawn::supervisor::WaitCondition;

use crate::context::RuntimeContext;
use crate::transitions::format_duration;

/// Waits until the condition holds for every domain, or cannot become true for one.
pub(crate) async fn wait_all(
    house: &RuntimeContext,
    names: &[String],
    condition: Condition,
) -> (Kind, String) {
    let awaited = wait_condition(condition);
    match house.supervisor.wait_all(names, awaited).await {
        Ok(()) => (Kind::Done, done(house, names, awaited)),
        Err(failed) => (Kind::DomainFailed, failed.join("\n")),
    }
}

/// The domains for which the condition does not hold yet, as text.
pub(crate) fn describe_pending(
    house: &RuntimeContext,
    names: &[String],
    condition: Condition,
) -> String {
    house
        .supervisor
        .describe_pending(names, wait_condition(condition))
}

fn wait_condition(condition: Condition) -> WaitCondition {
    match condition {
        Condition::Running => WaitCondition::Running,
        Condition::Stopped => WaitCondition::Stopped,
        Condition::Ready | Condition::Unspecified => WaitCondition::Ready,
    }
}

fn done(house: &RuntimeContext, names: &[String], condition: WaitCondition) -> String {
    let what = condition.as_str();
    let first = |name: &String| {
        let handle = house.supervisor.domain(name);
        handle.is_some_and(|handle| handle.snapshot().generation == 1)
    };
    // How long the start took; a later life's readiness has nothing to do with it.
    if condition == WaitCondition::Ready
        && names == house.agenda().selected.as_slice()
        && names.iter().all(first)
    {
        return summary(house);
    }
    match names {
        [name] => format!("{name} is {what}"),
        _ => format!("{} domains are {what}", names.len()),
    }
}

/// The closing line of a start: `3 domains ready in 412 ms`, from the instance's own start to the
/// last domain's registration.
fn summary(house: &RuntimeContext) -> String {
    let agenda = house.agenda();
    let ready = agenda
        .selected
        .iter()
        .filter_map(|name| house.supervisor.domain(name))
        .map(|handle| handle.snapshot())
        .filter_map(|now| now.spawned_at.zip(now.ready_after))
        .map(|(spawned, after)| (spawned + after).saturating_duration_since(house.started.0))
        .max()
        .unwrap_or_default();
    let count = agenda.selected.len();
    let noun = if count == 1 { "domain" } else { "domains" };
    format!("{count} {noun} ready in {}", format_duration(ready))
}
