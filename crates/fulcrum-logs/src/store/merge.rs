//! Merges the lines of several domains by sequence number.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use super::gap::{Damage, StoreGap};
use super::generations::GenerationRef;
use super::query::{StoreQuery, Stored, StoredLine};
use super::record::Header;
use super::segment::Segment;
use super::segment_reader::{Opened, SegmentReader};
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
    /// Gaps after the current chunk.
    gaps: VecDeque<StoreGap>,
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

    /// The number of the first line that may match.
    pub(super) fn first_seq(&self) -> u64 {
        self.first_seq
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

    /// Whether damage may have hidden matching lines. `is_being_written` is whether the segment is the
    /// one to which an instance writes: its end is not damaged, but incomplete.
    fn matches_damage(
        &self,
        damage: &Damage,
        run: Option<u64>,
        generation: Option<GenerationRef>,
        is_being_written: bool,
    ) -> bool {
        let before = damage.before.as_ref();
        let after = damage.after.as_ref();
        let is_generation = generation.is_none_or(|selected| {
            run.is_none_or(|run| run == selected.run)
                && before.is_none_or(|header| header.generation <= selected.generation)
                && after.is_none_or(|header| header.generation >= selected.generation)
        });
        is_generation
            && !(is_being_written && after.is_none())
            && damage.end_seq.is_none_or(|end| end > self.first_seq)
            && damage.first_seq <= self.last_seq
            && before
                .is_none_or(|header| self.query.until.is_none_or(|until| header.time() < until))
            && after
                .is_none_or(|header| self.query.since.is_none_or(|since| header.time() >= since))
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
    /// The segment that is read.
    segment: Option<Segment>,
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
                    segment: None,
                    reader: None,
                    header: None,
                });
            }
        }
        Self {
            cursors,
            order,
            current: None,
            gaps: VecDeque::new(),
            filter,
            messages: MessageFilter::new(query.query.level, query.pattern.clone()),
        }
    }

    /// The next record that may match. None at the end, and where there is a gap before it.
    fn next_chunk(&mut self) -> Option<(Chunk, u64)> {
        while self.gaps.is_empty() {
            let Reverse((seq, at)) = self.order.pop()?;
            if seq > self.filter.last_seq {
                return None;
            }
            let cursor = &mut self.cursors[at];
            let chunk = cursor.read_chunk(self.filter.has_writer);
            if let Some(next) = cursor.advance(&self.filter, &mut self.gaps) {
                self.order.push(Reverse((next, at)));
            }
            if chunk.is_some() {
                return chunk;
            }
        }
        None
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
    fn advance(&mut self, filter: &Filter, gaps: &mut VecDeque<StoreGap>) -> Option<u64> {
        loop {
            if let Some(mut reader) = self.reader.take() {
                while let Some(header) = self.next_header(&mut reader, filter, gaps) {
                    if filter.matches_record(&header, reader.run, self.generation) {
                        let seq = header.first_seq;
                        self.header = Some(header);
                        self.reader = Some(reader);
                        return Some(seq);
                    }
                    reader.skip(&header);
                }
                // The next segment is opened when it is needed: few files are open at once.
                return self.segments.front().map(|segment| segment.first_seq);
            }
            let segment = self.segments.pop_front()?;
            match SegmentReader::open(&self.dir, &segment, &self.domain) {
                Opened::Reader(reader) => self.reader = Some(*reader),
                Opened::Removed => {}
                Opened::Damaged(reason) => {
                    let damage = Damage {
                        first_seq: segment.first_seq,
                        end_seq: None,
                        before: None,
                        after: None,
                        reason,
                    };
                    gaps.extend(self.gap(damage, None, &segment, filter));
                }
            }
            self.segment = Some(segment);
        }
    }

    /// The next header of the segment, and the gap before it.
    fn next_header(
        &self,
        reader: &mut SegmentReader,
        filter: &Filter,
        gaps: &mut VecDeque<StoreGap>,
    ) -> Option<Header> {
        let header = reader.header();
        if let (Some(damage), Some(segment)) = (reader.take_damage(), &self.segment) {
            gaps.extend(self.gap(damage, Some(reader.run), segment, filter));
        }
        header
    }

    /// The gap that damage of a segment is, if it may have hidden matching lines.
    fn gap(
        &self,
        damage: Damage,
        run: Option<u64>,
        segment: &Segment,
        filter: &Filter,
    ) -> Option<StoreGap> {
        let next = self.segments.front().map(|next| next.first_seq);
        let is_being_written = filter.has_writer && next.is_none();
        let damage = Damage {
            end_seq: damage.end_seq.or(next),
            ..damage
        };
        let known = damage.before.as_ref().or(damage.after.as_ref());
        filter
            .matches_damage(&damage, run, self.generation, is_being_written)
            .then(|| StoreGap {
                domain: Arc::clone(&self.domain),
                first_seq: damage.first_seq,
                last_seq: damage.end_seq.map(|end| end.saturating_sub(1)),
                file: segment.path(&self.dir),
                time: known.map_or(segment.written, Header::time),
                generation: known.map_or(0, |header| header.generation),
                reason: damage.reason,
            })
    }
}

impl MergeIter {
    /// The next line of which it is known that it is selected.
    fn next_selected(&mut self) -> Option<Stored> {
        while let Some((line, run)) = self.messages.pop() {
            if self.filter.is_in_range(&line) {
                return Some(Stored::Line(StoredLine { line, run }));
            }
        }
        None
    }
}

impl Iterator for MergeIter {
    type Item = Stored;

    fn next(&mut self) -> Option<Stored> {
        loop {
            if let Some(line) = self.next_selected() {
                return Some(line);
            }
            let next = self.current.as_mut();
            let next = next.and_then(|(chunk, cursor, run)| Some((chunk.line(cursor)?, *run)));
            if let Some((line, run)) = next {
                self.messages.push(line, run);
                continue;
            }
            self.current = None;
            if let Some(gap) = self.gaps.pop_front() {
                return Some(Stored::Gap(gap));
            }
            if let Some((chunk, run)) = self.next_chunk() {
                self.current = Some((chunk, ChunkCursor::default(), run));
            } else if self.gaps.is_empty() {
                self.messages.finish();
                return self.next_selected();
            }
        }
    }
}
