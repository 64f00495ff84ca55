//! The status of the file watcher as events and log lines.

use fulcrum_logs::{FULCRUM_SOURCE, Hub, Level, with_code};
use fulcrum_watch::WatchStatus;

use crate::code::Code;
use crate::events::log::EventLog;
use crate::format::format_measured;

/// Records a status as an event, and logs what needs attention.
pub(crate) fn log_status(events: &EventLog, hub: &Hub, status: WatchStatus) {
    let record = |kind, text: &str| events.record(FULCRUM_SOURCE, 0, kind, text);
    match status {
        WatchStatus::Ready { dirs, files, after } => {
            let after = format_measured(after);
            record(
                "watching",
                &format!("{files} files in {dirs} directories, known after {after}"),
            );
        }
        WatchStatus::PollingFallback {
            reason,
            hint,
            interval,
        } => {
            let interval = format_measured(interval);
            let text = format!(
                "polling files every {interval}, notifications are not available: {reason}\n  hint: {hint}"
            );
            record("watch_polling", &text);
            hub.log(Level::Warn, with_code(&text, Code::CannotWatch));
        }
        WatchStatus::Rescanned => {
            let text = "file notification queue overflowed; rescanned all files";
            record("watch_rescanned", text);
            hub.log(Level::Debug, text);
        }
        WatchStatus::WatchFailed { dir, reason } => {
            let text = format!(
                "cannot watch {}, its changes are not noticed: {reason}",
                dir.display()
            );
            record("watch_failed", &text);
            hub.log(Level::Warn, with_code(&text, Code::CannotWatch));
        }
    }
}
