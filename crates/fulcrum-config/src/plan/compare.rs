//! Compares the running configuration with the wanted one.

use std::collections::BTreeSet;

use super::change::{Action, Difference, DomainChange, ReloadPlan, RunningState};
use super::diff::diff;
use super::settings::{self, ComparableSettings};
use crate::app::{App, Domain};

impl ReloadPlan {
    /// Compares the actual state with the target configuration.
    pub fn new(running: &RunningState<'_>, target: &App) -> Self {
        let (app, requires_restart) = settings::diff_app(running.app, target);
        let names: BTreeSet<&str> = [running.app, target]
            .into_iter()
            .flat_map(|app| &app.domains)
            .filter(|domain| domain.has_process())
            .map(|domain| domain.name.as_str())
            .collect();
        let entry = |name: &str| DomainChange {
            domain: name.to_owned(),
            action: action(running, target, name),
        };
        Self {
            domains: names.into_iter().map(entry).collect(),
            app,
            requires_restart,
        }
    }
}

fn action(running: &RunningState<'_>, target: &App, name: &str) -> Action {
    let is_stopped = running.stopped.contains(name);
    let with_process = |app: &'_ App| app.domain(name).cloned().filter(Domain::has_process);
    let (old, new) = match (with_process(running.app), with_process(target)) {
        (Some(old), Some(new)) => (old, new),
        (Some(_), None) => return Action::Stop,
        (None, Some(_)) if is_stopped => return Action::UpdateInPlace(Vec::new()),
        (None, Some(_)) => return Action::Start,
        (None, None) => return Action::Unchanged,
    };
    let started = running.processes.get(name).copied().unwrap_or(&old);
    let peer_ports = changed_peer_ports(started, running.app, &new, target);
    let (started, old, new) = (
        ComparableSettings::from_domain(started, running.app),
        ComparableSettings::from_domain(&old, running.app),
        ComparableSettings::from_domain(&new, target),
    );
    let mut differences = diff(started.process, new.process);
    differences.extend(peer_ports);
    let same_process = differences.is_empty();
    differences.extend(diff(old.supervision, new.supervision));
    match (differences.is_empty(), same_process || is_stopped) {
        (true, _) => Action::Unchanged,
        (false, true) => Action::UpdateInPlace(differences),
        (false, false) => Action::Restart(differences),
    }
}

/// The changed ports of its dependencies: the running process has the old ones in its environment. A
/// dependency that is new or gone is not among them, since its own change says what follows.
fn changed_peer_ports(
    started: &Domain,
    running: &App,
    new: &Domain,
    target: &App,
) -> Vec<Difference> {
    let port = |app: &App, name: &str| {
        let port = app.domain(name).and_then(|domain| domain.process.port);
        Some(settings::port_setting(port)).filter(|port| !port.is_null())
    };
    let before = &started.process.depends_on;
    let names = new.process.depends_on.keys();
    let kept = names.filter(|name| before.contains_key(*name));
    kept.filter_map(|name| {
        let (old, new) = (port(running, name), port(target, name));
        (old != new).then(|| Difference {
            key: format!("depends_on.{name}.port"),
            old,
            new,
        })
    })
    .collect()
}
