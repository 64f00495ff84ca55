//! Detects domains that cause their own reloads.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant as StdInstant};

use fulcrum_spawn::lifecycle::Phase;
use fulcrum_spawn::prepare::{is_own_write, own_writes_file, report_file};
use fulcrum_spawn::supervisor::{Snapshot, Supervisor};
use fulcrum_watch::{Change, LoopDecision, LoopGuard, LoopLimits};
use tokio::time::Instant;

use crate::watch::file_time::{modified_at, system_time_of_change};

/// The resolution of file times: a file that a process writes at once may seem to be older than the
/// process.
const CLOCK_GRANULARITY: Duration = Duration::from_millis(10);

/// The guard is informed of the end of each start, so the window matters only for one that never
/// ends.
const LIMITS: LoopLimits = LoopLimits {
    self_write_window: Duration::from_secs(60),
    hold_time: Duration::from_secs(1),
    threshold: 4,
    own_writes: 3,
    late_writes: 4,
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
    ///
    /// `reports` is the directory in which domains report which files they write themselves.
    pub(crate) fn changed(
        &mut self,
        name: &str,
        change: &Change,
        reports: Option<&Path>,
        now: Instant,
    ) -> LoopDecision {
        if reports.is_some_and(|dir| is_by_itself(dir, name, &change.path)) {
            return self.guard.written_by_itself(&name.to_owned(), &change.path);
        }
        let written = modified_at(&change.path, now).unwrap_or(now).into_std();
        let (name, path) = (name.to_owned(), &change.path);
        // A program that reports its own writes has not made this one.
        match reports.is_some_and(|dir| report_file(dir, &name).exists()) {
            true => self.guard.changed(&name, path, written),
            false => self.guard.changed_by_unknown(&name, path, written),
        }
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

/// Whether a process of the domain has written the file. May block, for the time that reading a small
/// file takes.
fn is_by_itself(reports: &Path, name: &str, file: &Path) -> bool {
    let changed = system_time_of_change(file);
    changed.is_some_and(|changed| is_own_write(&own_writes_file(reports, name), file, changed))
}
