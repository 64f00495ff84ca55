//! The configuration in force, replaced as a whole when it changes.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::sync::Arc;

use fulcrum_config::{App, Domain};
use tokio::sync::watch;

/// The configuration that the instance follows, and the domains that it runs.
#[derive(Debug)]
pub(crate) struct DesiredState {
    pub(crate) app: App,
    /// Names of the domains to start, dependencies included.
    pub(crate) selected: Vec<String>,
    /// Domains of earlier configurations. They still have logs and events.
    pub(crate) removed: BTreeSet<String>,
}

impl DesiredState {
    /// The memory limits in bytes, by domain.
    pub(crate) fn memory_limits(&self) -> BTreeMap<String, u64> {
        let domains = self.app.domains.iter();
        domains
            .filter(|domain| domain.has_process())
            .filter_map(|domain| Some((domain.name.clone(), domain.process.limits.memory?)))
            .collect()
    }
}

/// The only writer of the desired state; the reload task owns it.
pub(crate) type DesiredStateSender = watch::Sender<Arc<DesiredState>>;

/// Reads the desired state.
#[derive(Debug, Clone)]
pub(crate) struct DesiredStateReceiver(watch::Receiver<Arc<DesiredState>>);

/// A desired state with its writer and its first reader.
pub(crate) fn channel(initial: DesiredState) -> (DesiredStateSender, DesiredStateReceiver) {
    let (sender, receiver) = watch::channel(Arc::new(initial));
    (sender, DesiredStateReceiver(receiver))
}

impl DesiredStateReceiver {
    /// The desired state in force.
    pub(crate) fn current(&self) -> Arc<DesiredState> {
        Arc::clone(&self.0.borrow())
    }

    /// The configuration of a domain in the desired state in force.
    pub(crate) fn domain(&self, name: &str) -> Option<DomainConfigRef> {
        DomainConfigRef::find(&self.0.borrow(), name)
    }

    /// Waits for the next desired state. `None` once there is no writer.
    pub(crate) async fn changed(&mut self) -> Option<Arc<DesiredState>> {
        self.0.changed().await.ok()?;
        Some(Arc::clone(&self.0.borrow_and_update()))
    }
}

/// The configuration of one domain, which keeps the desired state that it belongs to.
#[derive(Debug, Clone)]
pub(crate) struct DomainConfigRef {
    desired: Arc<DesiredState>,
    index: usize,
}

impl DomainConfigRef {
    fn find(desired: &Arc<DesiredState>, name: &str) -> Option<Self> {
        // Domains are ordered by name.
        let domains = &desired.app.domains;
        let index = domains.binary_search_by(|domain| domain.name.as_str().cmp(name));
        Some(Self {
            desired: Arc::clone(desired),
            index: index.ok()?,
        })
    }
}

impl Deref for DomainConfigRef {
    type Target = Domain;

    fn deref(&self) -> &Domain {
        &self.desired.app.domains[self.index]
    }
}
