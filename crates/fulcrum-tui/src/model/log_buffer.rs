//! The latest log lines, bounded.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use fulcrum_rpc::control::LogLine;

use super::log_entry::LogEntry;
use crate::text::short_count;

/// How many entries are kept, and how many bytes.
const MAX_ENTRIES: usize = 10_000;
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// The latest entries, oldest first.
#[derive(Debug, Default)]
pub(crate) struct LogBuffer {
    entries: VecDeque<LogEntry>,
    bytes: usize,
    next_id: u64,
    last_seq: u64,
    names: HashMap<String, Arc<str>>,
}

impl LogBuffer {
    /// Adds a line, unless it is there already. Returns whether it was added.
    pub(crate) fn push_line(
        &mut self,
        line: &LogLine,
        shows: impl FnOnce(&LogEntry) -> bool,
    ) -> bool {
        if line.seq != 0 && line.seq <= self.last_seq {
            return false;
        }
        self.last_seq = line.seq;
        let name = match self.names.get(&line.domain) {
            Some(name) => Arc::clone(name),
            None => {
                let name: Arc<str> = Arc::from(line.domain.as_str());
                self.names.insert(line.domain.clone(), Arc::clone(&name));
                name
            }
        };
        let mut entry = LogEntry::from_line(self.next_id, name, line);
        entry.shown = shows(&entry);
        self.push(entry);
        true
    }

    /// Adds a remark about lines that were left out.
    pub(crate) fn push_missed(&mut self, count: Option<u64>) {
        let text = match count {
            Some(1) => "1 line left out".to_owned(),
            Some(count) => format!("{} lines left out", short_count(count)),
            None => "lines left out".to_owned(),
        };
        self.push_note(format!("{text}: output is faster than a screen"));
    }

    /// Adds a remark.
    pub(crate) fn push_note(&mut self, text: String) {
        self.push(LogEntry::note(self.next_id, text));
    }

    fn push(&mut self, entry: LogEntry) {
        self.next_id += 1;
        self.bytes += entry.cost();
        self.entries.push_back(entry);
        while self.entries.len() > MAX_ENTRIES || self.bytes > MAX_BYTES {
            let Some(oldest) = self.entries.pop_front() else {
                return;
            };
            self.bytes -= oldest.cost();
        }
    }

    /// Forgets the entries. Lines that were seen stay seen.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.bytes = 0;
    }

    /// Numbers of lines start again: another instance, or other domains.
    pub(crate) fn restart_numbers(&mut self) {
        self.last_seq = 0;
    }

    /// The entries that are shown, oldest first, with the index of each.
    pub(crate) fn shown(&self) -> impl DoubleEndedIterator<Item = &LogEntry> {
        self.entries.iter().filter(|entry| entry.shown)
    }

    /// The shown entries up to the one with this id, or all; the newest first.
    pub(crate) fn shown_up_to(&self, bottom: Option<u64>) -> impl Iterator<Item = &LogEntry> {
        let end = match bottom {
            Some(id) => self.entries.partition_point(|entry| entry.id <= id),
            None => self.entries.len(),
        };
        self.entries.range(..end).rev().filter(|entry| entry.shown)
    }

    /// The shown entries after the one with this id, oldest first.
    pub(crate) fn shown_after(&self, id: u64) -> impl Iterator<Item = &LogEntry> {
        let start = self.entries.partition_point(|entry| entry.id <= id);
        self.entries.range(start..).filter(|entry| entry.shown)
    }

    /// Decides again which entries are shown.
    pub(crate) fn filter(&mut self, shows: impl Fn(&LogEntry) -> bool) {
        for entry in &mut self.entries {
            entry.shown = shows(entry);
        }
    }

    /// The number of entries.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(seq: u64) -> LogLine {
        LogLine {
            seq,
            domain: "users".into(),
            message: format!("line {seq}").into_bytes(),
            ..LogLine::default()
        }
    }

    #[test]
    fn a_line_is_added_once_and_the_oldest_go() {
        let mut buffer = LogBuffer::default();
        for seq in 1..=MAX_ENTRIES as u64 + 10 {
            assert!(buffer.push_line(&line(seq), |_| true));
            assert!(!buffer.push_line(&line(seq), |_| true));
        }
        assert_eq!(buffer.len(), MAX_ENTRIES);
        let first = buffer.shown().next().map(|entry| entry.text.clone());
        assert_eq!(first.as_deref(), Some("line 11"));
        buffer.restart_numbers();
        assert!(buffer.push_line(&line(1), |_| true));
    }

    #[test]
    fn large_lines_are_bounded_by_their_bytes() {
        let mut buffer = LogBuffer::default();
        let large = LogLine {
            message: vec![b'x'; 1024 * 1024],
            ..line(0)
        };
        for _ in 0..1_000 {
            buffer.push_line(&large, |_| true);
        }
        assert!(buffer.len() < 600, "{}", buffer.len());
    }

    #[test]
    fn entries_are_found_from_an_anchor() {
        let mut buffer = LogBuffer::default();
        for seq in 1..=5 {
            buffer.push_line(&line(seq), |_| seq != 3);
        }
        let texts = |entries: &mut dyn Iterator<Item = &LogEntry>| {
            entries.map(|entry| entry.text.clone()).collect::<Vec<_>>()
        };
        assert_eq!(
            texts(&mut buffer.shown_up_to(Some(3))),
            ["line 4", "line 2", "line 1"]
        );
        assert_eq!(texts(&mut buffer.shown_after(1)), ["line 4", "line 5"]);
        buffer.push_missed(Some(12_345));
        let last = buffer.shown().next_back().map(|entry| entry.text.clone());
        assert_eq!(
            last.as_deref(),
            Some("12k lines left out: output is faster than a screen")
        );
    }
}
