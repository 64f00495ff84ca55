//! Groups: whose lives end when another member's does.
//!
//! Only a fault that is followed by a new life takes others along; what an operator does, and an end
//! that the restart policy lets rest, concern the member alone. Those taken along are recycled,
//! which is no fault, so nothing goes round in circles: each fault has one fallout. That they come
//! back in order is the gate's affair, since each member waits for those before it.

use std::collections::BTreeMap;

use fulcrum_config::{RestartMode, RestartSettings};
use fulcrum_spawn::lifecycle::{ExitReport, Fact, Phase, TransitionCause};
use fulcrum_spawn::supervisor::Transition;

use crate::context::RuntimeContext;
use crate::shutdown::stage::ShutdownStage;

/// Follows what happens to members of groups.
#[derive(Debug, Default)]
pub(crate) struct GroupRestarts {
    /// Members that had passed their gate and had no process yet when they should have been taken
    /// along, and why: they are as soon as they have one.
    deferred: BTreeMap<String, String>,
}

/// Whether a life's end, for this cause, is a fault after which the policy starts the domain again.
fn triggers_restart(
    cause: TransitionCause,
    exit: Option<ExitReport>,
    restart: &RestartSettings,
) -> bool {
    let ends = match cause {
        TransitionCause::Exited => {
            let code = exit.and_then(|report| report.code);
            let success = code.is_some_and(|code| restart.success_exit_codes.contains(&code));
            !success || restart.policy == RestartMode::Always
        }
        TransitionCause::StartTimeout
        | TransitionCause::Hung
        | TransitionCause::Unhealthy
        | TransitionCause::Rejected => true,
        TransitionCause::Requested(_)
        | TransitionCause::Normal
        | TransitionCause::StartFailed
        | TransitionCause::GroupRestart
        | TransitionCause::Reload => false,
    };
    ends && restart.policy != RestartMode::Never
}

impl GroupRestarts {
    /// Something has happened.
    pub(crate) fn on_transition(&mut self, house: &RuntimeContext, news: &Transition) {
        let late = self.deferred.remove(&news.domain);
        if let Some(why) = late.filter(|_| news.to == Phase::Starting) {
            restart_member(house, &news.domain, why);
        }
        if news.to != Phase::Stopping || house.closing.stage() != ShutdownStage::Running {
            return;
        }
        let (Some(domain), Some(handle)) = (
            house.domain(&news.domain),
            house.supervisor.domain(&news.domain),
        ) else {
            return;
        };
        let exit = handle.snapshot().last_exit;
        let exit = exit.filter(|exit| exit.generation == news.generation);
        let report = exit.map(|exit| exit.report);
        if !triggers_restart(news.cause, report, &domain.process.restart) {
            return;
        }
        for (member, why) in house.agenda().app.members_to_restart(&news.domain) {
            let phase = house
                .supervisor
                .domain(&member)
                .map(|it| it.snapshot().phase);
            match phase {
                Some(Phase::Starting | Phase::Running) => restart_member(house, &member, why),
                Some(Phase::Preparing) => drop(self.deferred.insert(member, why)),
                // On the way to a new life, or to none.
                _ => {}
            }
        }
    }
}

fn restart_member(house: &RuntimeContext, member: &str, why: String) {
    if let Some(handle) = house.supervisor.domain(member) {
        // Should that life be over by now, the machine knows.
        handle.report(handle.snapshot().generation, Fact::GroupRestart(why));
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
    fn only_a_fault_that_is_followed_by_a_new_life_counts() {
        let exited = |code: i32, policy| {
            let report = ExitReport {
                code: Some(code),
                signal: None,
            };
            triggers_restart(TransitionCause::Exited, Some(report), &restart(policy))
        };
        assert!(exited(1, RestartMode::OnFailure));
        assert!(!exited(7, RestartMode::OnFailure), "it has ended as it may");
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
            "one fault has one fallout"
        );
        assert!(!other(TransitionCause::Normal));
    }
}
