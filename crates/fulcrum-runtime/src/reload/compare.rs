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
    let is_scheduled = |name: &str| {
        let domain = target.domain(name);
        domain.is_some_and(|domain| domain.process.schedule.is_some())
    };
    let is_stopped = |name: &&str| match supervisor.domain(name) {
        // Its next run has the new settings.
        Some(_) if is_scheduled(name) => true,
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

#[cfg(test)]
mod tests {
    use fulcrum_config::Action;
    use fulcrum_spawn::CommandSpec;
    use fulcrum_spawn::lifecycle::Command;

    use super::*;
    use crate::test_support::{Harness, app};

    const USERS: &str = "domains/users/fulcrum.yml";
    const ORDERS: &str = "domains/orders/fulcrum.yml";
    const SLEEP: &str = "process: {command: [sleep, '1']}";
    const CHANGED: &str = "process: {command: [sleep, '1'], env: {A: '1'}}";

    /// The fake processes have the settings of the desired state.
    fn set_processes(harness: &Harness) {
        for domain in &harness.desired.current().app.domains {
            let spec = CommandSpec {
                terminal: None,
                program: "/bin/sleep".into(),
                args: Vec::new(),
                cwd: "/".into(),
                env: BTreeMap::new(),
                runner: String::new(),
            };
            let state = harness.states.get(&domain.name).expect("it was added");
            let config = Arc::new(domain.clone());
            state.set_process(1, String::new(), &Arc::new(spec), &config, Some(1));
        }
    }

    fn action(plan: &ReloadPlan, name: &str) -> String {
        let mut changes = plan.domains.iter();
        let change = changes.find(|change| change.domain == name);
        match change.map(|change| &change.action) {
            None | Some(Action::Unchanged) => "unchanged",
            Some(Action::UpdateInPlace(_)) => "update",
            Some(Action::Restart(_)) => "restart",
            Some(Action::Start) => "start",
            Some(Action::Stop) => "stop",
        }
        .to_owned()
    }

    #[tokio::test(start_paused = true)]
    async fn a_plan_leads_from_what_runs_to_the_loaded_configuration() {
        let mut harness = Harness::new(&[(USERS, SLEEP), (ORDERS, SLEEP)], &[]);
        harness.start().await;
        harness.wait_for_event("users", "ready").await;
        harness.wait_for_event("orders", "ready").await;
        set_processes(&harness);
        let compare_with = |files: &[(&str, &str)]| {
            let (_dir, target) = app(files);
            let names = target.domains.iter().map(|domain| domain.name.clone());
            let (supervisor, states) = (&harness.supervisor, &harness.states);
            let desired = harness.desired.current();
            compare(
                supervisor,
                states,
                &desired,
                &target,
                &names.collect::<Vec<_>>(),
            )
        };
        let plan = compare_with(&[(USERS, CHANGED), ("domains/pay/fulcrum.yml", SLEEP)]);
        assert_eq!(action(&plan, "users"), "restart");
        assert_eq!(action(&plan, "orders"), "stop");
        assert_eq!(action(&plan, "pay"), "start");

        // A domain that was stopped by a request stays stopped.
        let users = harness.supervisor.domain("users").expect("supervised");
        let ticket = users.request(Command::Stop).await.expect("accepted");
        ticket.outcome().await;
        harness
            .states
            .get("users")
            .expect("it was added")
            .mark_exited(1);
        let plan = compare_with(&[(USERS, CHANGED), (ORDERS, SLEEP)]);
        assert_ne!(action(&plan, "users"), "restart");
        assert_ne!(action(&plan, "users"), "start");
    }
}
