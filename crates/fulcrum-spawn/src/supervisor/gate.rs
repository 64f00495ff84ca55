//! Dependencies that a start waits for.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::watch;

use super::blocker::Blocker;
use super::condition::Condition;
use super::snapshot::Snapshot;
use crate::lifecycle::{Goal, Phase, Timing};

/// What the dependencies of the next generation have come to.
pub(super) enum GateChange {
    Open,
    /// A job that it needs has failed; the text names it.
    JobFailed(String),
    /// That job is tried again.
    JobRecovered,
}

/// The state of a domain that may wait, and of all that it depends on.
#[derive(Debug, Clone)]
pub(super) struct WaitView {
    pub(super) snapshots: watch::Receiver<Snapshot>,
    pub(super) params: watch::Receiver<DriverParams>,
}

/// Parameters that hold until the next update.
#[derive(Debug, Clone)]
pub(super) struct DriverParams {
    /// The dependencies that a start waits for.
    pub(super) gate: DependencyGate,
    /// The time from the stop signal to SIGKILL.
    pub(super) grace: Duration,
}

impl DriverParams {
    /// Without dependencies.
    pub(super) fn new(timing: Timing) -> Self {
        Self {
            gate: DependencyGate::default(),
            grace: timing.stop_grace,
        }
    }
}

#[derive(Debug, Clone)]
struct Dependency {
    name: String,
    condition: Condition,
    view: WaitView,
}

/// The dependencies of one domain.
#[derive(Debug, Clone, Default)]
pub(super) struct DependencyGate {
    dependencies: Vec<Dependency>,
}

impl DependencyGate {
    pub(super) fn add(&mut self, name: &str, condition: Condition, view: WaitView) {
        self.dependencies.push(Dependency {
            name: name.to_owned(),
            condition,
            view,
        });
    }

    /// The names of the dependencies.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.dependencies.iter().map(|one| one.name.as_str())
    }

    fn missing(&self) -> impl Iterator<Item = (&Dependency, Snapshot)> {
        self.dependencies.iter().filter_map(|one| {
            let now = one.view.snapshots.borrow().clone();
            (!one.condition.holds(&now)).then_some((one, now))
        })
    }

    /// The roots of all dependencies that are not in their required state, by name.
    pub(super) fn blockers(&self) -> Vec<Blocker> {
        let mut found = Vec::new();
        self.collect_blockers(&mut BTreeSet::new(), &mut found);
        found.sort_by(|a: &Blocker, b| a.domain.cmp(&b.domain));
        found
    }

    /// Adds the roots of the missing dependencies. `seen` are the names that were looked at, since
    /// two domains may have the same dependency.
    fn collect_blockers(&self, seen: &mut BTreeSet<String>, found: &mut Vec<Blocker>) {
        for (dependency, now) in self.missing() {
            if !seen.insert(dependency.name.clone()) {
                continue;
            }
            let before = found.len();
            if now.phase == Phase::Waiting || now.blocked {
                let gate = dependency.view.params.borrow().gate.clone();
                gate.collect_blockers(seen, found);
                // With nothing to wait for, it is about to be started, or its roots are known.
                if found.len() > before || gate.missing().next().is_some() {
                    continue;
                }
            }
            found.push(match dependency.view.snapshots.has_changed() {
                Ok(_) => Blocker::new(&dependency.name, dependency.condition, &now),
                Err(_) => Blocker::removed(&dependency.name),
            });
        }
    }

    /// Adds the names of the missing dependencies, direct or not, that nobody has requested to run.
    pub(super) fn collect_stopped(&self, seen: &mut BTreeSet<String>, found: &mut Vec<String>) {
        for (dependency, now) in self.missing() {
            if !seen.insert(dependency.name.clone()) {
                continue;
            }
            let is_stopped = matches!(now.phase, Phase::Stopped | Phase::Stopping);
            if is_stopped && now.goal == Goal::Down {
                found.push(dependency.name.clone());
            }
            let gate = dependency.view.params.borrow().gate.clone();
            gate.collect_stopped(seen, found);
        }
    }

    /// Calls `visit` for every dependency, direct or not, once.
    pub(super) fn visit(&self, seen: &mut BTreeSet<String>, visit: &mut dyn FnMut(&WaitView)) {
        for dependency in &self.dependencies {
            if seen.insert(dependency.name.clone()) {
                visit(&dependency.view);
                let gate = dependency.view.params.borrow().gate.clone();
                gate.visit(seen, visit);
            }
        }
    }

    /// Waits until every dependency is in its required state at the same moment. Cancel safe.
    pub(super) async fn wait_until_open(mut self) {
        'all: loop {
            for dependency in &mut self.dependencies {
                let snapshots = &mut dependency.view.snapshots;
                if !dependency.condition.holds(&snapshots.borrow_and_update()) {
                    // The driver of the dependency has ended: its state can no longer change.
                    if snapshots.changed().await.is_err() {
                        return std::future::pending().await;
                    }
                    continue 'all;
                }
            }
            return;
        }
    }
}
