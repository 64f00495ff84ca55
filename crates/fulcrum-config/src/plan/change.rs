//! The parts of a reload plan.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::app::{App, Domain};

/// One setting that isn't as it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The setting as it is written: `env.FOO`, `stop.grace`, `runtime.grpc.listen`.
    pub key: String,
    /// What it was; none where it wasn't set. Not masked: that is for whoever shows it.
    pub old: Option<Value>,
    /// What it is to be; none where it isn't set any more.
    pub new: Option<Value>,
}

/// What is to happen to one domain.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Nothing.
    Unchanged,
    /// Its new settings are taken over; its process, if it has one, lives on.
    UpdateInPlace(Vec<Difference>),
    /// It needs a new process. Differences that would only be adopted are among these.
    Restart(Vec<Difference>),
    /// It is new.
    Start,
    /// It is gone, or goes by another name.
    Stop,
}

/// One domain's part of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct DomainChange {
    /// Whose.
    pub domain: String,
    /// What is to happen to it.
    pub action: Action,
}

/// All that is to happen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReloadPlan {
    /// An entry for each domain that has or had a process, by name.
    pub domains: Vec<DomainChange>,
    /// Settings of the app as a whole that are adopted.
    pub app: Vec<Difference>,
    /// Settings of the app that only another instance would heed; the running one keeps its own.
    pub requires_restart: Vec<Difference>,
}

/// What runs now.
#[derive(Clone, Debug)]
pub struct RunningState<'a> {
    /// The configuration that the instance follows.
    pub app: &'a App,
    /// What the present lives were started with, where that may differ from `app`: settings of a
    /// life are read again at each start.
    pub processes: BTreeMap<&'a str, &'a Domain>,
    /// Domains without a process that aren't to have one now: a new one that isn't selected, one
    /// that was stopped. They are told as adopted, since nothing is started or restarted.
    pub stopped: BTreeSet<&'a str>,
}

impl<'a> RunningState<'a> {
    /// An app whose domains all run with what it says.
    pub fn of(app: &'a App) -> Self {
        Self {
            app,
            processes: BTreeMap::new(),
            stopped: BTreeSet::new(),
        }
    }
}

impl ReloadPlan {
    /// Whether nothing is to happen, and nothing to be told.
    pub fn is_empty(&self) -> bool {
        let unchanged = |entry: &DomainChange| entry.action == Action::Unchanged;
        self.domains.iter().all(unchanged)
            && self.app.is_empty()
            && self.requires_restart.is_empty()
    }

    /// What is to happen to a domain; none for one without a process.
    pub fn action(&self, domain: &str) -> Option<&Action> {
        let entry = self.domains.iter().find(|entry| entry.domain == domain);
        entry.map(|entry| &entry.action)
    }
}
