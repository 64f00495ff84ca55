//! What runs, compared with what should.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fulcrum_config::{App, Domain, ReloadPlan, RunningState};
use fulcrum_spawn::lifecycle::Goal;

use crate::context::SharedContext;
use crate::state::desired::DesiredState;

/// Compares what runs with an app of which these are to be started.
pub(crate) fn compare(
    house: &SharedContext,
    agenda: &DesiredState,
    app: &App,
    selected: &[String],
) -> ReloadPlan {
    let lives: Vec<(String, Arc<Domain>)> = house
        .desks
        .all()
        .iter()
        .filter_map(|(name, desk)| Some((name.clone(), desk.running()?.config)))
        .collect();
    let rests = |name: &&str| match house.supervisor.domain(name) {
        Some(handle) => handle.snapshot().goal == Goal::Down,
        None => !selected.iter().any(|selected| selected == name),
    };
    let names = app.domains.iter().map(|domain| domain.name.as_str());
    let resting: BTreeSet<&str> = names.filter(rests).collect();
    let lives: BTreeMap<&str, &Domain> = lives
        .iter()
        .map(|(name, settings)| (name.as_str(), settings.as_ref()))
        .collect();
    // One that could not be taken in when it came is new once more.
    let mut known = agenda.app.clone();
    known
        .domains
        .retain(|domain| !domain.has_process() || house.supervisor.domain(&domain.name).is_some());
    let running = RunningState {
        app: &known,
        processes: lives,
        stopped: resting,
    };
    ReloadPlan::new(&running, app)
}
