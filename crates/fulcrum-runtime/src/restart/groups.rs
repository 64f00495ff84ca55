//! Restarts the members of a supervision group together.
//!
//! Only a failure after which the restart policy restarts the domain affects other members. A stop
//! by an operator, or an exit after which the policy does not restart, concerns the member alone.
//! A group restart is no failure, so each failure causes one group restart at most. The members
//! start again in order, since each waits for those before it.

use std::collections::BTreeMap;

use fulcrum_config::{RestartMode, RestartSettings};
use fulcrum_spawn::lifecycle::{ExitReport, Fact, Phase, TransitionCause};
use fulcrum_spawn::supervisor::{Supervisor, Transition, Turn};

use crate::shutdown::stage::{ShutdownSignal, ShutdownStage};
use crate::state::desired::DesiredStateReceiver;

/// Follows the transitions of group members.
pub(crate) struct GroupRestarts {
    desired: DesiredStateReceiver,
    supervisor: Supervisor,
    shutdown: ShutdownSignal,
    /// Members that were being prepared, without a process, when they should have been restarted,
    /// with the reason. They are restarted once they have a process.
    deferred: BTreeMap<String, String>,
}

/// Whether the restart policy restarts a domain whose generation failed for this cause.
fn triggers_restart(
    cause: TransitionCause,
    exit: Option<ExitReport>,
    restart: &RestartSettings,
) -> bool {
    let failed = match cause {
        TransitionCause::Exited => {
            let code = exit.and_then(|report| report.code);
            let success = code.is_some_and(|code| restart.success_exit_codes.contains(&code));
            !success || restart.policy == RestartMode::Always
        }
        TransitionCause::StartTimeout
        | TransitionCause::TimeLimit
        | TransitionCause::Hung
        | TransitionCause::Unhealthy
        | TransitionCause::Rejected => true,
        TransitionCause::Requested(_)
        | TransitionCause::Normal
        | TransitionCause::StartFailed
        | TransitionCause::GroupRestart
        | TransitionCause::Reload => false,
    };
    failed && restart.policy != RestartMode::Never
}

impl GroupRestarts {
    pub(crate) fn new(
        desired: DesiredStateReceiver,
        supervisor: Supervisor,
        shutdown: ShutdownSignal,
    ) -> Self {
        Self {
            desired,
            supervisor,
            shutdown,
            deferred: BTreeMap::new(),
        }
    }

    /// Restarts the members that a transition affects.
    pub(crate) fn on_transition(&mut self, transition: &Transition) {
        let name = &transition.domain;
        let deferred = self.deferred.remove(name);
        if let Some(reason) = deferred.filter(|_| transition.to == Phase::Starting) {
            self.restart_member(name, reason, None);
        }
        if transition.to != Phase::Stopping || self.shutdown.stage() != ShutdownStage::Running {
            return;
        }
        let desired = self.desired.current();
        let (Some(domain), Some(handle)) = (desired.app.domain(name), self.supervisor.domain(name))
        else {
            return;
        };
        let exit = handle.snapshot().last_exit;
        let exit = exit.filter(|exit| exit.generation == transition.generation);
        let report = exit.map(|exit| exit.report);
        if !triggers_restart(transition.cause, report, &domain.process.restart) {
            return;
        }
        let mut restarts = BTreeMap::new();
        for (member, reason) in desired.app.members_to_restart(name) {
            let member_handle = self.supervisor.domain(&member);
            match member_handle.map(|handle| handle.snapshot().phase) {
                Some(Phase::Starting | Phase::Running) => drop(restarts.insert(member, reason)),
                Some(Phase::Preparing) => drop(self.deferred.insert(member, reason)),
                // A new generation is due, or none is.
                _ => {}
            }
        }
        // Dependents stop first; the one that failed is gone already, and starts in its turn too.
        let names: Vec<String> = restarts.keys().chain([name]).cloned().collect();
        let mut turns = self.supervisor.turns(&names);
        if let Some(turn) = turns.remove(name).filter(|_| !restarts.is_empty()) {
            handle.start_in_turn(turn);
        }
        for (member, reason) in restarts {
            let turn = turns.remove(&member);
            self.restart_member(&member, reason, turn);
        }
    }

    fn restart_member(&self, member: &str, reason: String, turn: Option<Turn>) {
        if let Some(handle) = self.supervisor.domain(member) {
            // If that generation has exited by now, the lifecycle ignores the fact.
            let generation = handle.snapshot().generation;
            handle.report_in_turn(generation, Fact::GroupRestart(reason), turn);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fulcrum_config::BackoffSettings;

    use super::*;

    fn restart(policy: RestartMode) -> RestartSettings {
        RestartSettings {
            policy,
            success_exit_codes: vec![0, 7],
            backoff: BackoffSettings {
                initial: Duration::ZERO,
                max: Duration::ZERO,
                factor: 1.0,
                jitter: 0.0,
            },
            stable_after: Duration::ZERO,
            budget: 1,
            window: Duration::ZERO,
        }
    }

    #[test]
    fn only_a_failure_that_is_followed_by_a_restart_counts() {
        let exited = |code: i32, policy| {
            let report = ExitReport {
                code: Some(code),
                signal: None,
            };
            triggers_restart(TransitionCause::Exited, Some(report), &restart(policy))
        };
        assert!(exited(1, RestartMode::OnFailure));
        assert!(!exited(7, RestartMode::OnFailure), "a success code");
        assert!(exited(0, RestartMode::Always));
        assert!(!exited(1, RestartMode::Never));
        let other = |cause| triggers_restart(cause, None, &restart(RestartMode::OnFailure));
        for cause in [
            TransitionCause::Hung,
            TransitionCause::Unhealthy,
            TransitionCause::StartTimeout,
        ] {
            assert!(other(cause));
        }
        assert!(other(TransitionCause::Exited), "killed by a signal");
        assert!(
            !other(TransitionCause::GroupRestart),
            "one failure causes one group restart"
        );
        assert!(!other(TransitionCause::Normal));
    }
}
