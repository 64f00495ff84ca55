//! How the watching itself goes, in words.

use fulcrum_logs::{FULCRUM_SOURCE, Level};
use fulcrum_watch::WatchStatus;

use crate::context::RuntimeContext;
use crate::transitions::format_duration;

/// Says what people should know, and notes what they may ask for.
pub(crate) fn log_status(house: &RuntimeContext, notice: WatchStatus) {
    let note = |kind, text: &str| house.journal.record(FULCRUM_SOURCE, 0, kind, text);
    match notice {
        WatchStatus::Ready {
            folders,
            files,
            after,
        } => {
            let after = format_duration(after);
            note(
                "watching",
                &format!("{files} files in {folders} folders, known after {after}"),
            );
        }
        WatchStatus::PollingFallback { why, cure, every } => {
            let every = format_duration(every);
            let text = format!(
                "files are looked at every {every}, since the system can't tell of their changes: {why}\n{cure}"
            );
            note("watch_polling", &text);
            house.log(Level::Warn, text);
        }
        WatchStatus::Rescanned => {
            let text = "files changed faster than the system could tell; all were looked at again";
            note("watch_rescanned", text);
            house.log(Level::Debug, text);
        }
        WatchStatus::WatchFailed { folder, why } => {
            let text = format!(
                "{} can't be watched, so its changes go unnoticed: {why}",
                folder.display()
            );
            note("watch_failed", &text);
            house.log(Level::Warn, text);
        }
    }
}
