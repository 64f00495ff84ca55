//! Whether calls of a domain wait while no stream is registered under its name.

use fulcrum_config::Program;
use fulcrum_logs::without_code;
use fulcrum_rpc::Outlook;
use fulcrum_spawn::lifecycle::{Goal, Phase};
use fulcrum_spawn::supervisor::Snapshot;

use crate::readiness::probe_set::must_register;
use crate::readiness::started::is_known_to_register;
use crate::state::desired::DesiredStateReceiver;
use crate::state::domain::SharedDomainStates;

/// That of a domain that is about to be started.
pub(crate) fn at_start(desired: &DesiredStateReceiver, domain: &str) -> Outlook {
    let config = desired.domain(domain).filter(|config| config.has_process());
    config.map_or(Outlook::Unknown, |config| {
        Outlook::Coming(config.process.start_timeout)
    })
}

/// That of a domain in this state.
pub(crate) fn outlook(
    desired: &DesiredStateReceiver,
    states: &SharedDomainStates,
    domain: &str,
    snapshot: &Snapshot,
) -> Outlook {
    let Some(config) = desired.domain(domain) else {
        return Outlook::Unknown;
    };
    let never = |text: String| Outlook::NotComing(text);
    match (snapshot.goal, snapshot.phase) {
        (Goal::Down, Phase::Stopping) => never("it is being stopped".to_owned()),
        (Goal::Down, Phase::Stopped) => never(format!(
            "it is stopped; `fulcrum domains start {domain}` starts it"
        )),
        (_, phase @ (Phase::Stopped | Phase::Completed | Phase::Failed | Phase::Stuck))
        | (Goal::Down, phase) => never(format!(
            "it is {phase} ({})",
            without_code(&snapshot.reason)
        )),
        (Goal::Up, Phase::Running) if snapshot.ready => {
            let state = states.get(domain);
            let registers = must_register(&config)
                || matches!(config.program, Program::Node { .. })
                || state.is_some_and(|state| is_known_to_register(&state));
            match registers {
                true => Outlook::Coming(config.process.start_timeout),
                false => never("it runs, and has not registered".to_owned()),
            }
        }
        (
            Goal::Up,
            Phase::Waiting
            | Phase::Preparing
            | Phase::Starting
            | Phase::Running
            | Phase::Stopping
            | Phase::Backoff,
        ) => Outlook::Coming(config.process.start_timeout),
    }
}
