//! What a changed configuration means for what runs: pure, one [`Entry`] a domain.
//!
//! Two apps are compared as normalised settings, whatever the files look like. What a process is
//! given at its start can only be changed by another start; what the supervisor decides by is
//! adopted while the process lives:
//!
//! | a new process | adopted |
//! |---|---|
//! | the folder, `entry`, `command`, `node`, `node_args`, `args`, `cwd`, `port`, `install`, `user` | `depends_on`, `restart`, `start_timeout`, `stop` |
//! | `env`, and what the files under `env_file` set | which files those are |
//! | `limits`, which the kernel is told at a start | `ready`, `alive`, `heartbeat` |
//! | `runtime.logs.level`, which is in the environment | `watch`, `replicas`, `runtime.groups` |
//!
//! A heartbeat is agreed on at a registration: a changed one holds from the next on.
//!
//! What the instance as a whole was built on (its port, who may register, how it prints, whether it
//! watches) needs another instance, and is only told.

mod settings;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::app::{App, Domain};
use settings::ComparableSettings;

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
    /// Compares what runs with what should.
    pub fn new(running: &RunningState<'_>, wanted: &App) -> Self {
        let (app, requires_restart) = settings::diff_app(running.app, wanted);
        let names: BTreeSet<&str> = [running.app, wanted]
            .into_iter()
            .flat_map(|app| &app.domains)
            .filter(|domain| domain.has_process())
            .map(|domain| domain.name.as_str())
            .collect();
        let entry = |name: &str| DomainChange {
            domain: name.to_owned(),
            action: action(running, wanted, name),
        };
        Self {
            domains: names.into_iter().map(entry).collect(),
            app,
            requires_restart,
        }
    }

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

fn action(running: &RunningState<'_>, wanted: &App, name: &str) -> Action {
    let rests = running.stopped.contains(name);
    let with_process = |app: &'_ App| app.domain(name).cloned().filter(Domain::has_process);
    let (old, new) = match (with_process(running.app), with_process(wanted)) {
        (Some(old), Some(new)) => (old, new),
        (Some(_), None) => return Action::Stop,
        (None, Some(_)) if rests => return Action::UpdateInPlace(Vec::new()),
        (None, Some(_)) => return Action::Start,
        (None, None) => return Action::Unchanged,
    };
    let started = running.processes.get(name).copied().unwrap_or(&old);
    let (started, old, new) = (
        ComparableSettings::from_domain(started, running.app),
        ComparableSettings::from_domain(&old, running.app),
        ComparableSettings::from_domain(&new, wanted),
    );
    let mut differences = diff(started.process, new.process);
    let same_life = differences.is_empty();
    differences.extend(self::diff(old.supervision, new.supervision));
    match (differences.is_empty(), same_life || rests) {
        (true, _) => Action::Unchanged,
        (false, true) => Action::UpdateInPlace(differences),
        (false, false) => Action::Restart(differences),
    }
}

/// Settings by key.
type SettingMap = BTreeMap<String, Value>;

fn diff(mut old: SettingMap, new: SettingMap) -> Vec<Difference> {
    let mut found = Vec::new();
    for (key, new) in new {
        let old = old.remove(&key);
        if old.as_ref() != Some(&new) {
            found.push(Difference {
                key,
                old,
                new: Some(new),
            });
        }
    }
    found.extend(old.into_iter().map(|(key, old)| Difference {
        key,
        old: Some(old),
        new: None,
    }));
    found.sort_by(|one, other| one.key.cmp(&other.key));
    found
}
