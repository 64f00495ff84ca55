//! What is to run, as a whole: replaced at once when the configuration changes.

use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::Arc;

use fulcrum_config::{App, Domain};
use tokio::sync::watch;

/// The configuration that the instance follows, and which of its domains it is to run.
#[derive(Debug)]
pub(crate) struct DesiredState {
    pub(crate) app: App,
    /// The domains that are to be started, dependencies included, by name.
    pub(crate) selected: Vec<String>,
    /// Domains of earlier configurations, which still have logs and a past.
    pub(crate) former: BTreeSet<String>,
}

/// Where it is read. The reload is the one who writes.
pub(crate) type DesiredStateReceiver = watch::Receiver<Arc<DesiredState>>;

/// One domain's configuration, with the agenda that it is in.
#[derive(Debug, Clone)]
pub(crate) struct DomainConfigRef {
    agenda: Arc<DesiredState>,
    at: usize,
}

impl DomainConfigRef {
    /// The domain of that name.
    pub(crate) fn find(agenda: &Arc<DesiredState>, name: &str) -> Option<Self> {
        // They are ordered by name.
        let domains = &agenda.app.domains;
        let at = domains.binary_search_by(|domain| domain.name.as_str().cmp(name));
        Some(Self {
            agenda: Arc::clone(agenda),
            at: at.ok()?,
        })
    }
}

impl Deref for DomainConfigRef {
    type Target = Domain;

    fn deref(&self) -> &Domain {
        &self.agenda.app.domains[self.at]
    }
}

/// The domain as it is configured now.
pub(crate) fn current_config(
    agendas: &DesiredStateReceiver,
    name: &str,
) -> Option<DomainConfigRef> {
    DomainConfigRef::find(&agendas.borrow(), name)
}
