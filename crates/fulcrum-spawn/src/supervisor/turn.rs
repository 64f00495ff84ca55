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
    own: Place,
    dependents: Vec<Place>,
    dependencies: Vec<Place>,
}

/// A domain of a change, as others see it: it keeps its place after its [`Turn`] was used.
#[derive(Debug, Clone)]
pub struct Place {
    /// Closed while planned: its request was dropped or superseded.
    progress: watch::Receiver<Progress>,
    snapshots: watch::Receiver<Snapshot>,
    /// Its generation before the change.
    generation: u64,
}

/// What the next start of a domain waits for, besides its dependencies.
#[derive(Debug, Clone, Default)]
pub(super) struct StartBarrier(Vec<Place>);

impl Turn {
    /// Its own place, for a later change that must follow.
    #[must_use]
    pub fn place(&self) -> Place {
        self.own.clone()
    }

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
    /// Adds what another change makes the start wait for.
    pub(super) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Completes when each dependency of the same change has its next generation, or gets none.
    pub(super) async fn wait_until_open(self) {
        for other in self.0 {
            other.replaced().await;
        }
    }
}

impl Place {
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
        self.turns_after(names, &BTreeMap::new())
    }

    /// As [`Supervisor::turns`], for a change that begins while these others are in progress: they
    /// stop before what they depend on, and if they have not started again yet, they start after it.
    #[must_use]
    pub fn turns_after(
        &self,
        names: &[String],
        others: &BTreeMap<String, Place>,
    ) -> BTreeMap<String, Turn> {
        let domains = self.current();
        let mut places = others.clone();
        let mut turns = BTreeMap::new();
        for name in names {
            if let Some(handle) = domains.handles.get(name) {
                let progress = watch::Sender::new(Progress::Planned);
                let place = Place {
                    progress: progress.subscribe(),
                    snapshots: handle.subscribe(),
                    generation: handle.snapshots.borrow().generation,
                };
                places.insert(name.clone(), place.clone());
                turns.insert(name.clone(), (progress, place));
            }
        }
        let dependencies: BTreeMap<&str, BTreeSet<String>> = places
            .keys()
            .map(|name| (name.as_str(), domains.dependencies_of(name)))
            .collect();
        let selected = |is_selected: &dyn Fn(&str) -> bool| {
            let selected = places.iter().filter(|(name, _)| is_selected(name));
            selected.map(|(_, place)| place.clone()).collect()
        };
        for (name, needed) in &dependencies {
            let is_other = others.contains_key(*name) && !turns.contains_key(*name);
            if let (true, Some(handle)) = (is_other, domains.handles.get(*name)) {
                let added = turns.iter().filter(|(name, _)| needed.contains(*name));
                let added: Vec<Place> = added.map(|(_, (_, place))| place.clone()).collect();
                if !added.is_empty() {
                    handle.hold_start(StartBarrier(added));
                }
            }
        }
        let turns = turns.into_iter().map(|(name, (progress, own))| {
            let turn = Turn {
                progress,
                own,
                dependents: selected(&|other| dependencies[other].contains(&name)),
                dependencies: selected(&|other| dependencies[name.as_str()].contains(other)),
            };
            (name, turn)
        });
        turns.collect()
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
