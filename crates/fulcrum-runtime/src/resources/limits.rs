//! Memory and CPU limits: those that Fulcrum samples, and those that the kernel enforces.

use std::collections::{BTreeMap, BTreeSet};

use fulcrum_config::{App, Domain};
use fulcrum_health::MemoryLimitMonitor;
use fulcrum_logs::{Hub, Level, with_code};
use fulcrum_spawn::lifecycle::{Fact, Phase};
use fulcrum_spawn::process::{
    Controller, Process, ProcessTracker, set_cpu_limit, set_memory_limit,
};
use fulcrum_spawn::supervisor::Supervisor;
use tokio::sync::mpsc;

use crate::code::Code;
use crate::log_lines::log_for_domain;
use crate::resources::sampler::UsageSample;
use crate::state::desired::DesiredStateReceiver;

/// The largest number of samples that are judged together.
const MAX_PASS: usize = 1024;

fn limited(app: &App) -> impl Iterator<Item = &Domain> {
    app.domains.iter().filter(|domain| domain.has_process())
}

/// The memory limit that the kernel enforces for a configured one. It is higher, so that a domain
/// over its limit is stopped in order, and killed only if it allocates faster than it is sampled.
fn kernel_limit(limit: u64) -> u64 {
    limit.saturating_add(limit / 4)
}

/// Which configured limits the kernel does not enforce here, as text.
pub(crate) fn unenforceable(app: &App, tracker: &ProcessTracker) -> Vec<String> {
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
    let mut texts = Vec::new();
    if let (Some(names), Err(why)) = (memory, tracker.can_limit(Controller::Memory)) {
        texts.push(format!(
            "process.limits.memory ({names}) is enforced by sampling only, not by the kernel: {why}"
        ));
    }
    if let (Some(names), Err(why)) = (cpu, tracker.can_limit(Controller::Cpu)) {
        texts.push(format!(
            "process.limits.cpu ({names}) has no effect here: {why}"
        ));
    }
    texts
}

/// Applies the limits that the kernel can enforce to a process that was just spawned.
pub(crate) fn apply_kernel_limits(domain: &Domain, process: &Process, generation: u64, hub: &Hub) {
    let (limits, Some(cgroup)) = (&domain.process.limits, process.cgroup()) else {
        return;
    };
    let memory = limits
        .memory
        .map(|limit| set_memory_limit(cgroup, kernel_limit(limit)));
    let cpu = limits.cpu.map(|share| set_cpu_limit(cgroup, share));
    for (key, set) in [("memory", memory), ("cpu", cpu)] {
        if let Some(Err(error)) = set {
            // Logged once at the start of the instance; for a single process it is a detail.
            let text = format!("process.limits.{key} is not enforced by the kernel: {error}");
            log_for_domain(hub, &domain.name, generation, Level::Debug, text);
        }
    }
}

/// Logs at the start which limits the kernel does not enforce.
pub(crate) fn log_unenforceable(app: &App, tracker: &ProcessTracker, hub: &Hub) {
    for text in unenforceable(app, tracker) {
        hub.log(Level::Warn, with_code(&text, Code::LimitNotEnforced));
    }
}

/// Reports domains that use more memory than their limit.
pub(crate) struct MemoryLimitTask {
    pub(crate) desired: DesiredStateReceiver,
    pub(crate) supervisor: Supervisor,
}

impl MemoryLimitTask {
    /// Runs until there are no more samples.
    pub(crate) async fn run(self, mut samples: mpsc::UnboundedReceiver<UsageSample>) {
        let mut monitors: BTreeMap<String, (u64, MemoryLimitMonitor)> = BTreeMap::new();
        let mut pass = Vec::new();
        // The samples of one pass over the process table arrive together.
        while samples.recv_many(&mut pass, MAX_PASS).await > 0 {
            let mut unhealthy = BTreeMap::new();
            for usage in pass.drain(..) {
                if let Some(reason) = self.check(&mut monitors, &usage) {
                    unhealthy.insert(usage.domain, (usage.generation, reason));
                }
            }
            self.report_unhealthy(unhealthy);
        }
    }

    /// The reason for which a domain must be restarted, if there is one.
    fn check(
        &self,
        monitors: &mut BTreeMap<String, (u64, MemoryLimitMonitor)>,
        usage: &UsageSample,
    ) -> Option<String> {
        let config = self.desired.domain(&usage.domain);
        let Some(limit) = config.and_then(|domain| domain.process.limits.memory) else {
            monitors.remove(&usage.domain);
            return None;
        };
        let new = || (limit, MemoryLimitMonitor::new(limit));
        let (monitored, monitor) = monitors.entry(usage.domain.clone()).or_insert_with(new);
        if *monitored != limit {
            (*monitored, *monitor) = new();
        }
        // Before it runs, its start timeout applies.
        if !self.is_running(usage) {
            return None;
        }
        let exceeded = monitor.sample(usage.generation, usage.sample.memory_bytes)?;
        let processes = match usage.sample.processes {
            1 => String::new(),
            count => format!(" in {count} processes"),
        };
        Some(format!("{exceeded}{processes}"))
    }

    fn is_running(&self, usage: &UsageSample) -> bool {
        self.supervisor.domain(&usage.domain).is_some_and(|handle| {
            let snapshot = handle.snapshot();
            snapshot.phase == Phase::Running && snapshot.generation == usage.generation
        })
    }

    /// The restart policy decides as for any other failure: a domain that exceeds its limit now and
    /// then is restarted, one that exceeds it after each start runs out of its restart budget.
    fn report_unhealthy(&self, unhealthy: BTreeMap<String, (u64, String)>) {
        let names: Vec<String> = unhealthy.keys().cloned().collect();
        let mut turns = self.supervisor.turns(&names);
        for (name, (generation, reason)) in unhealthy {
            if let Some(handle) = self.supervisor.domain(&name) {
                handle.report_in_turn(generation, Fact::Unhealthy(reason), turns.remove(&name));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_limit_leaves_room_for_an_orderly_stop() {
        assert_eq!(kernel_limit(100), 125);
        assert_eq!(kernel_limit(u64::MAX), u64::MAX);
    }
}
