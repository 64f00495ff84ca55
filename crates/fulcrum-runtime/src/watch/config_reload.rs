//! Configuration reloads on file changes.

use std::collections::BTreeSet;

use fulcrum_config::{Action, ReloadPlan};
use fulcrum_logs::{Hub, Level, with_code};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::code::Code;
use crate::reload::request::{ReloadHandle, ReloadProgress, ReloadResult, ReloadTrigger};
use crate::state::domain::{PendingReload, SharedDomainStates};

/// How much progress of a reload may wait to be read.
const PROGRESS_BUFFER: usize = 256;

/// Reloads the configuration.
#[derive(Clone)]
pub(crate) struct ConfigReloader {
    pub(crate) reload: ReloadHandle,
    pub(crate) states: SharedDomainStates,
    pub(crate) hub: Hub,
}

impl ConfigReloader {
    /// Reloads the configuration because of the changed files `what`, the first of them at `since`.
    /// `on_plan` receives the domains that the reload starts, restarts or stops: their other changes
    /// need no reload. The reload and the domains log its progress.
    pub(crate) async fn run(
        &self,
        what: String,
        since: Instant,
        on_plan: impl FnOnce(BTreeSet<String>),
    ) {
        let (sender, mut progress) = mpsc::channel(PROGRESS_BUFFER);
        let reload = self.reload.reload(ReloadTrigger::FileChange, false, sender);
        tokio::pin!(reload);
        let mut on_plan = Some(on_plan);
        let mut has_diagnostics = false;
        let result = loop {
            tokio::select! {
                biased;
                Some(step) = progress.recv() => match step {
                    ReloadProgress::Diagnostics(_) => has_diagnostics = true,
                    ReloadProgress::Plan(plan) => {
                        self.set_pending(&plan, &what, since);
                        if let Some(on_plan) = on_plan.take() {
                            on_plan(domains_with(&plan, |action| {
                                matches!(action, Action::Restart(_) | Action::Start | Action::Stop)
                            }));
                        }
                    }
                    ReloadProgress::Step(_) => {}
                },
                result = &mut reload => break result,
            }
        };
        // With an invalid configuration, code is still reloaded.
        if let Some(on_plan) = on_plan {
            on_plan(BTreeSet::new());
        }
        match result {
            // Diagnostics are logged already.
            ReloadResult::Invalid(reason) if !has_diagnostics => {
                self.hub
                    .log(Level::Error, with_code(&reason, Code::ConfigRejected));
            }
            ReloadResult::Done(_)
            | ReloadResult::Invalid(_)
            | ReloadResult::DomainFailed(_)
            | ReloadResult::Closing => {}
        }
    }

    fn set_pending(&self, plan: &ReloadPlan, what: &str, since: Instant) {
        for name in domains_with(plan, |action| matches!(action, Action::Restart(_))) {
            if let Some(state) = self.states.get(&name) {
                let what = what.to_owned();
                state
                    .pending_reload
                    .send_replace(Some(PendingReload { since, what }));
            }
        }
    }
}

fn domains_with(plan: &ReloadPlan, matches: impl Fn(&Action) -> bool) -> BTreeSet<String> {
    let changes = plan.domains.iter().filter(|change| matches(&change.action));
    changes.map(|change| change.domain.clone()).collect()
}
