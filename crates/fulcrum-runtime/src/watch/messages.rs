//! Messages to the file watch task.

use std::path::PathBuf;

use fulcrum_watch::DueAction;
use tokio::time::Instant;

use crate::watch::classify::ReloadTarget;

/// An action that is due, with the files that have changed.
pub(crate) type Due = DueAction<ReloadTarget, PathBuf>;

/// What the tasks of single reloads report.
pub(crate) enum WatchMessage {
    /// A code reload with this number has restarted its domain, with all pending files.
    ReloadStarted { name: String, number: u64 },
    /// A code reload with this number was rejected: files have syntax errors.
    ReloadRejected { name: String, number: u64 },
    /// The plan of a configuration reload is known; these actions remain, each with the time of
    /// its first change.
    PlanReady(Vec<(Due, Instant)>),
}
