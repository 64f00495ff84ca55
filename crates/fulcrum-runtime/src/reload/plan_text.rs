//! A reload plan as a message, secrets masked.

use fulcrum_config::{Action, Difference, ReloadPlan};
use fulcrum_rpc::control::planned_domain::Action as WireAction;
use fulcrum_rpc::control::{Difference as WireDifference, PlannedDomain, ReloadPlan as WirePlan};

/// The plan for clients.
pub(crate) fn plan_message(plan: &ReloadPlan) -> WirePlan {
    let domains = plan.domains.iter().map(|entry| {
        let (action, differences) = match &entry.action {
            Action::Unchanged => (WireAction::Unchanged, &[][..]),
            Action::UpdateInPlace(differences) => (WireAction::Adopt, differences.as_slice()),
            Action::Restart(differences) => (WireAction::Restart, differences.as_slice()),
            Action::Start => (WireAction::Start, &[][..]),
            Action::Stop => (WireAction::Stop, &[][..]),
        };
        PlannedDomain {
            domain: entry.domain.clone(),
            action: action.into(),
            differences: differences.iter().map(display_difference).collect(),
        }
    });
    WirePlan {
        domains: domains.collect(),
        app: plan.app.iter().map(display_difference).collect(),
        needs_new_instance: plan
            .requires_restart
            .iter()
            .map(display_difference)
            .collect(),
    }
}

fn display_difference(difference: &Difference) -> WireDifference {
    WireDifference {
        key: difference.key.clone(),
        old: difference.old_text(),
        new: difference.new_text(),
    }
}

/// For a plan without anything to do; else nothing.
pub(crate) fn no_changes(plan: &ReloadPlan) -> String {
    if plan.is_empty() {
        "nothing has changed".to_owned()
    } else {
        String::new()
    }
}
