//! Waiting until domains are as somebody wants them.

use std::time::Duration;

use fulcrum_rpc::control::outcome::Kind;
use fulcrum_rpc::control::wait_request::Condition;
use fulcrum_spawn::lifecycle::{Goal, Phase};
use fulcrum_spawn::supervisor::{DomainHandle, Snapshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::context::RuntimeContext;
use crate::transitions::format_duration;

/// How one domain stands towards a condition.
enum ConditionStatus {
    Met,
    Pending,
    /// It will never hold without somebody's doing something.
    Impossible(String),
}

fn standing(condition: Condition, now: &Snapshot) -> ConditionStatus {
    let holds = match condition {
        Condition::Running => now.phase == Phase::Running,
        Condition::Stopped => matches!(now.phase, Phase::Stopped | Phase::Failed),
        Condition::Ready | Condition::Unspecified => now.phase == Phase::Running && now.ready,
    };
    match now.phase {
        _ if holds => ConditionStatus::Met,
        Phase::Failed | Phase::Stuck => ConditionStatus::Impossible(now.reason.clone()),
        Phase::Stopped if now.generation > 0 && now.goal == Goal::Up => {
            ConditionStatus::Impossible(format!("it ended: {}", now.reason))
        }
        Phase::Stopped
        | Phase::Waiting
        | Phase::Preparing
        | Phase::Starting
        | Phase::Running
        | Phase::Stopping
        | Phase::Backoff => ConditionStatus::Pending,
    }
}

/// How long the others are given once one has failed.
const GROUPING_WINDOW: Duration = Duration::from_millis(500);

/// Waits until the condition holds for all, or can't come to hold for one. The answer names every
/// domain that has failed by then or does so a moment later.
pub(crate) async fn wait_all(
    house: &RuntimeContext,
    names: &[String],
    condition: Condition,
) -> (Kind, String) {
    let mut waits = JoinSet::new();
    for handle in names
        .iter()
        .filter_map(|name| house.supervisor.domain(name))
    {
        let handle = handle.clone();
        waits.spawn(async move {
            let outcome = one(&handle, condition).await;
            (handle.name().to_owned(), outcome)
        });
    }
    let mut failed = Vec::new();
    let mut patience = None;
    loop {
        let joined = match patience {
            None => waits.join_next().await,
            // Who waits for a failed domain waits for ever; but what fails for like reasons fails
            // at about the same time, and should be told together.
            Some(until) => timeout_at(until, waits.join_next()).await.unwrap_or(None),
        };
        let Some(joined) = joined else { break };
        if let Ok((name, Some(why))) = joined {
            let named = why.starts_with(&format!("{name}: "));
            failed.push(if named { why } else { format!("{name}: {why}") });
            patience.get_or_insert(Instant::now() + GROUPING_WINDOW);
        }
    }
    failed.sort();
    if failed.is_empty() {
        (Kind::Done, done(house, names, condition))
    } else {
        (Kind::DomainFailed, failed.join("\n"))
    }
}

/// What of these domains isn't as wanted yet, in words.
pub(crate) fn describe_pending(
    house: &RuntimeContext,
    names: &[String],
    condition: Condition,
) -> String {
    let missing = names.iter().filter_map(|name| {
        let now = house.supervisor.domain(name)?.snapshot();
        let holds = matches!(standing(condition, &now), ConditionStatus::Met);
        (!holds).then(|| format!("{name} is {} ({})", now.phase, now.reason))
    });
    missing.collect::<Vec<_>>().join("; ")
}

async fn one(handle: &DomainHandle, condition: Condition) -> Option<String> {
    let mut changes = handle.subscribe();
    loop {
        changes.borrow_and_update();
        match standing(condition, &handle.snapshot()) {
            ConditionStatus::Met => return None,
            ConditionStatus::Impossible(why) => return Some(why),
            ConditionStatus::Pending => {}
        }
        if changes.changed().await.is_err() {
            return Some("it is no longer supervised".to_owned());
        }
    }
}

fn done(house: &RuntimeContext, names: &[String], condition: Condition) -> String {
    let what = match condition {
        Condition::Running => "running",
        Condition::Stopped => "stopped",
        Condition::Ready | Condition::Unspecified => "ready",
    };
    let first = |name: &String| {
        let handle = house.supervisor.domain(name);
        handle.is_some_and(|handle| handle.snapshot().generation == 1)
    };
    // How long the start took; a later life's readiness has nothing to do with it.
    if what == "ready" && names == house.agenda().selected.as_slice() && names.iter().all(first) {
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
