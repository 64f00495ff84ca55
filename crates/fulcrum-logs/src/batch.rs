//! Lines that were said together, stored together.
//!
//! A line on its own costs an allocation and several reference counts. Read a quarter of a
//! megabyte at a time, lines come by the thousand and share their source, their time and their
//! memory; a [`LogLine`] is made of them only when somebody looks.

use std::time::SystemTime;

use bytes::Bytes;

use crate::{Level, LogLine, Piece, Source, Stream};

/// Bytes of text after which a batch is full: big enough to make the cost per line small, small
/// enough that one line of it still wanted doesn't keep much else alive.
const FULL_TEXT: usize = 64 * 1024;
/// Lines after which a batch is full, however short they are.
const FULL_LINES: usize = 2048;
/// Bytes that a line is charged with besides its text. More than its mark takes, since those who
/// look at the lines make something bigger of them.
const LINE_COST: usize = 40;
/// Bytes that a batch is charged with besides its lines: its struct and three allocations.
const BATCH_COST: usize = size_of::<Batch>() + 64;

/// Lines of one source and stream, read at one time, numbered in a row.
#[derive(Debug)]
pub(crate) struct Batch {
    /// Number of the first line; given by the hub.
    pub(crate) first_seq: u64,
    pub(crate) time: SystemTime,
    pub(crate) source: Source,
    pub(crate) stream: Stream,
    text: Bytes,
    marks: Box<[Mark]>,
}

/// Where in the text a line ends, and what is known of it.
#[derive(Debug, Clone, Copy)]
struct Mark {
    end: u32,
    level: Option<Level>,
    partial: bool,
}

impl Batch {
    /// A batch of one line.
    pub(crate) fn single(
        source: Source,
        stream: Stream,
        level: Option<Level>,
        message: Bytes,
        partial: bool,
        time: SystemTime,
    ) -> Self {
        let mark = Mark {
            end: offset(message.len()),
            level,
            partial,
        };
        Self {
            first_seq: 0,
            time,
            source,
            stream,
            text: message,
            marks: Box::new([mark]),
        }
    }

    /// How many lines there are; never zero.
    pub(crate) fn len(&self) -> usize {
        self.marks.len()
    }

    pub(crate) fn level(&self, at: usize) -> Option<Level> {
        self.marks[at].level
    }

    /// The line at a position below `len`. It shares the memory of the batch.
    pub(crate) fn line(&self, at: usize) -> LogLine {
        let Mark {
            end,
            level,
            partial,
        } = self.marks[at];
        let start = at.checked_sub(1).map_or(0, |before| self.marks[before].end);
        LogLine {
            seq: self.first_seq + at as u64,
            time: self.time,
            source: self.source.clone(),
            stream: self.stream,
            level,
            message: self.text.slice(start as usize..end as usize),
            partial,
        }
    }

    /// Bytes of memory that it is charged with.
    pub(crate) fn cost(&self) -> usize {
        BATCH_COST + self.text.len() + self.marks.len() * LINE_COST
    }
}

/// A batch in the making; used again for the next one.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    text: Vec<u8>,
    marks: Vec<Mark>,
}

impl Draft {
    /// Whether a batch should be made before `piece` is added.
    pub(crate) fn is_full_for(&self, piece: Piece<'_>) -> bool {
        self.marks.len() >= FULL_LINES
            || (!self.marks.is_empty() && self.text.len() + piece.bytes.len() > FULL_TEXT)
    }

    pub(crate) fn add(&mut self, piece: Piece<'_>, level: Option<Level>) {
        self.text.extend_from_slice(piece.bytes);
        self.marks.push(Mark {
            end: offset(self.text.len()),
            level,
            partial: piece.partial,
        });
    }

    /// Makes a batch of what was added, in memory of exactly its size; `None` if nothing was.
    pub(crate) fn seal(
        &mut self,
        source: &Source,
        stream: Stream,
        time: SystemTime,
    ) -> Option<Batch> {
        if self.marks.is_empty() {
            return None;
        }
        let batch = Batch {
            first_seq: 0,
            time,
            source: source.clone(),
            stream,
            text: Bytes::copy_from_slice(&self.text),
            marks: self.marks.as_slice().into(),
        };
        self.text.clear();
        self.marks.clear();
        Some(batch)
    }

    /// Gives back what a flood has made it grow to.
    pub(crate) fn shrink(&mut self) {
        self.text.shrink_to(FULL_TEXT / 16);
        self.marks.shrink_to(FULL_LINES / 16);
    }
}

fn offset(length: usize) -> u32 {
    u32::try_from(length).expect("a batch holds a full text and one line of MAX_LINE at most")
}
