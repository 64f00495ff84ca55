//! Lines that were read together, stored as they were written.
//!
//! A single line costs an allocation and several reference counts. Reads of up to 256 KiB contain
//! thousands of lines, which share their source, time and memory. A [`LogLine`] is made, and its
//! level detected, only when the line is read.

use std::time::SystemTime;

use bytes::Bytes;

use crate::level::detect_level;
use crate::line::{Level, LogLine, Source, Stream};
use crate::line_splitter::{LineBatch, slice_at};

/// Memory of a chunk besides its text, in bytes: its struct, two allocations, unused capacity.
const CHUNK_COST: usize = size_of::<Chunk>() + 128;

/// Lines of one source and stream that were read together, with consecutive numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Chunk {
    /// Sequence number of the first line; assigned by the hub.
    pub first_seq: u64,
    /// When the lines were read.
    pub time: SystemTime,
    /// The generation that wrote them.
    pub source: Source,
    /// The stream they were written to.
    pub stream: Stream,
    /// The level of Fulcrum's own lines; of other lines, that of the line which the first one
    /// continues. All other levels are detected from the text.
    pub explicit_level: Option<Level>,
    /// The lines.
    pub lines: LineBatch,
}

impl Chunk {
    /// The sequence number after the last line.
    #[must_use]
    pub fn end_seq(&self) -> u64 {
        self.first_seq + u64::from(self.lines.lines)
    }

    /// The lines, in order. They share the memory of the chunk.
    pub fn lines(&self) -> impl Iterator<Item = LogLine> + '_ {
        let mut cursor = ChunkCursor::default();
        std::iter::from_fn(move || self.line(&mut cursor))
    }

    /// The lines, with the levels of Fulcrum's own lines only: those of others are found by a search
    /// in their text, which takes longer than all else.
    pub(crate) fn lines_without_levels(&self) -> impl Iterator<Item = LogLine> + '_ {
        let mut cursor = ChunkCursor::default();
        std::iter::from_fn(move || self.line_with(&mut cursor, false))
    }

    /// The line at the cursor, which advances; `None` at the end.
    pub(crate) fn line(&self, cursor: &mut ChunkCursor) -> Option<LogLine> {
        self.line_with(cursor, true)
    }

    fn line_with(&self, cursor: &mut ChunkCursor, detects_level: bool) -> Option<LogLine> {
        let (slice, next) = slice_at(&self.lines.text, cursor.offset)?;
        // Without the LF, but with the CR of a CRLF.
        let end = next - usize::from(!slice.partial);
        let message = self.lines.text.slice(cursor.offset..end);
        let is_explicit =
            self.stream == Stream::Fulcrum || (cursor.line == 0 && self.lines.continues);
        let level = match (is_explicit, detects_level) {
            (true, _) => self.explicit_level,
            (false, true) => detect_level(slice.bytes, self.stream),
            (false, false) => None,
        };
        let line = LogLine {
            seq: self.first_seq + u64::from(cursor.line),
            time: self.time,
            source: self.source.clone(),
            stream: self.stream,
            level,
            message,
            partial: slice.partial,
            continues: false,
            message_trace: None,
        };
        *cursor = ChunkCursor {
            offset: next,
            line: cursor.line + 1,
        };
        Some(line)
    }

    /// A chunk of a single line in its own memory: a reference to one line of many would keep all of
    /// them in memory.
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
                // Makes the level explicit.
                continues: true,
                partial: line.partial,
            },
        }
    }

    /// The memory that the chunk counts as, in bytes.
    pub(crate) fn memory_cost(&self) -> usize {
        CHUNK_COST + self.lines.text.len()
    }
}

/// A position in a chunk.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ChunkCursor {
    offset: usize,
    line: u32,
}

impl ChunkCursor {
    /// The number of lines before the cursor.
    pub(crate) fn lines_read(self) -> u32 {
        self.line
    }
}
