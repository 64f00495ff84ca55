//! How the watching itself goes, in words.

use fulcrum_logs::{FULCRUM, Level};
use fulcrum_watch::Notice;

use crate::context::House;
use crate::transitions::millis;

/// Says what people should know, and notes what they may ask for.
pub(crate) fn tell(house: &House, notice: Notice) {
    let note = |kind, text: &str| house.journal.note(FULCRUM, 0, kind, text);
    match notice {
        Notice::Learned {
            folders,
            files,
            after,
        } => {
            let after = millis(after);
            note(
                "watching",
                &format!("{files} files in {folders} folders, known after {after}"),
            );
        }
        Notice::Polling { why, cure, every } => {
            let every = millis(every);
            let text = format!(
                "files are looked at every {every}, since the system can't tell of their changes: {why}\n{cure}"
            );
            note("watch_polling", &text);
            house.say(Level::Warn, text);
        }
        Notice::Rescanned => {
            let text = "files changed faster than the system could tell; all were looked at again";
            note("watch_rescanned", text);
            house.say(Level::Debug, text);
        }
        Notice::Unwatchable { folder, why } => {
            let text = format!(
                "{} can't be watched, so its changes go unnoticed: {why}",
                folder.display()
            );
            note("watch_failed", &text);
            house.say(Level::Warn, text);
        }
    }
}
