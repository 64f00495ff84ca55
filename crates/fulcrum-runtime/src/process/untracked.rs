//! What holds the domains' processes together, and what is said of those that got away.

use fulcrum_logs::{Hub, Level};
use fulcrum_spawn::process::{Member, ProcessTracker, RunId};

use crate::context::log;

/// The variable by which a process tells from which life it comes.
pub(crate) const TOKEN_VAR: &str = "FULCRUM_DOMAIN_TOKEN";

/// The containment of this run.
pub fn open_tracker(run: &RunId) -> ProcessTracker {
    ProcessTracker::open(&format!("fulcrum-{run}"), TOKEN_VAR)
}

/// Warns of processes that can't be attributed to any domain, as they are found.
pub(crate) async fn report_untracked(containment: ProcessTracker, hub: Hub) {
    let held = format!("processes are held by {}", containment.describe());
    log(&hub, Level::Debug, held);
    let Some(mut escaped) = containment.untracked() else {
        return;
    };
    while let Some(one) = escaped.recv().await {
        let text = format!(
            "escaped pid {} ({}): it left its domain's process group and cleared its environment, \
             so no domain's stop reaches it; it is killed when fulcrum ends",
            one.pid, one.command
        );
        log(&hub, Level::Warn, text);
    }
}

/// Ends what is left of the run, wherever it is. Gives, for people, those that could not be ended.
pub(crate) async fn kill_remaining(containment: &ProcessTracker) -> Vec<String> {
    let left = containment.close().await;
    left.iter().map(Member::to_string).collect()
}
