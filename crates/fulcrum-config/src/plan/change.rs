//! The parts of a reload plan.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::app::{App, Domain};

/// One changed setting.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The setting's path: `env.FOO`, `stop.grace`, `runtime.grpc.listen`.
    pub key: String,
    /// The previous value; none if it was not set. Secrets are not masked, see
    /// [`old_text`](Self::old_text).
    pub old: Option<Value>,
    /// The new value; none if it is no longer set. Secrets are not masked, see
    /// [`new_text`](Self::new_text).
    pub new: Option<Value>,
}

/// What a reload does to one domain.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Nothing.
    Unchanged,
    /// Its settings are updated; its process, if it has one, keeps running.
    UpdateInPlace(Vec<Difference>),
    /// It gets a new process. The list contains all differences, not only those that require it.
    Restart(Vec<Difference>),
    /// The domain is new, and is started.
    Start,
    /// The domain is no longer configured, and is stopped.
    Stop,
}

/// The part of a plan for one domain.
#[derive(Clone, Debug, PartialEq)]
pub struct DomainChange {
    /// The domain's name.
    pub domain: String,
    /// What the reload does to it.
    pub action: Action,
}

/// What a reload does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReloadPlan {
    /// One change for each domain that has or had a process, ordered by name.
    pub domains: Vec<DomainChange>,
    /// Settings of the app that are updated in place.
    pub app: Vec<Difference>,
    /// Settings of the app that only a restart of the instance applies.
    pub requires_restart: Vec<Difference>,
}

/// The actual state that a plan starts from.
#[derive(Clone, Debug)]
pub struct RunningState<'a> {
    /// The configuration in force.
    pub app: &'a App,
    /// The settings of running processes, which may differ from `app`: they are loaded again at each
    /// start.
    pub processes: BTreeMap<&'a str, &'a Domain>,
    /// Domains that are not to be started: those that are not selected or were stopped. Their changes
    /// are updates in place.
    pub stopped: BTreeSet<&'a str>,
}

impl<'a> RunningState<'a> {
    /// An app whose domains all run with its settings.
    pub fn new(app: &'a App) -> Self {
        Self {
            app,
            processes: BTreeMap::new(),
            stopped: BTreeSet::new(),
        }
    }
}

impl ReloadPlan {
    /// Whether there is no difference at all.
    pub fn is_empty(&self) -> bool {
        let unchanged = |entry: &DomainChange| entry.action == Action::Unchanged;
        self.domains.iter().all(unchanged)
            && self.app.is_empty()
            && self.requires_restart.is_empty()
    }

    /// What the reload does to a domain; none for a domain without a process.
    pub fn action(&self, domain: &str) -> Option<&Action> {
        let entry = self.domains.iter().find(|entry| entry.domain == domain);
        entry.map(|entry| &entry.action)
    }
}
