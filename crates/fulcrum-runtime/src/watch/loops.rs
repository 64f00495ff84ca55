//! Detects domains that cause their own reloads.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant as StdInstant};

use fulcrum_spawn::lifecycle::Phase;
use fulcrum_spawn::supervisor::{Snapshot, Supervisor};
use fulcrum_watch::{Change, LoopDecision, LoopGuard, LoopLimits};
use tokio::time::Instant;

use crate::watch::file_time::modified_at;

/// The resolution of file times: a file that a process writes at once may seem to be older than the
/// process.
const CLOCK_GRANULARITY: Duration = Duration::from_millis(10);

/// The guard is informed of the end of each start, so the window matters only for one that never
/// ends.
const LIMITS: LoopLimits = LoopLimits {
    self_write_window: Duration::from_secs(60),
    hold_time: Duration::from_secs(1),
    threshold: 4,
};

/// The guard against loops, and the generations that it knows of.
pub(crate) struct ReloadLoopDetector {
    guard: LoopGuard<String, PathBuf>,
    /// The latest generation of each domain that the guard knows of.
    generations: BTreeMap<String, u64>,
}

impl ReloadLoopDetector {
    pub(crate) fn new() -> Self {
        Self {
            guard: LoopGuard::new(LIMITS),
            generations: BTreeMap::new(),
        }
    }

    /// Reads which generations were started and which have finished their start. Must be called
    /// before changes are decided.
    pub(crate) fn update(&mut self, supervisor: &Supervisor) {
        for handle in supervisor.domains() {
            self.update_domain(handle.name(), &handle.snapshot());
        }
    }

    fn update_domain(&mut self, name: &str, snapshot: &Snapshot) {
        let name = name.to_owned();
        let known = self.generations.entry(name.clone()).or_default();
        let spawned = snapshot
            .spawned_at
            .and_then(|at| at.checked_sub(CLOCK_GRANULARITY));
        if let Some(at) = spawned.filter(|_| snapshot.generation > *known) {
            // A generation during which nothing has changed breaks a chain.
            for _ in 0..(snapshot.generation - *known).min(2) {
                self.guard.started(&name, at.into_std());
            }
            *known = snapshot.generation;
        }
        let ready = snapshot.spawned_at.zip(snapshot.ready_after);
        let finished = match snapshot.phase {
            Phase::Running if snapshot.ready => ready.map(|(spawned, after)| spawned + after),
            Phase::Running
            | Phase::Starting
            | Phase::Waiting
            | Phase::Preparing
            | Phase::Stopping => return,
            Phase::Backoff | Phase::Stopped | Phase::Completed | Phase::Failed | Phase::Stuck => {
                None
            }
        };
        let at = finished.unwrap_or_else(Instant::now);
        self.guard.settled(&name, at.into_std());
    }

    /// Whether to act on a change of a domain's code.
    pub(crate) fn changed(&mut self, name: &str, change: &Change, now: Instant) -> LoopDecision {
        let written = modified_at(&change.path, now).unwrap_or(now).into_std();
        self.guard.changed(&name.to_owned(), &change.path, written)
    }

    /// Deferred changes that are due now.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<(String, BTreeSet<PathBuf>)> {
        self.guard.due(now.into_std())
    }

    /// When the next deferred change is due.
    pub(crate) fn deadline(&self) -> Option<StdInstant> {
        self.guard.deadline()
    }

    /// The known domains.
    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.generations.keys()
    }

    /// Removes a domain.
    pub(crate) fn remove(&mut self, name: &String) {
        self.generations.remove(name);
        self.guard.remove(name);
    }
}
