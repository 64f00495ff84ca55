//! Several domains' lines in one order.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use super::generations::GenerationRef;
use super::reader::{StoreQuery, StoreReader, StoredLine};
use super::record::Header;
use super::segment::Segment;
use super::segment_reader::SegmentReader;
use crate::chunk::ChunkCursor;
use crate::{Chunk, LogQuery, Stream};

/// Gives the lines of an archive by number. Lines of one record are never between those of another,
/// so records are what is merged; of each domain one is held at a time.
pub(super) struct MergeIter {
    cursors: Vec<Cursor>,
    /// The next number of each cursor, the smallest first.
    order: BinaryHeap<Reverse<(u64, usize)>>,
    now: Option<(Chunk, ChunkCursor, u64)>,
    filter: Filter,
}

/// What is wanted, but for domains and lives.
pub(super) struct Filter {
    query: LogQuery,
    pattern: Option<regex::bytes::Regex>,
    first_seq: u64,
    last_seq: u64,
    live: bool,
    domains_only: bool,
}

impl Filter {
    pub(super) fn of(wanted: &StoreQuery, first_seq: u64) -> Self {
        Self {
            query: wanted.query.clone(),
            pattern: wanted.pattern.clone(),
            first_seq,
            last_seq: wanted.last_seq.unwrap_or(u64::MAX),
            live: wanted.has_writer,
            domains_only: wanted.domains_only,
        }
    }

    /// Whether lines of this record may be wanted.
    pub(super) fn wants(&self, header: &Header, run: u64, life: Option<GenerationRef>) -> bool {
        let GenerationRef { generation, .. } = life.unwrap_or(GenerationRef {
            run,
            generation: header.generation,
        });
        life.is_none_or(|life| life.run == run)
            && header.generation == generation
            && header.end_seq() > self.first_seq
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

    /// Whether lines have to be looked at to be told.
    pub(super) fn looks_at_lines(&self) -> bool {
        self.query.level.is_some() || self.pattern.is_some()
    }

    /// Whether a line of a record that is wanted is wanted itself.
    pub(super) fn wants_line(&self, line: &crate::LogLine) -> bool {
        line.seq >= self.first_seq
            && line.seq <= self.last_seq
            && self.query.wants_line(line)
            && self
                .pattern
                .as_ref()
                .is_none_or(|pattern| pattern.is_match(line.content()))
    }
}

/// How far one domain has been read.
struct Cursor {
    folder: PathBuf,
    domain: Arc<str>,
    life: Option<GenerationRef>,
    segments: VecDeque<Segment>,
    reader: Option<SegmentReader>,
    header: Option<Header>,
}

impl MergeIter {
    pub(super) fn new(
        archive: &StoreReader,
        wanted: &StoreQuery,
        first_seq: u64,
    ) -> io::Result<Self> {
        let filter = Filter::of(wanted, first_seq);
        let mut cursors = Vec::new();
        let mut order = BinaryHeap::new();
        for (shelf, life) in archive.wanted(wanted) {
            let mut segments: VecDeque<Segment> =
                shelf.since(wanted.query.since).cloned().collect();
            // Those before the one in which the first wanted line is.
            while segments
                .get(1)
                .is_some_and(|next| next.first_seq <= first_seq)
            {
                segments.pop_front();
            }
            if let Some(first) = segments.front() {
                order.push(Reverse((first.first_seq, cursors.len())));
                cursors.push(Cursor {
                    folder: shelf.folder.clone(),
                    domain: Arc::clone(&shelf.domain),
                    life,
                    segments,
                    reader: None,
                    header: None,
                });
            }
        }
        Ok(Self {
            cursors,
            order,
            now: None,
            filter,
        })
    }

    /// The next record that may be wanted.
    fn next_chunk(&mut self) -> Option<(Chunk, u64)> {
        loop {
            let Reverse((seq, at)) = self.order.pop()?;
            if seq > self.filter.last_seq {
                return None;
            }
            let cursor = &mut self.cursors[at];
            let found = cursor.read_chunk(self.filter.live);
            // A file that can't be opened any more is one that has gone.
            if let Some(next) = cursor.advance(&self.filter) {
                self.order.push(Reverse((next, at)));
            }
            if found.is_some() {
                return found;
            }
        }
    }
}

impl Cursor {
    /// The chunk whose header was read.
    fn read_chunk(&mut self, live: bool) -> Option<(Chunk, u64)> {
        let header = self.header.take()?;
        let reader = self.reader.as_mut()?;
        let chunk = reader.chunk(&header)?;
        let whole = chunk.lines.text.len() == header.length as usize;
        (whole || !live).then_some((chunk, reader.run))
    }

    /// Goes on to the next record that may be wanted, or the next segment; gives its number.
    fn advance(&mut self, filter: &Filter) -> Option<u64> {
        loop {
            if let Some(reader) = &mut self.reader {
                while let Some(header) = reader.header() {
                    if filter.wants(&header, reader.run, self.life) {
                        let seq = header.first_seq;
                        self.header = Some(header);
                        return Some(seq);
                    }
                    reader.skip(&header);
                }
                self.reader = None;
                // The next one is opened when its turn comes: many files, few open.
                return self.segments.front().map(|segment| segment.first_seq);
            }
            let segment = self.segments.pop_front()?;
            self.reader = SegmentReader::open(&self.folder, &segment, &self.domain)
                .ok()
                .flatten();
        }
    }
}

impl Iterator for MergeIter {
    type Item = StoredLine;

    fn next(&mut self) -> Option<StoredLine> {
        loop {
            if let Some((chunk, place, run)) = &mut self.now {
                while let Some(line) = chunk.line(place) {
                    if self.filter.wants_line(&line) {
                        return Some(StoredLine { line, run: *run });
                    }
                }
            }
            let (chunk, run) = self.next_chunk()?;
            self.now = Some((chunk, ChunkCursor::default(), run));
        }
    }
}
