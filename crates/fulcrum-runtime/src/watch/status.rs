//! How the watching itself goes, in words.

use fulcrum_logs::{FULCRUM_SOURCE, Level};
use fulcrum_watch::WatchStatus;

use crate::context::RuntimeContext;
use crate::transitions::format_duration;

/// Says what people should know, and notes what they may ask for.
pub(crate) fn log_status(house: &RuntimeContext, notice: WatchStatus) {
    let note = |kind, text: &str| house.journal.record(FULCRUM_SOURCE, 0, kind, text);
    match notice {
        WatchStatus::Ready { dirs, files, after } => {
            let after = format_duration(after);
            note(
                "watching",
                &format!("{files} files in {dirs} directories, known after {after}"),
            );
        }
        WatchStatus::PollingFallback {
            reason,
            hint,
            interval,
        } => {
            let interval = format_duration(interval);
            let text = format!(
                "polling files every {interval}, notifications are not available: {reason}\n  hint: {hint}"
            );
            note("watch_polling", &text);
            house.log(Level::Warn, text);
        }
        WatchStatus::Rescanned => {
            let text = "file notification queue overflowed; rescanned all files";
            note("watch_rescanned", text);
            house.log(Level::Debug, text);
        }
        WatchStatus::WatchFailed { dir, reason } => {
            let text = format!(
                "cannot watch {}, its changes are not noticed: {reason}",
                dir.display()
            );
            note("watch_failed", &text);
            house.log(Level::Warn, text);
        }
    }
}
