//! Lines of the store, and records that were received over OTLP.

use super::query::{Stored, StoredLine};
use crate::received::ReceivedLine;

/// What is shown of a trace.
#[derive(Debug)]
pub enum LineOrReceived {
    /// A line, or where lines are missing.
    Stored(Stored),
    /// A record that was received over OTLP.
    Received(ReceivedLine),
}

/// Lines and records, each in their order, by time: a record is before the first line that was
/// captured after it.
pub fn interleave(
    stored: impl Iterator<Item = Stored>,
    received: Vec<ReceivedLine>,
) -> impl Iterator<Item = LineOrReceived> {
    let mut stored = stored.peekable();
    let mut received = received.into_iter().peekable();
    std::iter::from_fn(move || {
        let comes_first = |one: &ReceivedLine| match stored.peek() {
            Some(Stored::Line(found)) => one.time < found.line.time,
            Some(Stored::Gap(_)) => false,
            None => true,
        };
        match received.next_if(comes_first) {
            Some(one) => Some(LineOrReceived::Received(one)),
            None => stored.next().map(LineOrReceived::Stored),
        }
    })
}

/// Merges what is stored with lines in memory, both in order, without duplicates.
pub fn merge_once(
    stored: impl Iterator<Item = Stored>,
    in_memory: impl Iterator<Item = StoredLine>,
) -> impl Iterator<Item = Stored> {
    let mut stored = stored.peekable();
    let mut in_memory = in_memory.peekable();
    std::iter::from_fn(move || {
        let next_line = in_memory.peek().map(|found| found.line.seq);
        match stored.peek() {
            Some(Stored::Line(found)) if next_line == Some(found.line.seq) => {
                stored.next();
                in_memory.next().map(Stored::Line)
            }
            Some(next) if next_line.is_none_or(|line| first_seq(next) <= line) => stored.next(),
            _ => in_memory.next().map(Stored::Line),
        }
    })
}

fn first_seq(stored: &Stored) -> u64 {
    match stored {
        Stored::Line(found) => found.line.seq,
        Stored::Gap(gap) => gap.first_seq,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::line::LogLine;
    use crate::test_support::line;

    #[test]
    fn records_are_among_the_lines_by_their_times() {
        let stored = [10, 20, 15].map(|millis| {
            let line = LogLine {
                seq: millis,
                time: SystemTime::UNIX_EPOCH + Duration::from_millis(millis),
                ..line("users", "x")
            };
            Stored::Line(StoredLine { line, run: 1 })
        });
        let records = [5, 10, 12, 30].map(|millis| ReceivedLine {
            time: SystemTime::UNIX_EPOCH + Duration::from_millis(millis),
            domain: "users".into(),
            level: None,
            trace_id: None,
            span_id: None,
            text: format!("record {millis}"),
        });
        let shown: Vec<String> = interleave(stored.into_iter(), records.into())
            .map(|one| match one {
                LineOrReceived::Stored(Stored::Line(found)) => format!("line {}", found.line.seq),
                LineOrReceived::Stored(Stored::Gap(_)) => "gap".to_owned(),
                LineOrReceived::Received(one) => one.text,
            })
            .collect();
        let expected = [
            "record 5",
            "line 10",
            "record 10",
            "record 12",
            "line 20",
            "line 15",
            "record 30",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn lines_in_the_store_and_in_memory_are_merged_once() {
        let found = |seq, run| {
            let line = LogLine {
                seq,
                ..line("users", "x")
            };
            StoredLine { line, run }
        };
        let stored = [1, 2, 5, 6].map(|seq| Stored::Line(found(seq, 1)));
        let in_memory = [2, 3, 4, 6, 7].map(|seq| found(seq, 2));
        let all: Vec<_> = merge_once(stored.into_iter(), in_memory.into_iter())
            .filter_map(Stored::line)
            .map(|found| (found.line.seq, found.run))
            .collect();
        let expected = [(1, 1), (2, 2), (3, 2), (4, 2), (5, 1), (6, 2), (7, 2)];
        assert_eq!(all, expected);
    }
}
