//! Reads one segment, record by record.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use bytes::{Buf, BytesMut};
use lz4_flex::frame::FrameDecoder;

use super::gap::Damage;
use super::record::{HEADER_LEN, Header};
use super::segment::{self, Segment};
use crate::chunk::Chunk;

/// The size of a read, in bytes.
const READ_SIZE: usize = 64 * 1024;

/// Reads a segment from its start. Bytes that are no record are skipped, up to the next record, and
/// are [`Damage`].
pub(super) struct SegmentReader {
    input: Input,
    buffer: BytesMut,
    /// The id of the run that wrote it.
    pub(super) run: u64,
    domain: Arc<str>,
    /// The number after the last line that was read.
    next_seq: u64,
    last_header: Option<Header>,
    /// Why reading ended before the end of the file.
    read_error: Option<String>,
    damage: Option<Damage>,
}

/// A segment that was opened.
pub(super) enum Opened {
    Reader(Box<SegmentReader>),
    /// It was removed since it was listed: it has expired.
    Removed,
    /// It cannot be read, for this reason.
    Damaged(String),
}

enum Input {
    Plain(File),
    Compressed(Box<FrameDecoder<File>>),
    Ended,
}

impl SegmentReader {
    /// Opens a segment.
    pub(super) fn open(dir: &Path, segment: &Segment, domain: &Arc<str>) -> Opened {
        let path = segment.path(dir);
        let opened = match segment::open(&path) {
            // It may have been compressed since it was listed.
            Err(error) if error.kind() == io::ErrorKind::NotFound && !segment.compressed => {
                let compressed = segment::path(dir, segment.first_seq, segment::COMPRESSED_EXT);
                segment::open(&compressed).map(|file| (file, true))
            }
            opened => opened.map(|file| (file, segment.compressed)),
        };
        let (file, compressed) = match opened {
            Ok(opened) => opened,
            // Expired segments are removed while others are read.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Opened::Removed,
            Err(error) => return Opened::Damaged(error.to_string()),
        };
        let input = if compressed {
            Input::Compressed(Box::new(FrameDecoder::new(file)))
        } else {
            Input::Plain(file)
        };
        let mut reader = Self {
            input,
            buffer: BytesMut::new(),
            run: 0,
            domain: Arc::clone(domain),
            next_seq: segment.first_seq,
            last_header: None,
            read_error: None,
            damage: None,
        };
        if reader.read_file_header() {
            return Opened::Reader(Box::new(reader));
        }
        let is_empty = reader.buffer.is_empty();
        Opened::Damaged(reader.read_error.unwrap_or_else(|| {
            let what = if is_empty {
                "it is empty"
            } else {
                "it has no valid header"
            };
            what.to_owned()
        }))
    }

    fn read_file_header(&mut self) -> bool {
        // Long enough for any header; a file may be shorter.
        self.fill(64);
        let Some((run, length)) = segment::parse_file_header(&self.buffer) else {
            return false;
        };
        self.buffer.advance(length);
        self.run = run;
        true
    }

    /// The header of the next record, followed by its text. `None` at the end.
    pub(super) fn header(&mut self) -> Option<Header> {
        let mut skipped = 0;
        loop {
            if !self.fill(HEADER_LEN) {
                skipped += self.buffer.len();
                self.buffer.clear();
                self.end(skipped);
                return None;
            }
            if let Some(header) = Header::decode(&self.buffer) {
                self.buffer.advance(HEADER_LEN);
                // Other bytes between two records have hidden no line.
                if skipped > 0 && header.first_seq > self.next_seq {
                    self.add_damage(Some(&header), no_record(skipped));
                }
                self.next_seq = header.end_seq();
                self.last_header = Some(header.clone());
                return Some(header);
            }
            // Damaged. The next record starts with a separator.
            let next =
                memchr::memchr(0x1e, &self.buffer[1..]).map_or(self.buffer.len(), |at| at + 1);
            self.buffer.advance(next);
            skipped += next;
        }
    }

    /// The damage that was found since the last call.
    pub(super) fn take_damage(&mut self) -> Option<Damage> {
        self.damage.take()
    }

