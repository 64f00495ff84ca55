//! One entry of the logs.

use std::sync::Arc;
use std::time::SystemTime;

use fulcrum_logs::{Level, last_state, sanitize, strip_colors};
use fulcrum_rpc::control::LogLine;

/// Longer lines are cut: nobody reads a megabyte on a terminal.
const MAX_BYTES: usize = 32 * 1024;

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A line that a domain wrote, or one of Fulcrum's own.
    Line {
        /// One of Fulcrum's own.
        own: bool,
    },
    /// A remark: lines that were left out, another instance.
    Note,
}

/// One entry, safe for a terminal but for its colors.
#[derive(Debug, Clone)]
pub struct LogEntry {
    /// Grows with each entry.
    pub id: u64,
    /// What it is.
    pub kind: EntryKind,
    /// The domain.
    pub domain: Arc<str>,
    /// When it was read.
    pub time: Option<SystemTime>,
    /// Its severity, if known.
    pub level: Option<Level>,
    /// The text, with color sequences.
    pub text: String,
    /// Whether filters let it through.
    pub shown: bool,
}

impl LogEntry {
    /// An entry for a line; none where only the end of a drawing is left.
    pub fn from_line(id: u64, domain: Arc<str>, line: &LogLine) -> Self {
        let message = line.message.strip_suffix(b"\r").unwrap_or(&line.message);
        let message = &message[..message.len().min(MAX_BYTES)];
        let mut text = Vec::with_capacity(message.len());
        sanitize(&last_state(message), true, &mut text);
        Self {
            id,
            kind: EntryKind::Line {
                own: line.stream == "fulcrum",
            },
            domain,
            time: line.time.and_then(|time| SystemTime::try_from(time).ok()),
            level: line
                .level
                .as_deref()
                .and_then(|level| Level::from_name(level.as_bytes())),
            text: String::from_utf8_lossy(&text).into_owned(),
            shown: true,
        }
    }

    /// A remark.
    pub fn note(id: u64, text: String) -> Self {
        Self {
            id,
            kind: EntryKind::Note,
            domain: Arc::from(""),
            time: None,
            level: None,
            text,
            shown: true,
        }
    }

    /// The text without colors.
    pub fn plain(&self) -> String {
        String::from_utf8_lossy(&strip_colors(self.text.as_bytes())).into_owned()
    }

    /// The memory that it takes, about.
    pub fn cost(&self) -> usize {
        self.text.len() + size_of::<Self>()
    }
}
