//! What domains recorded about themselves: the reference for order and number.

use std::fs;
use std::path::Path;

use rustix::time::{ClockId, clock_gettime};
use serde_json::Value;

/// One event of a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The process that recorded it.
    pub pid: u32,
    /// The domain's name in the environment of the process.
    pub domain: String,
    /// The event: `spawned`, `registered`, `stopping`, …
    pub event: String,
    /// The time, in microseconds of the machine's monotonic clock: comparable between processes.
    pub at: u64,
}

/// Now, on the clock of [`Entry::at`].
pub fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(now.tv_sec * 1_000_000 + now.tv_nsec / 1000).expect("the clock starts at 0")
}

/// Reads an activity log; one that does not exist is empty. Entries are in the order of writing.
///
/// # Panics
/// On a line that is not an entry.
pub fn read(file: &Path) -> Vec<Entry> {
    let text = fs::read_to_string(file).unwrap_or_default();
    // A last line without a line end is still being written.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(parse).collect()
}

fn parse(line: &str) -> Entry {
    entry(line).unwrap_or_else(|| panic!("not an entry of the activity log: {line}"))
}

fn entry(line: &str) -> Option<Entry> {
    let entry: Value = serde_json::from_str(line).ok()?;
    let text = |key: &str| Some(entry[key].as_str()?.to_owned());
    Some(Entry {
        pid: u32::try_from(entry["pid"].as_u64()?).ok()?,
        domain: text("domain")?,
        event: text("event")?,
        at: entry["ts"].as_u64()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incomplete_entry_is_ignored() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("activity-log");
        assert_eq!(read(&file), []);
        let line = r#"{"pid":7,"domain":"users","event":"spawned","ts":12}"#;
        fs::write(&file, format!("{line}\n{}", &line[..20])).expect("an activity log");
        let [entry] = read(&file).try_into().expect("one entry");
        assert_eq!(
            (entry.pid, entry.event.as_str(), entry.at),
            (7, "spawned", 12)
        );
    }
}
