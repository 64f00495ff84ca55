//! Which domains set off their own reloads.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant as StdInstant, UNIX_EPOCH};

use fulcrum_spawn::lifecycle::Phase;
use fulcrum_spawn::supervisor::{Snapshot, Supervisor};
use fulcrum_watch::{Change, LoopDecision, LoopGuard, LoopLimits};
use tokio::time::Instant;

use crate::context::now as wall_clock;

/// The clock of a file's times stands still for so long: what a process writes at once may seem to
/// have been written before it was there.
const CLOCK_GRANULARITY: Duration = Duration::from_millis(10);

/// Each start is said to be over, so the time matters only for one that never comes to an end.
const LIMITS: LoopLimits = LoopLimits {
    self_write_window: Duration::from_secs(60),
    hold_time: Duration::from_secs(1),
    threshold: 4,
};

/// The guard against loops, with what it needs to know of the domains' lives.
pub(crate) struct ReloadLoopDetector {
    guard: LoopGuard<String, PathBuf>,
    /// The latest life of each domain that the guard knows of.
    lives: BTreeMap<String, u64>,
}

impl ReloadLoopDetector {
    pub(crate) fn new() -> Self {
        Self {
            guard: LoopGuard::new(LIMITS),
            lives: BTreeMap::new(),
        }
    }

    /// Learns which lives have begun, and which are as far as they come by themselves; before
    /// changes are judged.
    pub(crate) fn update(&mut self, supervisor: &Supervisor) {
        for handle in supervisor.domains() {
            self.learn_of(handle.name(), &handle.snapshot());
        }
    }

    fn learn_of(&mut self, name: &str, life: &Snapshot) {
        let name = name.to_owned();
        let known = self.lives.entry(name.clone()).or_default();
        let spawned = life
            .spawned_at
            .and_then(|at| at.checked_sub(CLOCK_GRANULARITY));
        if let Some(at) = spawned.filter(|_| life.generation > *known) {
            // One in which nothing has changed was no link of a chain.
            for _ in 0..(life.generation - *known).min(2) {
                self.guard.started(&name, at.into_std());
            }
            *known = life.generation;
        }
        let ready = life.spawned_at.zip(life.ready_after);
        let settled = match life.phase {
            Phase::Running if life.ready => ready.map(|(spawned, after)| spawned + after),
            Phase::Running
            | Phase::Starting
            | Phase::Waiting
            | Phase::Preparing
            | Phase::Stopping => return,
            Phase::Backoff | Phase::Stopped | Phase::Failed | Phase::Stuck => None,
        };
        let at = settled.unwrap_or_else(Instant::now);
        self.guard.settled(&name, at.into_std());
    }

    /// What to do about a change of a domain's code.
    pub(crate) fn changed(&mut self, name: &str, change: &Change, now: Instant) -> LoopDecision {
        let written = modified_at(&change.path, now).unwrap_or(now).into_std();
        self.guard.changed(&name.to_owned(), &change.path, written)
    }

    /// What was held back and is to be acted on after all.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<(String, BTreeSet<PathBuf>)> {
        self.guard.due(now.into_std())
    }

    /// When there will be something due.
    pub(crate) fn deadline(&self) -> Option<StdInstant> {
        self.guard.deadline()
    }

    /// The domains that are known.
    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.lives.keys()
    }

    pub(crate) fn forget(&mut self, name: &String) {
        self.lives.remove(name);
        self.guard.remove(name);
    }
}

/// When a file was written, by its own account: it may be heard of a while later. `None` if it isn't
/// there.
pub(crate) fn modified_at(path: &Path, now: Instant) -> Option<Instant> {
    let status = fs::metadata(path).ok()?;
    let (whole, part) = (status.ctime(), status.ctime_nsec());
    let at = Duration::new(whole.try_into().ok()?, part.try_into().ok()?);
    // A clock that was set back makes it new.
    let age = wall_clock().duration_since(UNIX_EPOCH + at);
    now.checked_sub(age.unwrap_or_default())
}
