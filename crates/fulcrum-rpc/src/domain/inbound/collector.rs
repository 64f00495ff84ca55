//! Collects the bytes of one message up to a limit, and decompresses them.

use std::io::{self, Write};

use flate2::write::{MultiGzDecoder, ZlibDecoder};
use zstd::stream::write::Decoder as ZstdDecoder;

use super::scanner::Scanner;

/// The prefix of a message in gRPC: a flag, and the length in four bytes.
pub(super) const PREFIX: usize = 5;

/// How many times the limit a compressed message may have before it is given up. Until then its
/// request id is looked for.
const MAX_EXPANSION: usize = 16;

/// A buffer that is reserved at first, in bytes. The length in the prefix is not trusted.
const FIRST_CAPACITY: usize = 64 * 1024;

/// How the messages of a stream are compressed: its header `grpc-encoding`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
    Deflate,
    Zstd,
    /// Not supported.
    Unknown(String),
}

impl Encoding {
    pub(crate) fn parse(header: Option<&[u8]>) -> Self {
        match header {
            None | Some(b"identity") => Self::Identity,
            Some(b"gzip") => Self::Gzip,
            Some(b"deflate") => Self::Deflate,
            Some(b"zstd") => Self::Zstd,
            Some(other) => Self::Unknown(String::from_utf8_lossy(other).into_owned()),
        }
    }
}

/// The content of one message.
pub(crate) struct Collector {
    limit: usize,
    /// The size that the prefix claims, if the message is not compressed.
    claimed: usize,
    /// The prefix of the message as it is passed on, and its bytes.
    bytes: Vec<u8>,
    /// The size of the content, also of what was not kept.
    size: usize,
    /// Set once the limit is exceeded; then the bytes are not kept.
    scanner: Option<Scanner>,
    max_size: usize,
}

impl Collector {
    fn new(claimed: usize, limit: usize, max_size: usize) -> Self {
        let mut bytes = Vec::with_capacity(PREFIX + claimed.min(limit).min(FIRST_CAPACITY));
        bytes.extend_from_slice(&[0; PREFIX]);
        Self {
            limit,
            claimed,
            bytes,
            size: 0,
            scanner: None,
            max_size,
        }
    }

    /// Makes room for so many more bytes. The buffer doubles as bytes arrive, but is never larger than
    /// a message of the claimed size needs.
    fn reserve(&mut self, count: usize) {
        let (used, capacity) = (self.bytes.len(), self.bytes.capacity());
        let needed = used + count;
        if needed > capacity {
            let whole = self.claimed.saturating_add(PREFIX);
            let grown = capacity.saturating_mul(2).min(whole).max(needed);
            self.bytes.reserve_exact(grown - used);
        }
    }

    /// The content, without compression.
    pub(crate) fn content(&self) -> &[u8] {
        &self.bytes[PREFIX..]
    }

    /// The whole message with its prefix.
    pub(crate) fn into_message(mut self) -> Vec<u8> {
        let length = u32::try_from(self.bytes.len() - PREFIX).unwrap_or(u32::MAX);
        self.bytes[1..PREFIX].copy_from_slice(&length.to_be_bytes());
        self.bytes
    }

    /// The size and the scanner of a message that exceeds the limit.
    pub(crate) fn oversized(&self) -> Option<(usize, &Scanner)> {
        self.scanner.as_ref().map(|scanner| (self.size, scanner))
    }
}

impl Write for Collector {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.size = self.size.saturating_add(bytes.len());
        if self.size > self.max_size {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("it has more than {} bytes", self.max_size),
            ));
        }
        if self.size <= self.limit {
            self.reserve(bytes.len());
            self.bytes.extend_from_slice(bytes);
            return Ok(bytes.len());
        }
        let scanner = match &mut self.scanner {
            Some(scanner) => scanner,
            none => {
                let scanner = none.insert(Scanner::default());
                scanner.feed(&self.bytes[PREFIX..]);
                self.bytes = Vec::new();
                scanner
            }
        };
        scanner.feed(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads the bytes of one message.
pub(crate) enum Reader {
    Plain(Collector),
    Gzip(MultiGzDecoder<Collector>),
    Deflate(ZlibDecoder<Collector>),
    Zstd(ZstdDecoder<'static, Collector>),
}

impl Reader {
    /// A reader of a message that is not compressed, with this length.
    pub(crate) fn plain(length: usize, limit: usize) -> Self {
        Self::Plain(Collector::new(length, limit, usize::MAX))
    }

    /// A reader of a compressed message; `None` if the encoding is not supported.
    pub(crate) fn compressed(encoding: &Encoding, limit: usize) -> Option<Self> {
        let max_size = limit.saturating_mul(MAX_EXPANSION);
        let collector = Collector::new(usize::MAX, limit, max_size);
        match encoding {
            Encoding::Gzip => Some(Self::Gzip(MultiGzDecoder::new(collector))),
            Encoding::Deflate => Some(Self::Deflate(ZlibDecoder::new(collector))),
            Encoding::Zstd => ZstdDecoder::new(collector).ok().map(Self::Zstd),
            Encoding::Identity | Encoding::Unknown(_) => None,
        }
    }

    /// Reads the next bytes.
    ///
    /// # Errors
    /// They are not what the encoding says, or too much for any limit.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(collector) => collector.write_all(bytes),
            Self::Gzip(decoder) => decoder.write_all(bytes),
            Self::Deflate(decoder) => decoder.write_all(bytes),
            Self::Zstd(decoder) => decoder.write_all(bytes),
        }
    }

    /// The content, after the last bytes.
    ///
    /// # Errors
    /// See [`Self::write`].
    pub(crate) fn finish(self) -> io::Result<Collector> {
        match self {
            Self::Plain(collector) => Ok(collector),
            Self::Gzip(decoder) => decoder.finish(),
            Self::Deflate(decoder) => decoder.finish(),
            Self::Zstd(mut decoder) => {
                decoder.flush()?;
                Ok(decoder.into_inner())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_a_buffer_of_its_own_size() {
        for (length, piece) in [(1 << 20, 16 * 1024), ((1 << 20) + 77, 10_000), (100, 7)] {
            let mut reader = Reader::plain(length, 16 << 20);
            let content = vec![b'x'; length];
            for bytes in content.chunks(piece) {
                reader.write(bytes).expect("it is within the limit");
            }
            let collector = reader.finish().expect("it is whole");
            assert_eq!(collector.content(), content);
            assert_eq!(collector.into_message().capacity(), PREFIX + length);
        }
    }

    #[test]
    fn a_claimed_size_is_no_reason_for_memory() {
        let mut reader = Reader::plain(1 << 24, 16 << 20);
        reader.write(&[0; 10]).expect("it is within the limit");
        let collector = reader.finish().expect("what there is");
        assert!(collector.into_message().capacity() <= FIRST_CAPACITY + PREFIX);
    }
}
