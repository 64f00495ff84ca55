//! One segment, record by record.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use bytes::{Buf, BytesMut};
use lz4_flex::frame::FrameDecoder;

use super::record::{HEADER, Header};
use super::segment::{self, Segment};
use crate::Chunk;

/// How much is read at once.
const READ: usize = 64 * 1024;

/// Reads a segment from its beginning. Whatever is in the file, records come out and nothing else:
/// what isn't one is passed over, up to the next that is.
pub(super) struct SegmentReader {
    input: Input,
    buffer: BytesMut,
    /// The run that wrote it.
    pub(super) run: u64,
    domain: Arc<str>,
}

enum Input {
    Plain(File),
    Compressed(Box<FrameDecoder<File>>),
    Ended,
}

impl SegmentReader {
    /// Opens it; none where it has gone, or is no segment.
    ///
    /// # Errors
    /// It is there and can't be read.
    pub(super) fn open(
        folder: &Path,
        segment: &Segment,
        domain: &Arc<str>,
    ) -> io::Result<Option<Self>> {
        let path = segment.path(folder);
        let opened = match segment::open(&path) {
            // Between the list and now it may have been compressed.
            Err(error) if error.kind() == io::ErrorKind::NotFound && !segment.compressed => {
                let packed = segment::path(folder, segment.first_seq, segment::COMPRESSED_EXT);
                segment::open(&packed).map(|file| (file, true))
            }
            opened => opened.map(|file| (file, segment.compressed)),
        };
        let (file, packed) = match opened {
            Ok(opened) => opened,
            // Old ones go while they are read.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(named(&path, &error)),
        };
        let input = if packed {
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
        // Long enough for any title; a file may be shorter.
        self.fill(64);
        let Some((run, length)) = segment::read_title(&self.buffer) else {
            return false;
        };
        self.buffer.advance(length);
        self.run = run;
        true
    }

    /// The next record's header; its text is next. None at the end.
    pub(super) fn header(&mut self) -> Option<Header> {
        loop {
            if !self.fill(HEADER) {
                return None;
            }
            if let Some(header) = Header::decode(&self.buffer) {
                self.buffer.advance(HEADER);
                return Some(header);
            }
            // Something else than Fulcrum was here. The next record begins with its separator.
            let next =
                memchr::memchr(0x1e, &self.buffer[1..]).map_or(self.buffer.len(), |at| at + 1);
            self.buffer.advance(next);
        }
    }

    /// Passes over the text of the record whose header was read last.
    pub(super) fn skip(&mut self, header: &Header) {
        let mut left = header.length as usize;
        let here = left.min(self.buffer.len());
        self.buffer.advance(here);
        left -= here;
        if let (Input::Plain(file), true) = (&mut self.input, left > 0) {
            // Beyond the end there is nothing to read, which the next header shows.
            if file
                .seek(SeekFrom::Current(i64::try_from(left).unwrap_or(i64::MAX)))
                .is_err()
            {
                self.input = Input::Ended;
            }
            return;
        }
        while left > 0 && self.fill(1) {
            let here = left.min(self.buffer.len());
            self.buffer.advance(here);
            left -= here;
        }
    }

    /// The chunk of the record whose header was read last; none if nothing of its text is there.
    pub(super) fn chunk(&mut self, header: &Header) -> Option<Chunk> {
        let length = header.length as usize;
        self.fill(length);
        let here = length.min(self.buffer.len());
        // A copy of its own: what is shown of it may be held for longer than what is read next.
        let text = bytes::Bytes::copy_from_slice(&self.buffer[..here]);
        self.buffer.advance(here);
        header.chunk(&self.domain, text)
    }

    /// Reads until so many bytes are there; false if there are fewer.
    fn fill(&mut self, wanted: usize) -> bool {
        while self.buffer.len() < wanted {
            let before = self.buffer.len();
            let more = (wanted - before).max(READ);
            self.buffer.resize(before + more, 0);
            let room = &mut self.buffer[before..];
            let read = loop {
                let read = match &mut self.input {
                    Input::Plain(file) => file.read(room),
                    Input::Compressed(decoder) => decoder.read(room),
                    Input::Ended => Ok(0),
                };
                match read {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    // A disk that fails, or a file that was damaged: what was read until here holds.
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

/// The number after that of the last line in a segment.
///
/// # Errors
/// It can't be read.
pub(super) fn end_seq(folder: &Path, segment: &Segment) -> io::Result<u64> {
    let Some(mut reader) = SegmentReader::open(folder, segment, &Arc::from(""))? else {
        return Ok(segment.first_seq);
    };
    let mut end = segment.first_seq;
    while let Some(header) = reader.header() {
        end = end.max(header.end_seq());
        reader.skip(&header);
    }
    Ok(end)
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
