//! Lines that were said together, kept together as they were written.
//!
//! A line on its own costs an allocation and several reference counts. Read a quarter of a
//! megabyte at a time, lines come by the thousand and share their source, their time and their
//! memory; a [`LogLine`] is made of them, and its level looked for, only when somebody looks.

use std::time::SystemTime;

use bytes::Bytes;

use crate::line_splitter::piece_at;
use crate::{Level, LineBatch, LogLine, Source, Stream, detect_level};

/// Bytes that a chunk is charged with besides its text: its struct, two allocations, and what its
/// text may leave unused.
const CHUNK_COST: usize = size_of::<Chunk>() + 128;

/// Lines of one source and stream, read at one time, numbered in a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Chunk {
    /// Number of the first line; given by the hub.
    pub first_seq: u64,
    /// When it was read.
    pub time: SystemTime,
    /// Who wrote it.
    pub source: Source,
    /// Through which stream.
    pub stream: Stream,
    /// The level of Fulcrum's own lines; in others, that of a line which the first one continues.
    /// Of all other lines it is told by what they say.
    pub explicit_level: Option<Level>,
    /// The lines.
    pub lines: LineBatch,
}

impl Chunk {
    /// The number after that of the last line.
    #[must_use]
    pub fn end_seq(&self) -> u64 {
        self.first_seq + u64::from(self.lines.lines)
    }

    /// The lines, in order. They share the memory of the chunk.
    pub fn lines(&self) -> impl Iterator<Item = LogLine> + '_ {
        let mut place = ChunkCursor::default();
        std::iter::from_fn(move || self.line(&mut place))
    }

    /// The line at a place, which is moved on to the next; none at the end.
    pub(crate) fn line(&self, place: &mut ChunkCursor) -> Option<LogLine> {
        let (piece, next) = piece_at(&self.lines.text, place.offset)?;
        // Without the LF, but with the CR of a CRLF.
        let end = next - usize::from(!piece.partial);
        let message = self.lines.text.slice(place.offset..end);
        let given = self.stream == Stream::Fulcrum || (place.line == 0 && self.lines.continues);
        let level = match given {
            true => self.explicit_level,
            false => detect_level(piece.bytes, self.stream),
        };
        let line = LogLine {
            seq: self.first_seq + u64::from(place.line),
            time: self.time,
            source: self.source.clone(),
            stream: self.stream,
            level,
            message,
            partial: piece.partial,
        };
        *place = ChunkCursor {
            offset: next,
            line: place.line + 1,
        };
        Some(line)
    }

    /// A chunk of one of its lines alone, in memory of its own: one line picked out of many would
    /// keep all of them alive.
    pub(crate) fn single_line(line: &LogLine) -> Self {
        let end: &[u8] = if line.partial { b"" } else { b"\n" };
        let text = [&line.message[..], end].concat();
        Self {
            first_seq: line.seq,
            time: line.time,
            source: line.source.clone(),
            stream: line.stream,
            explicit_level: line.level,
            lines: LineBatch {
                text: Bytes::from(text),
                lines: 1,
                // So that the level is the one that is known already.
                continues: true,
                partial: line.partial,
            },
        }
    }

    /// Bytes of memory that it is charged with.
    pub(crate) fn memory_cost(&self) -> usize {
        CHUNK_COST + self.lines.text.len()
    }
}

/// How far a reader of a chunk has come.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ChunkCursor {
    offset: usize,
    line: u32,
}

impl ChunkCursor {
    /// How many lines lie behind.
    pub(crate) fn taken(self) -> u32 {
        self.line
    }
}