    /// The end of the file, or of what can be read of it.
    fn end(&mut self, skipped: usize) {
        let reason = match self.read_error.take() {
            Some(error) => error,
            None if skipped > 0 => no_record(skipped),
            None => return,
        };
        self.add_damage(None, reason);
    }

    fn add_damage(&mut self, after: Option<&Header>, reason: String) {
        let first_seq = match &self.damage {
            Some(earlier) => earlier.first_seq,
            None => self.next_seq,
        };
        self.damage = Some(Damage {
            first_seq,
            end_seq: after.map(|header| header.first_seq),
            before: self.last_header.clone(),
            after: after.cloned(),
            reason,
        });
    }

    /// Skips the text of the record whose header was read last.
    pub(super) fn skip(&mut self, header: &Header) {
        let mut remaining = header.length as usize;
        let buffered = remaining.min(self.buffer.len());
        self.buffer.advance(buffered);
        remaining -= buffered;
        if let (Input::Plain(file), true) = (&mut self.input, remaining > 0) {
            // A seek beyond the end shows at the next header.
            if file
                .seek(SeekFrom::Current(
                    i64::try_from(remaining).unwrap_or(i64::MAX),
                ))
                .is_err()
            {
                self.input = Input::Ended;
            }
            return;
        }
        while remaining > 0 && self.fill(1) {
            let buffered = remaining.min(self.buffer.len());
            self.buffer.advance(buffered);
            remaining -= buffered;
        }
    }

    /// The chunk of the record whose header was read last; `None` if its text is missing.
    pub(super) fn chunk(&mut self, header: &Header) -> Option<Chunk> {
        let length = header.length as usize;
        self.fill(length);
        let buffered = length.min(self.buffer.len());
        // Copied: lines may be in use for longer than the buffer.
        let text = bytes::Bytes::copy_from_slice(&self.buffer[..buffered]);
        self.buffer.advance(buffered);
        let chunk = header.chunk(&self.domain, text);
        if buffered < length {
            let lines = chunk.as_ref().map_or(0, |chunk| chunk.lines.lines);
            let first_missing = header.first_seq + u64::from(lines);
            if first_missing < header.end_seq() {
                self.damage = Some(Damage {
                    first_seq: first_missing,
                    end_seq: Some(header.end_seq()),
                    before: self.last_header.clone(),
                    after: None,
                    reason: format!("it ends {} bytes early", length - buffered),
                });
            }
        }
        chunk
    }

    /// Reads until the buffer has `length` bytes; false if there are fewer.
    fn fill(&mut self, length: usize) -> bool {
        while self.buffer.len() < length {
            let before = self.buffer.len();
            let more = (length - before).max(READ_SIZE);
            self.buffer.resize(before + more, 0);
            let free = &mut self.buffer[before..];
            let read = loop {
                let read = match &mut self.input {
                    Input::Plain(file) => file.read(free),
                    Input::Compressed(decoder) => decoder.read(free),
                    Input::Ended => Ok(0),
                };
                match read {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    // A failing disk or a damaged file: the records read before are valid.
                    Err(error) => {
                        self.read_error = Some(error.to_string());
                        break 0;
                    }
                    Ok(read) => break read,
                }
            };
            self.buffer.truncate(before + read);
            if read == 0 {
                self.input = Input::Ended;
                return false;
            }
        }
        true
    }
}

fn no_record(bytes: usize) -> String {
    format!("{bytes} bytes are no record")
}

/// The sequence number after the last line of a segment.
///
/// # Errors
/// It cannot be read.
pub(super) fn end_seq(dir: &Path, segment: &Segment) -> io::Result<u64> {
    let mut reader = match SegmentReader::open(dir, segment, &Arc::from("")) {
        Opened::Reader(reader) => reader,
        Opened::Removed => return Ok(segment.first_seq),
        // Its numbers are not known, so it must not be the newest: a file that is not readable is.
        Opened::Damaged(_) if segment::open(&segment.path(dir)).is_ok() => {
            return Ok(segment.first_seq);
        }
        Opened::Damaged(reason) => {
            let path = segment.path(dir);
            return Err(io::Error::other(format!("{}: {reason}", path.display())));
        }
    };
    let mut end = segment.first_seq;
    while let Some(header) = reader.header() {
        end = end.max(header.end_seq());
        reader.skip(&header);
    }
    Ok(end)
}
