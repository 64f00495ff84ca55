//! Settings that have changed, and the code that has changed with them.

use std::collections::BTreeSet;

use fulcrum_logs::Level;
use fulcrum_rpc::control::ReloadPlan;
use fulcrum_rpc::control::planned_domain::Action;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::context::SharedContext;
use crate::reload::request::{ReloadProgress, ReloadResult, ReloadTrigger, reload};
use crate::state::domain::PendingReload;

/// How many steps of a reload may wait to be read.
const AHEAD: usize = 256;

/// Has the configuration read anew. `planned` hears of the domains that it begins anew, starts or
/// stops: what else has changed of those needs no reload of its own.
///
/// How it goes is told elsewhere: by the reload, and for each domain.
pub(crate) async fn carry_out(
    house: &SharedContext,
    what: String,
    since: Instant,
    planned: impl FnOnce(BTreeSet<String>),
) {
    let (tell, mut steps) = mpsc::channel(AHEAD);
    let reload = reload(house, ReloadTrigger::FileChange, false, tell);
    tokio::pin!(reload);
    let mut planned = Some(planned);
    let mut has_findings = false;
    let end = loop {
        tokio::select! {
            biased;
            Some(step) = steps.recv() => match step {
                ReloadProgress::Diagnostics(_) => has_findings = true,
                ReloadProgress::Plan(plan) => {
                    let renewed = domains_with(&plan, &[Action::Restart]);
                    for name in &renewed {
                        if let Some(desk) = house.desks.get(name) {
                            let what = what.clone();
                            desk.pending_reload.send_replace(Some(PendingReload { since, what }));
                        }
                    }
                    if let Some(planned) = planned.take() {
                        planned(domains_with(&plan, &[Action::Restart, Action::Start, Action::Stop]));
                    }
                }
                ReloadProgress::Progress(_) => {}
            },
            end = &mut reload => break end,
        }
    };
    // With an invalid configuration, code is still reloaded.
    if let Some(planned) = planned {
        planned(BTreeSet::new());
    }
    match end {
        // What a finding is about has been told with it.
        ReloadResult::Invalid(why) if !has_findings => house.log(Level::Error, why),
        ReloadResult::Done(_)
        | ReloadResult::Invalid(_)
        | ReloadResult::DomainFailed(_)
        | ReloadResult::Closing => {}
    }
}

fn domains_with(plan: &ReloadPlan, actions: &[Action]) -> BTreeSet<String> {
    let fits = plan.domains.iter();
    let fits = fits.filter(|entry| actions.contains(&entry.action()));
    fits.map(|entry| entry.domain.clone()).collect()
}
