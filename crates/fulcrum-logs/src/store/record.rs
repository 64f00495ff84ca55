//! A chunk on disk: a header of fixed size, then the lines as they were written.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use crate::chunk::Chunk;
use crate::line::{Level, Source, Stream};
use crate::line_splitter::LineBatch;

/// The length of a header, in bytes.
pub(super) const HEADER_LEN: usize = 48;

/// The longest text of a record, in bytes; more than a pump reads at once. A greater length means
/// that the bytes are no record.
pub(super) const MAX_TEXT_LEN: usize = 8 * 1024 * 1024;

/// Starts with the record separator of ASCII, which is rare in text.
const MAGIC: [u8; 4] = *b"\x1eFL1";

const CONTINUES: u8 = 1;
const PARTIAL: u8 = 2;

const LEVELS: [Level; 6] = [
    Level::Trace,
    Level::Debug,
    Level::Info,
    Level::Warn,
    Level::Error,
    Level::Fatal,
];

const STREAMS: [Stream; 3] = [Stream::Stdout, Stream::Stderr, Stream::Fulcrum];

/// What precedes a text. The domain is that of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    /// Bytes of text.
    pub(super) length: u32,
    pub(super) first_seq: u64,
    /// Microseconds since 1970.
    micros: u64,
    pub(super) generation: u64,
    pid: u32,
    pub(super) lines: u32,
    pub(super) stream: Stream,
    explicit_level: Option<Level>,
    continues: bool,
    partial: bool,
}

impl Header {
    pub(super) fn from_chunk(chunk: &Chunk) -> Self {
        let since_epoch = chunk.time.duration_since(SystemTime::UNIX_EPOCH);
        Self {
            length: u32::try_from(chunk.lines.text.len()).expect("a batch is one read"),
            first_seq: chunk.first_seq,
            // A clock before 1970 is wrong.
            micros: since_epoch.map_or(0, |time| {
                u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
            }),
            generation: chunk.source.generation,
            pid: chunk.source.pid,
            lines: chunk.lines.lines,
            stream: chunk.stream,
            explicit_level: chunk.explicit_level,
            continues: chunk.lines.continues,
            partial: chunk.lines.partial,
        }
    }

    /// When the text was read.
    pub(super) fn time(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
            .checked_add(Duration::from_micros(self.micros))
            .unwrap_or(SystemTime::UNIX_EPOCH)
    }

    /// The sequence number after the last line.
    pub(super) fn end_seq(&self) -> u64 {
        self.first_seq.saturating_add(u64::from(self.lines))
    }

    pub(super) fn encode(&self) -> [u8; HEADER_LEN] {
        let mut out = [0; HEADER_LEN];
        let mut at = 0;
        let mut put = |bytes: &[u8]| {
            out[at..at + bytes.len()].copy_from_slice(bytes);
            at += bytes.len();
        };
        put(&MAGIC);
        put(&self.length.to_le_bytes());
        put(&self.first_seq.to_le_bytes());
        put(&self.micros.to_le_bytes());
        put(&self.generation.to_le_bytes());
        put(&self.pid.to_le_bytes());
        put(&self.lines.to_le_bytes());
        let flags = u8::from(self.continues) * CONTINUES + u8::from(self.partial) * PARTIAL;
        put(&[index_of(&STREAMS, self.stream), flags]);
        put(&[self
            .explicit_level
            .map_or(0, |level| index_of(&LEVELS, level) + 1)]);
        let sum = checksum(&out[..HEADER_LEN - 4]);
        out[HEADER_LEN - 4..].copy_from_slice(&sum.to_le_bytes());
        out
    }

