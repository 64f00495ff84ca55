//! A read-only view of the domain set.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::watch;

use super::handle::DomainHandle;
use crate::lifecycle::Command;

/// The domains at one moment.
#[derive(Debug, Clone, Default)]
pub(super) struct DomainSet {
    pub(super) handles: BTreeMap<String, DomainHandle>,
    /// Start order: a wave depends only on earlier ones.
    pub(super) waves: Vec<Vec<String>>,
}

/// A view of all domains, as the [`DomainManager`](super::manager::DomainManager) has them now.
/// Clones share the view.
#[derive(Debug, Clone)]
pub struct Supervisor {
    pub(super) view: watch::Receiver<Arc<DomainSet>>,
}

impl Supervisor {
    pub(super) fn current(&self) -> Arc<DomainSet> {
        Arc::clone(&self.view.borrow())
    }

    /// One domain.
    #[must_use]
    pub fn domain(&self, name: &str) -> Option<DomainHandle> {
        self.view.borrow().handles.get(name).cloned()
    }

    /// Every domain, by name.
    #[must_use]
    pub fn domains(&self) -> Vec<DomainHandle> {
        self.view.borrow().handles.values().cloned().collect()
    }

    /// Starts domains concurrently: each waits for its own dependencies.
    pub async fn start<'a>(&self, names: impl IntoIterator<Item = &'a str>) {
        let domains = self.current();
        let wave_of = |name: &str| {
            let is_in = |wave: &Vec<String>| wave.iter().any(|other| other == name);
            domains.waves.iter().position(is_in).unwrap_or(usize::MAX)
        };
        let mut waves: BTreeMap<usize, Vec<&DomainHandle>> = BTreeMap::new();
        for name in names {
            if let Some(handle) = domains.handles.get(name) {
                waves.entry(wave_of(name)).or_default().push(handle);
            }
        }
        // Dependencies first, so that a domain that waits finds them on their way.
        for wave in waves.values() {
            let requests: Vec<_> = wave
                .iter()
                .map(|handle| handle.request_in_turn(Command::Start, None))
                .collect();
            for request in requests {
                let _ = request.await;
            }
        }
    }

    /// The dependencies of these domains, direct or not, that are needed and stopped, and that
    /// nobody has requested to run; by name, without the domains themselves.
    #[must_use]
    pub fn stopped_dependencies(&self, names: &[String]) -> Vec<String> {
        let domains = self.current();
        let mut seen: BTreeSet<String> = names.iter().cloned().collect();
        let mut found = Vec::new();
        for handle in names.iter().filter_map(|name| domains.handles.get(name)) {
            let gate = handle.params.borrow().gate.clone();
            gate.collect_stopped(&mut seen, &mut found);
        }
        found.sort();
        found
    }
}
