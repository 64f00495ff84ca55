//! What was said last, bounded by bytes and fair between domains.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::{Chunk, LogLine, LogQuery};

/// The newest lines of every domain, together within a number of bytes.
///
/// Each domain has a shelf of its own, and room is made on the fullest one. So a domain that floods
/// pushes out its own past and not the last words of a quiet one.
#[derive(Debug)]
pub(crate) struct RingBuffer {
    limit: usize,
    bytes: usize,
    shelves: BTreeMap<Arc<str>, DomainBuffer>,
}

#[derive(Debug, Default)]
struct DomainBuffer {
    bytes: usize,
    chunks: VecDeque<Arc<Chunk>>,
}

impl RingBuffer {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            bytes: 0,
            shelves: BTreeMap::new(),
        }
    }

    /// Adds what was said last. It is kept however big it is.
    pub(crate) fn push(&mut self, chunk: Arc<Chunk>) {
        let domain = Arc::clone(&chunk.source.domain);
        let cost = chunk.memory_cost();
        let shelf = self.shelves.entry(Arc::clone(&domain)).or_default();
        shelf.bytes += cost;
        self.bytes += cost;
        shelf.chunks.push_back(chunk);
        while self.bytes > self.limit && self.evict_oldest_of_largest(&domain) {}
    }

    /// The lines a query asks for, `n` of each domain at most, in no particular order.
    pub(crate) fn select(&self, query: &LogQuery) -> Vec<LogLine> {
        let n = query.tail.unwrap_or(usize::MAX);
        let mut found = Vec::new();
        let shelves = self.shelves.iter();
        for (_, shelf) in shelves.filter(|(name, _)| query.wants_domain(name)) {
            let enough = found.len().saturating_add(n);
            let chunks = shelf.chunks.iter().rev();
            for chunk in chunks.filter(|chunk| query.wants_past(chunk)) {
                if found.len() >= enough {
                    break;
                }
                let begin = found.len();
                found.extend(chunk.lines().filter(|line| query.wants_line(line)));
                let surplus = found.len().saturating_sub(enough);
                // The newest ones stay.
                found.drain(begin..begin + surplus);
            }
        }
        found
    }

    /// Makes room; false if nothing is left but the chunk that `newest` has just said.
    fn evict_oldest_of_largest(&mut self, newest: &Arc<str>) -> bool {
        let fullest = self
            .shelves
            .iter_mut()
            .filter(|(name, shelf)| *name != newest || shelf.chunks.len() > 1)
            .max_by_key(|(_, shelf)| shelf.bytes);
        let Some((name, shelf)) = fullest else {
            return false;
        };
        if let Some(oldest) = shelf.chunks.pop_front() {
            shelf.bytes -= oldest.memory_cost();
            self.bytes -= oldest.memory_cost();
        }
        if shelf.chunks.is_empty() {
            let name = Arc::clone(name);
            self.shelves.remove(&name);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::{Source, Stream};

    fn push(ring: &mut RingBuffer, domain: &str, seq: u64, length: usize) {
        let source = Source {
            domain: Arc::from(domain),
            generation: 1,
            pid: 1,
        };
        let line = LogLine {
            seq,
            time: SystemTime::UNIX_EPOCH,
            source,
            stream: Stream::Stdout,
            level: None,
            message: Bytes::from(vec![b'x'; length]),
            partial: false,
        };
        ring.push(Arc::new(Chunk::single_line(&line)));
    }

    #[test]
    fn a_flood_does_not_push_out_what_others_said() {
        let mut ring = RingBuffer::new(100_000);
        for seq in 1..=10 {
            push(&mut ring, "quiet", seq, 50);
        }
        for seq in 11..=5_000 {
            push(&mut ring, "loud", seq, 100);
        }
        assert_eq!(ring.select(&LogQuery::domain("quiet")).len(), 10);
        let loud = ring.select(&LogQuery::domain("loud"));
        assert!(loud.len() > 200, "{}", loud.len());
        assert_eq!(loud.iter().map(|line| line.seq).max(), Some(5_000));
    }

    #[test]
    fn what_was_said_last_is_kept_even_if_over_the_limit() {
        let mut ring = RingBuffer::new(1_000);
        push(&mut ring, "a", 1, 10);
        push(&mut ring, "b", 2, 5_000);
        let left = ring.select(&LogQuery::default());
        assert_eq!(left.iter().map(|line| line.seq).collect::<Vec<_>>(), [2]);
    }

    proptest! {
        #[test]
        fn stays_within_its_bytes_and_keeps_the_newest_of_each(
            said in prop::collection::vec((0_usize..4, 0_usize..400), 1..120),
            limit in 600_usize..8_000,
        ) {
            const NAMES: [&str; 4] = ["a", "b", "c", "d"];
            let mut ring = RingBuffer::new(limit);
            for (at, (who, length)) in said.iter().enumerate() {
                let seq = at as u64 + 1;
                push(&mut ring, NAMES[*who], seq, *length);
                let chunks = ring.shelves.values().flat_map(|shelf| &shelf.chunks);
                let cost: usize = chunks.map(|chunk| chunk.memory_cost()).sum();
                let kept = ring.select(&LogQuery::default());
                prop_assert_eq!(cost, ring.bytes);
                prop_assert!(cost <= limit || kept.len() == 1);
                prop_assert!(kept.iter().any(|line| line.seq == seq));
                // What is kept of a domain is an unbroken run up to its newest line.
                for (number, name) in NAMES.iter().enumerate() {
                    let mut kept: Vec<u64> = ring
                        .select(&LogQuery::domain(*name))
                        .iter()
                        .map(|line| line.seq)
                        .collect();
                    kept.sort_unstable();
                    let all: Vec<u64> = said[..=at]
                        .iter()
                        .zip(1_u64..)
                        .filter(|((who, _), _)| *who == number)
                        .map(|(_, seq)| seq)
                        .collect();
                    prop_assert!(all.ends_with(&kept));
                }
            }
        }
    }
}
