//! The turns of a change: who waits for whom.

use std::collections::{BTreeMap, BTreeSet};

use tokio::sync::watch;

use super::domain_set::{DomainSet, Supervisor};
use super::turn::{Place, Progress, StartBarrier, Turn};

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
