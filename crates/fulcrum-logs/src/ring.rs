//! The newest lines in memory, bounded by bytes and fair between domains.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::chunk::Chunk;
use crate::line::LogLine;
use crate::query::LogQuery;

/// Lines before the oldest requested one that are read to know which message it continues.
pub(crate) const MESSAGE_CONTEXT: usize = 100;

/// The newest lines of all domains, within a number of bytes.
///
/// Each domain has its own buffer, and lines are evicted from the largest one. So a domain with much
/// output evicts its own lines and not those of others.
#[derive(Debug)]
pub(crate) struct RingBuffer {
    limit: usize,
    bytes: usize,
    buffers: BTreeMap<Arc<str>, DomainBuffer>,
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
            buffers: BTreeMap::new(),
        }
    }

    /// Adds the newest chunk. It is stored even if it exceeds the limit.
    pub(crate) fn push(&mut self, chunk: Arc<Chunk>) {
        let domain = Arc::clone(&chunk.source.domain);
        let cost = chunk.memory_cost();
        let buffer = self.buffers.entry(Arc::clone(&domain)).or_default();
        buffer.bytes += cost;
        self.bytes += cost;
        buffer.chunks.push_back(chunk);
        while self.bytes > self.limit && self.evict_oldest_of_largest(&domain) {}
    }

    /// The lines that match a query, their levels aside, in no particular order: at least `tail` of
    /// each domain, and some before them, whose messages they may continue. With a level, all, since
    /// any may match.
    pub(crate) fn select(&self, query: &LogQuery) -> Vec<LogLine> {
        let tail = match (query.tail, query.level) {
            (Some(tail), None) => tail.saturating_add(MESSAGE_CONTEXT),
            _ => usize::MAX,
        };
        let mut found = Vec::new();
        let buffers = self.buffers.iter();
        for (_, buffer) in buffers.filter(|(name, _)| query.matches_domain(name)) {
            let enough = found.len().saturating_add(tail);
            let chunks = buffer.chunks.iter().rev();
            for chunk in chunks.filter(|chunk| query.matches_earlier(chunk)) {
                if found.len() >= enough {
                    break;
                }
                let start = found.len();
                found.extend(chunk.lines());
                let surplus = found.len().saturating_sub(enough);
                // The newest stay.
                found.drain(start..start + surplus);
            }
        }
        found
    }

    /// Evicts a chunk; false if only the newest chunk, of `newest`, is left.
    fn evict_oldest_of_largest(&mut self, newest: &Arc<str>) -> bool {
        let largest = self
            .buffers
            .iter_mut()
            .filter(|(name, buffer)| *name != newest || buffer.chunks.len() > 1)
            .max_by_key(|(_, buffer)| buffer.bytes);
        let Some((name, buffer)) = largest else {
            return false;
        };
        if let Some(oldest) = buffer.chunks.pop_front() {
            buffer.bytes -= oldest.memory_cost();
            self.bytes -= oldest.memory_cost();
        }
        if buffer.chunks.is_empty() {
            let name = Arc::clone(name);
            self.buffers.remove(&name);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::test_support::line;

    fn push(ring: &mut RingBuffer, domain: &str, seq: u64, length: usize) {
        let line = LogLine {
            seq,
            ..line(domain, vec![b'x'; length])
        };
        ring.push(Arc::new(Chunk::single_line(&line)));
    }

    #[test]
    fn a_flood_does_not_evict_the_lines_of_others() {
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
    fn the_newest_chunk_is_stored_even_over_the_limit() {
        let mut ring = RingBuffer::new(1_000);
        push(&mut ring, "a", 1, 10);
        push(&mut ring, "b", 2, 5_000);
        let left = ring.select(&LogQuery::default());
        assert_eq!(left.iter().map(|line| line.seq).collect::<Vec<_>>(), [2]);
    }

    proptest! {
        #[test]
        fn the_limit_holds_and_the_newest_of_each_domain_stay(
            lines in prop::collection::vec((0_usize..4, 0_usize..400), 1..120),
            limit in 600_usize..8_000,
        ) {
            const NAMES: [&str; 4] = ["a", "b", "c", "d"];
            let mut ring = RingBuffer::new(limit);
            for (at, (domain, length)) in lines.iter().enumerate() {
                let seq = at as u64 + 1;
                push(&mut ring, NAMES[*domain], seq, *length);
                let chunks = ring.buffers.values().flat_map(|buffer| &buffer.chunks);
                let cost: usize = chunks.map(|chunk| chunk.memory_cost()).sum();
                let kept = ring.select(&LogQuery::default());
                prop_assert_eq!(cost, ring.bytes);
                prop_assert!(cost <= limit || kept.len() == 1);
                prop_assert!(kept.iter().any(|line| line.seq == seq));
                // The stored lines of a domain are consecutive up to its newest.
                for (number, name) in NAMES.iter().enumerate() {
                    let mut kept: Vec<u64> = ring
                        .select(&LogQuery::domain(*name))
                        .iter()
                        .map(|line| line.seq)
                        .collect();
                    kept.sort_unstable();
                    let all: Vec<u64> = lines[..=at]
                        .iter()
                        .zip(1_u64..)
                        .filter(|((domain, _), _)| *domain == number)
                        .map(|(_, seq)| seq)
                        .collect();
                    prop_assert!(all.ends_with(&kept));
                }
            }
        }
    }
}
