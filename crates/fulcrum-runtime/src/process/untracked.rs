//! Processes that cannot be attributed to a generation.

use fulcrum_logs::{Hub, Level, with_code};
use fulcrum_spawn::process::{Member, ProcessTracker, RunId};

use crate::code::Code;
use crate::state::process::TOKEN_VAR;

/// Opens the process tracker of a run: by cgroups where they are writable, by process groups and
/// tokens elsewhere.
pub(crate) fn open_tracker(run: &RunId) -> ProcessTracker {
    ProcessTracker::open(&format!("fulcrum-{run}"), TOKEN_VAR)
}

/// Logs untracked processes as they are found.
pub(crate) async fn report_untracked(tracker: ProcessTracker, hub: Hub) {
    let text = format!("processes are tracked by {}", tracker.describe());
    hub.log(Level::Debug, text);
    let Some(mut untracked) = tracker.untracked() else {
        return;
    };
    while let Some(process) = untracked.recv().await {
        let text = format!(
            "untracked process {} ({}): left its domain's process group and environment; it will be \
             killed on shutdown",
            process.pid, process.command
        );
        hub.log(Level::Warn, with_code(&text, Code::Untracked));
    }
}

/// Kills the remaining processes of the run. Returns descriptions of those that are still alive.
pub(crate) async fn kill_remaining(tracker: &ProcessTracker) -> Vec<String> {
    let alive = tracker.close().await;
    alive.iter().map(Member::to_string).collect()
}
