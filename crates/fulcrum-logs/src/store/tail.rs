//! Finds where the newest lines start.

use std::collections::VecDeque;

use super::generations::GenerationRef;
use super::merge::Filter;
use super::query::StoreQuery;
use super::segments::DomainSegments;
use crate::message_filter::MessageFilter;

/// The sequence number of the first of the newest `count` matching lines.
pub(super) fn first_seq_of_tail(
    domains: &[DomainSegments],
    query: &StoreQuery,
    count: usize,
) -> u64 {
    let filter = Filter::new(query, query.after_seq.saturating_add(1));
    let mut all = Vec::new();
    for (segments, generation) in query.select(domains) {
        all.extend(newest_seqs(segments, generation, query, &filter, count));
    }
    all.sort_unstable();
    let first = all.len().saturating_sub(count);
    all.get(first).copied().unwrap_or(u64::MAX)
}

/// The sequence numbers of the newest `count` matching lines of one domain.
fn newest_seqs(
    segments: &DomainSegments,
    generation: Option<GenerationRef>,
    query: &StoreQuery,
    filter: &Filter,
    count: usize,
) -> VecDeque<u64> {
    let mut found: VecDeque<u64> = VecDeque::new();
    for segment in segments.since(query.query.since).rev() {
        let missing = count - found.len();
        if missing == 0 {
            break;
        }
        let Some(mut reader) = segments.open(segment) else {
            continue;
        };
        let mut in_segment = VecDeque::new();
        let mut messages = MessageFilter::new(query.query.level, query.pattern.clone());
        while let Some(header) = reader.header() {
            if !filter.matches_record(&header, reader.run, generation) {
                reader.skip(&header);
            } else if query.depends_on_text()
                || query.last_seq.is_some_and(|last| header.end_seq() > last)
            {
                let chunk = reader.chunk(&header);
                for line in chunk.iter().flat_map(crate::chunk::Chunk::lines) {
                    messages.push(line, reader.run);
                    in_segment.extend(next_seqs(&mut messages, filter));
                }
            } else {
                // The record may begin before the lines that are asked for.
                in_segment.extend(header.first_seq.max(filter.first_seq())..header.end_seq());
                reader.skip(&header);
            }
            let surplus = in_segment.len().saturating_sub(missing);
            in_segment.drain(..surplus);
        }
        messages.finish();
        in_segment.extend(next_seqs(&mut messages, filter));
        let surplus = in_segment.len().saturating_sub(missing);
        in_segment.drain(..surplus);
        in_segment.append(&mut found);
        found = in_segment;
    }
    found
}

/// The numbers of the selected lines that are known so far.
fn next_seqs(messages: &mut MessageFilter, filter: &Filter) -> impl Iterator<Item = u64> {
    let selected = std::iter::from_fn(|| messages.pop());
    selected
        .filter(|(line, _)| filter.is_in_range(line))
        .map(|(line, _)| line.seq)
}
