//! Compares what runs with a loaded configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fulcrum_config::{App, Domain, ReloadPlan, RunningState};
use fulcrum_spawn::lifecycle::Goal;
use fulcrum_spawn::supervisor::Supervisor;

use crate::state::desired::DesiredState;
use crate::state::domain::DomainStates;

/// The plan that leads from what runs to `target`, of which the domains in `selected` are to run.
/// `desired` is the configuration in force.
pub(crate) fn compare(
    supervisor: &Supervisor,
    states: &DomainStates,
    desired: &DesiredState,
    target: &App,
    selected: &[String],
) -> ReloadPlan {
    let running: Vec<(String, Arc<Domain>)> = states
        .all()
        .iter()
        .filter_map(|(name, state)| Some((name.clone(), state.running()?.config)))
        .collect();
    let processes: BTreeMap<&str, &Domain> = running
        .iter()
        .map(|(name, config)| (name.as_str(), config.as_ref()))
        .collect();
    let is_stopped = |name: &&str| match supervisor.domain(name) {
        Some(handle) => handle.snapshot().goal == Goal::Down,
        None => !selected.iter().any(|selected| selected == name),
    };
    let names = target.domains.iter().map(|domain| domain.name.as_str());
    let stopped: BTreeSet<&str> = names.filter(is_stopped).collect();
    // A domain that could not be supervised when it was added counts as new once more.
    let mut app = desired.app.clone();
    app.domains
        .retain(|domain| !domain.has_process() || supervisor.domain(&domain.name).is_some());
    let running = RunningState {
        app: &app,
        processes,
        stopped,
    };
    ReloadPlan::new(&running, target)
}
