//! A read-only view of the domain set.

use std::collections::BTreeMap;
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
        for name in names {
            if let Some(handle) = self.domain(name) {
                let _ = handle.request(Command::Start).await;
            }
        }
    }
}
