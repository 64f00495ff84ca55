//! Merges the lines of several domains by sequence number.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use super::generations::GenerationRef;
use super::query::{StoreQuery, StoredLine};
use super::record::Header;
use super::segment::Segment;
use super::segment_reader::SegmentReader;
use super::segments::DomainSegments;
use crate::chunk::{Chunk, ChunkCursor};
use crate::line::{LogLine, Stream};
use crate::message_filter::MessageFilter;
use crate::query::LogQuery;
use crate::ring::MESSAGE_CONTEXT;

/// The lines of a store by sequence number. The lines of a record are never interleaved with those of
/// another, so records are merged; one of each domain is in memory at a time.
pub(super) struct MergeIter {
    cursors: Vec<Cursor>,
    /// The next sequence number of each cursor, the smallest first.
    order: BinaryHeap<Reverse<(u64, usize)>>,
    current: Option<(Chunk, ChunkCursor, u64)>,
    filter: Filter,
    messages: MessageFilter,
}

/// The conditions of a query, without domains and generations.
pub(super) struct Filter {
    query: LogQuery,
    first_seq: u64,
    /// From here on lines are read, to know which messages the first ones continue.
    context_seq: u64,
    last_seq: u64,
    has_writer: bool,
    domains_only: bool,
}

impl Filter {
    pub(super) fn new(query: &StoreQuery, first_seq: u64) -> Self {
        Self {
            query: query.query.clone(),
            first_seq,
            context_seq: first_seq.saturating_sub(MESSAGE_CONTEXT as u64),
            last_seq: query.last_seq.unwrap_or(u64::MAX),
            has_writer: query.has_writer,
            domains_only: query.domains_only,
        }
    }

    /// Whether lines of a record may match.
    pub(super) fn matches_record(
        &self,
        header: &Header,
        run: u64,
        generation: Option<GenerationRef>,
    ) -> bool {
        generation
            .is_none_or(|selected| selected.run == run && selected.generation == header.generation)
            && header.end_seq() > self.context_seq
            && header.first_seq <= self.last_seq
            && self
                .query
                .stream
                .is_none_or(|stream| stream == header.stream)
            && !(self.domains_only && header.stream == Stream::Fulcrum)
            && self.is_in_time(header.time())
    }

    fn is_in_time(&self, time: SystemTime) -> bool {
        self.query.since.is_none_or(|since| time >= since)
            && self.query.until.is_none_or(|until| time < until)
    }

    /// Whether a line is between the bounds; whether it matches is up to a `MessageFilter`.
    pub(super) fn is_in_range(&self, line: &LogLine) -> bool {
        line.seq >= self.first_seq && line.seq <= self.last_seq
    }
}

/// The position in one domain.
struct Cursor {
    dir: PathBuf,
    domain: Arc<str>,
    generation: Option<GenerationRef>,
    segments: VecDeque<Segment>,
    reader: Option<SegmentReader>,
    header: Option<Header>,
}

impl MergeIter {
    pub(super) fn new(domains: &[DomainSegments], query: &StoreQuery, first_seq: u64) -> Self {
        let filter = Filter::new(query, first_seq);
        let mut cursors = Vec::new();
        let mut order = BinaryHeap::new();
        for (segments, generation) in query.select(domains) {
            let mut files: VecDeque<Segment> = segments.since(query.query.since).cloned().collect();
            // Skips the segments before that of the first line.
            while files
                .get(1)
                .is_some_and(|next| next.first_seq <= filter.context_seq)
            {
                files.pop_front();
            }
            if let Some(first) = files.front() {
                order.push(Reverse((first.first_seq, cursors.len())));
                cursors.push(Cursor {
                    dir: segments.dir.clone(),
                    domain: Arc::clone(&segments.domain),
                    generation,
                    segments: files,
                    reader: None,
                    header: None,
                });
            }
        }
        Self {
            cursors,
            order,
            current: None,
            filter,
            messages: MessageFilter::new(query.query.level, query.pattern.clone()),
        }
    }

    /// The next record that may match.
    fn next_chunk(&mut self) -> Option<(Chunk, u64)> {
        loop {
            let Reverse((seq, at)) = self.order.pop()?;
            if seq > self.filter.last_seq {
                return None;
            }
            let cursor = &mut self.cursors[at];
            let chunk = cursor.read_chunk(self.filter.has_writer);
            // A file that cannot be opened was removed.
            if let Some(next) = cursor.advance(&self.filter) {
                self.order.push(Reverse((next, at)));
            }
            if chunk.is_some() {
                return chunk;
            }
        }
    }
}

impl Cursor {
    /// The chunk whose header was read. An incomplete one is omitted if an instance is writing.
    fn read_chunk(&mut self, has_writer: bool) -> Option<(Chunk, u64)> {
        let header = self.header.take()?;
        let reader = self.reader.as_mut()?;
        let chunk = reader.chunk(&header)?;
        let is_complete = chunk.lines.text.len() == header.length as usize;
        (is_complete || !has_writer).then_some((chunk, reader.run))
    }

    /// Advances to the next record that may match, or to the next segment. Returns its number.
    fn advance(&mut self, filter: &Filter) -> Option<u64> {
        loop {
            if let Some(reader) = &mut self.reader {
                while let Some(header) = reader.header() {
                    if filter.matches_record(&header, reader.run, self.generation) {
                        let seq = header.first_seq;
                        self.header = Some(header);
                        return Some(seq);
                    }
                    reader.skip(&header);
                }
                self.reader = None;
                // The next segment is opened when it is needed: few files are open at once.
                return self.segments.front().map(|segment| segment.first_seq);
            }
            let segment = self.segments.pop_front()?;
            self.reader = SegmentReader::open(&self.dir, &segment, &self.domain)
                .ok()
                .flatten();
        }
    }
}

impl Iterator for MergeIter {
    type Item = StoredLine;

    fn next(&mut self) -> Option<StoredLine> {
        loop {
            if let Some((line, run)) = self.messages.pop() {
                if self.filter.is_in_range(&line) {
                    return Some(StoredLine { line, run });
                }
                continue;
            }
            let next = self.current.as_mut();
            let next = next.and_then(|(chunk, cursor, run)| Some((chunk.line(cursor)?, *run)));
            if let Some((line, run)) = next {
                self.messages.push(line, run);
            } else if let Some((chunk, run)) = self.next_chunk() {
                self.current = Some((chunk, ChunkCursor::default(), run));
            } else {
                self.current = None;
                self.messages.finish();
                let (line, run) = self.messages.pop()?;
                if self.filter.is_in_range(&line) {
                    return Some(StoredLine { line, run });
                }
            }
        }
    }
}
