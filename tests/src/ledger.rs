//! What domains wrote down about themselves: the oracle for order and number.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// One thing that a domain did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The process that did it.
    pub pid: u32,
    /// The name that its environment gave it.
    pub domain: String,
    /// What it did: `spawned`, `registered`, `stopped`, …
    pub event: String,
    /// When, in microseconds; comparable between processes.
    pub at: u64,
}

/// Reads a ledger; one that doesn't exist is empty. Entries are in the order they were written.
///
/// # Panics
/// On a line that isn't an entry.
pub fn read(file: &Path) -> Vec<Entry> {
    let text = fs::read_to_string(file).unwrap_or_default();
    // A last line without its end is still being written.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(parse).collect()
}

fn parse(line: &str) -> Entry {
    let broken = || panic!("not an entry of the ledger: {line}");
    let entry: Value = serde_json::from_str(line).unwrap_or_else(|_| broken());
    let number = |key: &str| entry[key].as_u64().unwrap_or_else(broken);
    let text = |key: &str| entry[key].as_str().unwrap_or_else(broken).to_owned();
    Entry {
        pid: u32::try_from(number("pid")).expect("a pid fits"),
        domain: text("domain"),
        event: text("event"),
        at: number("ts"),
    }
}

/// The most lives of a domain that were there at once, by `spawned` and `exited` entries. A life
/// that was killed wrote no `exited`: `alive` says whether it has gone since.
pub fn most_at_once(entries: &[Entry], domain: &str) -> usize {
    let mut living: Vec<u32> = Vec::new();
    let mut most = 0;
    for entry in entries.iter().filter(|entry| entry.domain == domain) {
        match entry.event.as_str() {
            "spawned" => living.push(entry.pid),
            "exited" => living.retain(|pid| *pid != entry.pid),
            _ => {}
        }
        most = most.max(living.len());
    }
    most
}