    /// `None` for anything but the output of [`encode`](Self::encode).
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes.get(..HEADER_LEN)?.strip_prefix(&MAGIC)?;
        let sum = checksum(&bytes[..HEADER_LEN - 4]);
        if bytes[HEADER_LEN - 4..HEADER_LEN] != sum.to_le_bytes() {
            return None;
        }
        let length = u32::from_le_bytes(take(&mut rest)?);
        let first_seq = u64::from_le_bytes(take(&mut rest)?);
        let micros = u64::from_le_bytes(take(&mut rest)?);
        let generation = u64::from_le_bytes(take(&mut rest)?);
        let pid = u32::from_le_bytes(take(&mut rest)?);
        let lines = u32::from_le_bytes(take(&mut rest)?);
        let [stream, flags, level] = take(&mut rest)?;
        Some(Self {
            length: (length as usize <= MAX_TEXT_LEN).then_some(length)?,
            first_seq,
            micros,
            generation,
            pid,
            lines,
            stream: *STREAMS.get(usize::from(stream))?,
            explicit_level: match level {
                0 => None,
                level => Some(*LEVELS.get(usize::from(level) - 1)?),
            },
            continues: flags & CONTINUES != 0,
            partial: flags & PARTIAL != 0,
        })
    }

    /// The chunk with its text. A torn text is shorter than in the header; then its lines are
    /// counted again.
    pub(super) fn chunk(&self, domain: &Arc<str>, text: Bytes) -> Option<Chunk> {
        if text.is_empty() {
            return None;
        }
        let torn = text.len() < self.length as usize;
        let lines = match torn && !self.partial {
            false => self.lines,
            true => {
                let ends = memchr::memchr_iter(b'\n', &text).count();
                u32::try_from(ends + usize::from(text.last() != Some(&b'\n'))).ok()?
            }
        };
        Some(Chunk {
            first_seq: self.first_seq,
            time: self.time(),
            source: Source {
                domain: Arc::clone(domain),
                generation: self.generation,
                pid: self.pid,
            },
            stream: self.stream,
            explicit_level: self.explicit_level,
            lines: LineBatch {
                text,
                lines,
                continues: self.continues,
                partial: self.partial || torn,
            },
        })
    }
}

fn index_of<T: PartialEq>(all: &[T], one: T) -> u8 {
    let at = all.iter().position(|known| *known == one);
    u8::try_from(at.unwrap_or(0)).unwrap_or(0)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, left) = rest.split_first_chunk()?;
    *rest = left;
    Some(*taken)
}

/// FNV-1a: enough to distinguish a header from bytes that look like one.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header() -> impl Strategy<Value = Header> {
        let numbers = (
            0..=8_000_000_u32,
            any::<u64>(),
            any::<u64>(),
            any::<u64>(),
            any::<u32>(),
        );
        let fields = (
            any::<u32>(),
            prop::sample::select(STREAMS.to_vec()),
            prop::option::of(prop::sample::select(LEVELS.to_vec())),
            any::<(bool, bool)>(),
        );
        (numbers, fields).prop_map(
            |(
                (length, first_seq, micros, generation, pid),
                (lines, stream, explicit_level, flags),
            )| {
                Header {
                    length,
                    first_seq,
                    micros,
                    generation,
                    pid,
                    lines,
                    stream,
                    explicit_level,
                    continues: flags.0,
                    partial: flags.1,
                }
            },
        )
    }

    proptest! {
        #[test]
        fn a_header_reads_back_and_a_changed_one_does_not(
            header in header(),
            at in 0..HEADER_LEN,
            change in 1..=255_u8,
        ) {
            let mut bytes = header.encode();
            prop_assert_eq!(Header::decode(&bytes), Some(header));
            bytes[at] ^= change;
            prop_assert_eq!(Header::decode(&bytes), None);
        }

        #[test]
        fn other_bytes_are_no_header(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            prop_assert_eq!(Header::decode(&bytes), None);
        }
    }

    #[test]
    fn a_torn_record_ends_with_a_partial_line() {
        let text = Bytes::from_static(b"one\ntwo\nthree\n");
        let chunk = Chunk {
            first_seq: 7,
            time: SystemTime::UNIX_EPOCH,
            source: Source {
                domain: Arc::from("users"),
                generation: 1,
                pid: 2,
            },
            stream: Stream::Stdout,
            explicit_level: None,
            lines: LineBatch {
                text: text.clone(),
                lines: 3,
                continues: false,
                partial: false,
            },
        };
        let header = Header::from_chunk(&chunk);
        assert_eq!(
            header.chunk(&chunk.source.domain, text.clone()),
            Some(chunk.clone())
        );
        let torn = header
            .chunk(&chunk.source.domain, text.slice(..6))
            .expect("lines");
        let lines: Vec<_> = torn
            .lines()
            .map(|line| (line.seq, line.message, line.partial))
            .collect();
        let expected = [(7, "one".into(), false), (8, "tw".into(), true)];
        assert_eq!(lines, expected);
        assert_eq!(header.chunk(&chunk.source.domain, Bytes::new()), None);
    }
}
