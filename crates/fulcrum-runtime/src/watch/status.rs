//! The status of the file watcher as events and log lines.

use fulcrum_logs::{FULCRUM_SOURCE, Hub, Level};
use fulcrum_watch::WatchStatus;

use crate::events::log::EventLog;
use crate::format::format_measured;
use crate::log_lines::log;

/// Records a status as an event, and logs what needs attention.
pub(crate) fn log_status(events: &EventLog, hub: &Hub, status: WatchStatus) {
    let record = |kind, text: &str| events.record(FULCRUM_SOURCE, 0, kind, text);
    match status {
        WatchStatus::Ready {
            folders,
            files,
            after,
        } => {
            let after = format_measured(after);
            record(
                "watching",
                &format!("{files} files in {folders} directories, known after {after}"),
            );
        }
        WatchStatus::PollingFallback { why, cure, every } => {
            let every = format_measured(every);
            let text = format!(
                "polling files every {every}, since file notifications are unavailable: {why}\n{cure}"
            );
            record("watch_polling", &text);
            log(hub, Level::Warn, text);
        }
        WatchStatus::Rescanned => {
            let text = "file notification queue overflowed; rescanned all files";
            record("watch_rescanned", text);
            log(hub, Level::Debug, text);
        }
        WatchStatus::WatchFailed { folder, why } => {
            let text = format!(
                "cannot watch {}, so its changes go unnoticed: {why}",
                folder.display()
            );
            record("watch_failed", &text);
            log(hub, Level::Warn, text);
        }
    }
}
