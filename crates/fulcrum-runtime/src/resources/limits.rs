//! What a domain may use: memory that is watched, and what the kernel itself can hold it to.

use std::collections::{BTreeMap, BTreeSet};

use fulcrum_config::{App, Domain};
use fulcrum_health::{LimitExceeded, MemoryLimitMonitor};
use fulcrum_logs::{Hub, Level};
use fulcrum_spawn::lifecycle::{Fact, Phase};
use fulcrum_spawn::process::{
    Controller, Process, ProcessTracker, set_cpu_limit, set_memory_limit,
};
use tokio::sync::mpsc;

use crate::context::{SharedContext, log, now};
use crate::resources::sampler::UsageSample;

/// Whether anything has to be watched.
pub(crate) fn has_limits(app: &App) -> bool {
    limited(app).any(|domain| domain.process.limits.memory.is_some())
}

fn limited(app: &App) -> impl Iterator<Item = &Domain> {
    app.domains.iter().filter(|domain| domain.has_process())
}

/// The kernel's limit for a soft one: above it, since a domain that is over its own limit is to be
/// replaced in order, and only one that outruns this is to be killed.
fn kernel_limit(soft: u64) -> u64 {
    soft.saturating_add(soft / 4)
}

/// What of the limits holds here less than one might think, in words.
pub(crate) fn unenforceable(app: &App, containment: &ProcessTracker) -> Vec<String> {
    let names = |set: fn(&Domain) -> bool| {
        let names: BTreeSet<&str> = limited(app)
            .filter(|domain| set(domain))
            .map(|domain| domain.name.as_str())
            .collect();
        let names: Vec<&str> = names.into_iter().collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    let memory = names(|domain| domain.process.limits.memory.is_some());
    let cpu = names(|domain| domain.process.limits.cpu.is_some());
    let mut told = Vec::new();
    if let (Some(names), Err(why)) = (memory, containment.can_limit(Controller::Memory)) {
        told.push(format!(
            "process.limits.memory ({names}) is looked after once a second, and the kernel does \
             not enforce it: {why}"
        ));
    }
    if let (Some(names), Err(why)) = (cpu, containment.can_limit(Controller::Cpu)) {
        told.push(format!(
            "process.limits.cpu ({names}) has no effect here: {why}"
        ));
    }
    told
}

/// Has the kernel hold a new life to its limits, as far as it can.
pub(crate) fn apply_kernel_limits(domain: &Domain, process: &Process, generation: u64, hub: &Hub) {
    let (limits, Some(folder)) = (&domain.process.limits, process.cgroup()) else {
        return;
    };
    let memory = limits
        .memory
        .map(|soft| set_memory_limit(folder, kernel_limit(soft)));
    let cpu = limits.cpu.map(|share| set_cpu_limit(folder, share));
    for (key, set) in [("memory", memory), ("cpu", cpu)] {
        if let Some(Err(error)) = set {
            // Said once at the start of the instance; a life's own trouble is a detail.
            let text = format!("process.limits.{key} is not enforced by the kernel: {error}");
            hub.publish_event(&domain.name, generation, Level::Debug, text, now());
        }
    }
}

/// Says at the start what won't hold.
pub(crate) fn log_unenforceable(app: &App, containment: &ProcessTracker, hub: &Hub) {
    for text in unenforceable(app, containment) {
        log(hub, Level::Warn, text);
    }
}

/// Ends lives that use more memory than they may, for as long as samples come.
pub(crate) async fn run(house: SharedContext, mut taken: mpsc::UnboundedReceiver<UsageSample>) {
    let mut watches: BTreeMap<String, (u64, MemoryLimitMonitor)> = BTreeMap::new();
    while let Some(one) = taken.recv().await {
        let configured = house.domain(&one.domain);
        let Some(limit) = configured.and_then(|domain| domain.process.limits.memory) else {
            watches.remove(&one.domain);
            continue;
        };
        let fresh = || (limit, MemoryLimitMonitor::new(limit));
        let (watched, watch) = watches.entry(one.domain.clone()).or_insert_with(fresh);
        if *watched != limit {
            (*watched, *watch) = fresh();
        }
        // One that hasn't started yet is under its start timeout.
        if running(&house, &one)
            && let Some(breach) = watch.sample(one.generation, one.sample.memory_bytes)
        {
            end(&house, &one, breach);
        }
    }
}

fn running(house: &SharedContext, one: &UsageSample) -> bool {
    house.supervisor.domain(&one.domain).is_some_and(|handle| {
        let now = handle.snapshot();
        now.phase == Phase::Running && now.generation == one.generation
    })
}

/// As for any other fault the restart policy is asked: one that breaches now and then is back at
/// once, one that does so at each start runs into its budget.
fn end(house: &SharedContext, one: &UsageSample, breach: LimitExceeded) {
    let processes = match one.sample.processes {
        1 => String::new(),
        count => format!(" in {count} processes"),
    };
    let why = format!("{breach}{processes}");
    if let Some(handle) = house.supervisor.domain(&one.domain) {
        handle.report(one.generation, Fact::Unhealthy(why));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_leaves_room_for_an_orderly_end() {
        assert_eq!(kernel_limit(100), 125);
        assert_eq!(kernel_limit(u64::MAX), u64::MAX);
    }
}
