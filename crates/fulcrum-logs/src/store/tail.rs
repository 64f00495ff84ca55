//! Where the newest lines begin.

use std::collections::VecDeque;
use std::io;

use super::generations::GenerationRef;
use super::merge::Filter;
use super::reader::{DomainSegments, StoreQuery, StoreReader};

/// The number of the first of the newest `n` wanted lines.
pub(super) fn first_seq_of_tail(
    archive: &StoreReader,
    wanted: &StoreQuery,
    n: usize,
) -> io::Result<u64> {
    let filter = Filter::of(wanted, wanted.after_seq.saturating_add(1));
    let mut all = Vec::new();
    for (shelf, life) in archive.wanted(wanted) {
        all.extend(newest_seqs(shelf, life, wanted, &filter, n)?);
    }
    all.sort_unstable();
    let first = all.len().saturating_sub(n);
    Ok(all.get(first).copied().unwrap_or(u64::MAX))
}

/// The numbers of the newest `n` wanted lines of one domain.
fn newest_seqs(
    shelf: &DomainSegments,
    life: Option<GenerationRef>,
    wanted: &StoreQuery,
    filter: &Filter,
    n: usize,
) -> io::Result<VecDeque<u64>> {
    let mut found: VecDeque<u64> = VecDeque::new();
    for segment in shelf.since(wanted.query.since).rev() {
        let missing = n - found.len();
        if missing == 0 {
            break;
        }
        let Some(mut reader) = shelf.reader(segment)? else {
            continue;
        };
        let mut here = VecDeque::new();
        while let Some(header) = reader.header() {
            if !filter.wants(&header, reader.run, life) {
                reader.skip(&header);
            } else if filter.looks_at_lines()
                || wanted.last_seq.is_some_and(|last| header.end_seq() > last)
            {
                let chunk = reader.chunk(&header);
                let lines = chunk.iter().flat_map(crate::Chunk::lines);
                here.extend(
                    lines
                        .filter(|line| filter.wants_line(line))
                        .map(|line| line.seq),
                );
            } else {
                here.extend(header.first_seq..header.end_seq());
                reader.skip(&header);
            }
            let surplus = here.len().saturating_sub(missing);
            here.drain(..surplus);
        }
        here.append(&mut found);
        found = here;
    }
    Ok(found)
}
