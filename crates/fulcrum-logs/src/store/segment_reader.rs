//! Reads one segment, record by record.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use bytes::{Buf, BytesMut};
use lz4_flex::frame::FrameDecoder;

use super::record::{HEADER_LEN, Header};
use super::segment::{self, Segment};
use crate::chunk::Chunk;

/// The size of a read, in bytes.
const READ_SIZE: usize = 64 * 1024;

/// Reads a segment from its start. Bytes that are no record are skipped, up to the next record.
pub(super) struct SegmentReader {
    input: Input,
    buffer: BytesMut,
    /// The id of the run that wrote it.
    pub(super) run: u64,
    domain: Arc<str>,
}

enum Input {
    Plain(File),
    Compressed(Box<FrameDecoder<File>>),
    Ended,
}

impl SegmentReader {
    /// Opens it; `None` if it was removed or is no segment.
    ///
    /// # Errors
    /// It exists and cannot be read.
    pub(super) fn open(
        dir: &Path,
        segment: &Segment,
        domain: &Arc<str>,
    ) -> io::Result<Option<Self>> {
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
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(with_path(&path, &error)),
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
        };
        Ok(reader.read_file_header().then_some(reader))
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
        loop {
            if !self.fill(HEADER_LEN) {
                return None;
            }
            if let Some(header) = Header::decode(&self.buffer) {
                self.buffer.advance(HEADER_LEN);
                return Some(header);
            }
            // Damaged. The next record starts with a separator.
            let next =
                memchr::memchr(0x1e, &self.buffer[1..]).map_or(self.buffer.len(), |at| at + 1);
            self.buffer.advance(next);
        }
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
        header.chunk(&self.domain, text)
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
                    read => break read.unwrap_or(0),
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

/// The sequence number after the last line of a segment.
///
/// # Errors
/// It cannot be read.
pub(super) fn end_seq(dir: &Path, segment: &Segment) -> io::Result<u64> {
    let Some(mut reader) = SegmentReader::open(dir, segment, &Arc::from(""))? else {
        return Ok(segment.first_seq);
    };
    let mut end = segment.first_seq;
    while let Some(header) = reader.header() {
        end = end.max(header.end_seq());
        reader.skip(&header);
    }
    Ok(end)
}

fn with_path(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
