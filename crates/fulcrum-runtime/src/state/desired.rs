//! What is to run, as a whole: replaced at once when the configuration changes.

use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::Arc;

use fulcrum_config::{App, Domain};
use tokio::sync::watch;

use crate::selection::{UnknownDomain, select, with_dependencies};

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

/// Which domains were asked for when the instance was started.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// These, and what they depend on; empty means all.
    pub only: Vec<String>,
    /// Nothing that they depend on.
    pub no_deps: bool,
}

impl Selection {
    /// The domains of an app that are to be started.
    ///
    /// # Errors
    /// A name that fits none.
    pub fn resolve(&self, app: &App) -> Result<Vec<String>, UnknownDomain> {
        let names = select(app, &self.only)?;
        if self.no_deps {
            let startable =
                |name: &String| app.domain(name).is_some_and(|domain| domain.has_process());
            return Ok(names.into_iter().filter(startable).collect());
        }
        Ok(with_dependencies(app, &names))
    }

    /// The same, of an app that has changed since: names that fit nothing any more are none.
    pub(crate) fn resolve_after_reload(&self, app: &App) -> Vec<String> {
        let fits = |name: &&String| select(app, std::slice::from_ref(*name)).is_ok();
        let only: Vec<String> = self.only.iter().filter(fits).cloned().collect();
        if only.is_empty() && !self.only.is_empty() {
            return Vec::new();
        }
        let choice = Self {
            only,
            no_deps: self.no_deps,
        };
        choice.resolve(app).unwrap_or_default()
    }
}

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
