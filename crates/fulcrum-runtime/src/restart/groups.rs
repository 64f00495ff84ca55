//! Groups: whose lives end when another member's does.
//!
//! Only a fault that is followed by a new life takes others along; what an operator does, and an end
//! that the restart policy lets rest, concern the member alone. Those taken along are recycled,
//! which is no fault, so nothing goes round in circles: each fault has one fallout. That they come
//! back in order is the gate's affair, since each member waits for those before it.

use std::collections::BTreeMap;

use fulcrum_config::{App, Group, Policy, Restart, Strategy};
use fulcrum_spawn::lifecycle::{Cause, ExitReport, Fact, Phase};
use fulcrum_spawn::supervisor::Transition;

use crate::context::House;
use crate::shutdown::stage::Stage;

/// Follows what happens to members of groups.
#[derive(Debug, Default)]
pub(crate) struct Together {
    /// Members that had passed their gate and had no process yet when they should have been taken
    /// along, and why: they are as soon as they have one.
    late: BTreeMap<String, String>,
}

/// Who goes along when a member fails.
fn fallout<'a>(group: &'a Group, failed: &str) -> Vec<&'a str> {
    let members = group.domains.iter().map(String::as_str);
    let others = |name: &&str| *name != failed;
    match group.strategy {
        _ if !group.domains.iter().any(|name| name == failed) => Vec::new(),
        Strategy::OneForOne => Vec::new(),
        Strategy::OneForAll => members.filter(others).collect(),
        Strategy::RestForOne => {
            let after = members.skip_while(others).filter(others);
            after.collect()
        }
    }
}

/// All who go along when a domain fails, each once, and why.
fn taken_along(app: &App, failed: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (name, group) in &app.runtime.groups {
        for member in fallout(group, failed) {
            let why = || format!("{failed} failed, and group {name} is {}", group.strategy);
            found.entry(member.to_owned()).or_insert_with(why);
        }
    }
    found
}

/// Whether a life's end, for this cause, is a fault after which the policy starts the domain again.
fn is_fault(cause: Cause, exit: Option<ExitReport>, restart: &Restart) -> bool {
    let ends = match cause {
        Cause::Exited => {
            let code = exit.and_then(|report| report.code);
            let success = code.is_some_and(|code| restart.success_exit_codes.contains(&code));
            !success || restart.policy == Policy::Always
        }
        Cause::StartTimeout | Cause::Hung | Cause::Unhealthy | Cause::Refused => true,
        Cause::Asked(_) | Cause::Course | Cause::NotStarted | Cause::Recycled | Cause::Renewed => {
            false
        }
    };
    ends && restart.policy != Policy::Never
}

impl Together {
    /// Something has happened.
    pub(crate) fn heed(&mut self, house: &House, news: &Transition) {
        let late = self.late.remove(&news.domain);
        if let Some(why) = late.filter(|_| news.to == Phase::Starting) {
            recycle(house, &news.domain, why);
        }
        if news.to != Phase::Stopping || house.closing.stage() != Stage::Open {
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
        if !is_fault(news.cause, report, &domain.process.restart) {
            return;
        }
        for (member, why) in taken_along(&house.agenda().app, &news.domain) {
            let phase = house
                .supervisor
                .domain(&member)
                .map(|it| it.snapshot().phase);
            match phase {
                Some(Phase::Starting | Phase::Running) => recycle(house, &member, why),
                Some(Phase::Preparing) => drop(self.late.insert(member, why)),
                // On the way to a new life, or to none.
                _ => {}
            }
        }
    }
}

fn recycle(house: &House, member: &str, why: String) {
    if let Some(handle) = house.supervisor.domain(member) {
        // Should that life be over by now, the machine knows.
        handle.report(handle.snapshot().generation, Fact::Recycle(why));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fulcrum_config::Backoff;

    use super::*;

    fn group(strategy: Strategy) -> Group {
        let domains = ["a", "b", "c"].map(str::to_owned).to_vec();
        Group { strategy, domains }
    }

    #[test]
    fn who_goes_along_is_the_strategys_affair() {
        let table: [(Strategy, [&[&str]; 3]); 3] = [
            (Strategy::OneForOne, [&[], &[], &[]]),
            (Strategy::RestForOne, [&["b", "c"], &["c"], &[]]),
            (Strategy::OneForAll, [&["b", "c"], &["a", "c"], &["a", "b"]]),
        ];
        for (strategy, expected) in table {
            let group = group(strategy);
            for (failed, expected) in ["a", "b", "c"].into_iter().zip(expected) {
                assert_eq!(fallout(&group, failed), expected, "{failed} in {strategy}");
            }
            assert!(fallout(&group, "stranger").is_empty());
        }
    }

    fn restart(policy: Policy) -> Restart {
        Restart {
            policy,
            success_exit_codes: vec![0, 7],
            backoff: Backoff {
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
            is_fault(Cause::Exited, Some(report), &restart(policy))
        };
        assert!(exited(1, Policy::OnFailure));
        assert!(!exited(7, Policy::OnFailure), "it has ended as it may");
        assert!(exited(0, Policy::Always));
        assert!(!exited(1, Policy::Never));
        let other = |cause| is_fault(cause, None, &restart(Policy::OnFailure));
        for cause in [Cause::Hung, Cause::Unhealthy, Cause::StartTimeout] {
            assert!(other(cause));
        }
        assert!(other(Cause::Exited), "killed by a signal");
        assert!(!other(Cause::Recycled), "one fault has one fallout");
        assert!(!other(Cause::Course));
    }
}
