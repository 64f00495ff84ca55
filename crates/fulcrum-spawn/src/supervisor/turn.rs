//! The order of stops and starts in a change that concerns several domains.
//!
//! A domain is stopped when those that depend on it are gone, and starts when those that it depends
//! on have been replaced. The order lives in the requests: each has a [`Turn`], and its driver waits
//! for it. So a later request to the same domain supersedes it like any other.

use std::collections::{BTreeMap, BTreeSet};

use tokio::sync::watch;

use super::domain_set::{DomainSet, Supervisor};
use super::snapshot::Snapshot;
use crate::lifecycle::{Goal, Phase};

/// How far the request to one domain of a change has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Planned,
    Executed,
}

/// A domain's place in a change of several domains. Dropping it releases those that wait for it.
#[derive(Debug)]
pub struct Turn {
    progress: watch::Sender<Progress>,
    dependents: Vec<Other>,
    dependencies: Vec<Other>,
}

/// Another domain of the same change.
#[derive(Debug, Clone)]
struct Other {
    /// Closed while planned: its request was dropped or superseded.
    progress: watch::Receiver<Progress>,
    snapshots: watch::Receiver<Snapshot>,
    /// Its generation before the change.
    generation: u64,
}

/// What the next start of a domain waits for, besides its dependencies.
#[derive(Debug, Clone, Default)]
pub(super) struct StartBarrier(Vec<Other>);

impl Turn {
    /// Completes when no dependent of the same change has a process any more.
    pub(super) fn has_come(&self) -> impl Future<Output = ()> + Send + 'static {
        let dependents = self.dependents.clone();
        async move {
            for other in dependents {
                other.gone().await;
            }
        }
    }

    /// Records that the request is executed now.
    pub(super) fn execute(self) -> StartBarrier {
        self.progress.send_replace(Progress::Executed);
        StartBarrier(self.dependencies)
    }
}

impl StartBarrier {
    /// Completes when each dependency of the same change has its next generation, or gets none.
    pub(super) async fn wait_until_open(self) {
        for other in self.0 {
            other.replaced().await;
        }
    }
}

impl Other {
    async fn gone(mut self) {
        let old = self.generation;
        if self.is_executed().await {
            // Its driver may have ended.
            let _ = self
                .snapshots
                .wait_for(|now| {
                    now.generation != old || !now.phase.has_process() || now.phase == Phase::Stuck
                })
                .await;
        }
    }

    async fn replaced(mut self) {
        let old = self.generation;
        if self.is_executed().await {
            let _ = self
                .snapshots
                .wait_for(|now| now.generation != old || now.goal == Goal::Down)
                .await;
        }
    }

    /// False if its request will never be executed.
    async fn is_executed(&mut self) -> bool {
        let executed = |progress: &Progress| *progress == Progress::Executed;
        self.progress.wait_for(executed).await.is_ok()
    }
}

impl Supervisor {
    /// The turns of a change of these domains, by name. Unknown names have none.
    #[must_use]
    pub fn turns(&self, names: &[String]) -> BTreeMap<String, Turn> {
        let domains = self.current();
        let named: BTreeSet<&str> = names
            .iter()
            .map(String::as_str)
            .filter(|name| domains.handles.contains_key(*name))
            .collect();
        let progress: BTreeMap<&str, watch::Sender<Progress>> = named
            .iter()
            .map(|name| (*name, watch::Sender::new(Progress::Planned)))
            .collect();
        let other = |name: &str| {
            let snapshots = domains.handles[name].subscribe();
            let generation = snapshots.borrow().generation;
            Other {
                progress: progress[name].subscribe(),
                snapshots,
                generation,
            }
        };
        let dependencies: BTreeMap<&str, BTreeSet<String>> = named
            .iter()
            .map(|name| (*name, domains.dependencies_of(name)))
            .collect();
        let turn = |name: &&str| {
            let dependents = named
                .iter()
                .filter(|other| dependencies[**other].contains(*name));
            let needed = named
                .iter()
                .filter(|other| dependencies[*name].contains(**other));
            let turn = Turn {
                progress: progress[name].clone(),
                dependents: dependents.map(|name| other(name)).collect(),
                dependencies: needed.map(|name| other(name)).collect(),
            };
            ((*name).to_owned(), turn)
        };
        named.iter().map(turn).collect()
    }
}

impl DomainSet {
    /// The names of all domains that one depends on, directly or not.
    fn dependencies_of(&self, name: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut next = vec![name.to_owned()];
        while let Some(name) = next.pop() {
            let Some(handle) = self.handles.get(&name) else {
                continue;
            };
            for dependency in handle.params.borrow().gate.names() {
                if found.insert(dependency.to_owned()) {
                    next.push(dependency.to_owned());
                }
            }
        }
        found
    }
}
