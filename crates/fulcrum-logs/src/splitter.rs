//! Bytes in, lines out, however the bytes were cut on their way.

use memchr::memchr;

/// The longest line that is kept whole, in bytes; a longer one is cut into pieces.
///
/// Without a limit, one domain that never ends its line could take all memory.
pub const MAX_LINE: usize = 64 * 1024;

/// Above this, an emptied line buffer is given back instead of kept for the next line.
const KEEP_CAPACITY: usize = 4 * 1024;

/// A line, or a part of one that was too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece<'a> {
    /// The bytes as written, without the line end.
    pub bytes: &'a [u8],
    /// The line doesn't end here.
    pub partial: bool,
}

/// Splits a stream of bytes into lines.
///
/// A line ends with LF or CRLF. Everything else belongs to the line: a CR that isn't followed by
/// an LF, NUL, bytes that aren't UTF-8. A line longer than the limit is cut, where possible
/// between two UTF-8 characters, into pieces of which all but the last are `partial`.
///
/// What comes out depends on the bytes alone and not on how they were chunked; put together, it is
/// the input without its line ends.
#[derive(Debug)]
pub struct Splitter {
    limit: usize,
    /// The unfinished line. Never longer than `limit`, but for one CR of which it isn't known yet
    /// whether it begins a line end.
    held: Vec<u8>,
}

impl Splitter {
    /// A splitter that cuts lines longer than `limit` bytes; [`MAX_LINE`] is what pumps use.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit: limit.max(1),
            held: Vec::new(),
        }
    }

    /// Takes the next bytes and hands out every piece that is certain by now.
    pub fn push(&mut self, chunk: &[u8], out: &mut impl FnMut(Piece<'_>)) {
        let mut rest = chunk;
        while let Some(at) = memchr(b'\n', rest) {
            let line = &rest[..at];
            rest = &rest[at + 1..];
            if self.held.is_empty() {
                // The usual case: a whole line inside one chunk, handed out without a copy.
                cut(strip_cr(line), self.limit, false, out);
            } else {
                self.hold(line, out);
                cut(strip_cr(&self.held), self.limit, false, out);
                self.clear();
            }
        }
        self.hold(rest, out);
    }

    /// The stream has ended, or is no longer waited for: what is held comes out as `partial`.
    /// The splitter may be used on; the next byte begins a new line.
    pub fn finish(&mut self, out: &mut impl FnMut(Piece<'_>)) {
        if !self.held.is_empty() {
            cut(&self.held, self.limit, true, out);
            self.clear();
        }
    }

    /// Adds bytes without an LF to the unfinished line and hands out what exceeds the limit.
    fn hold(&mut self, mut bytes: &[u8], out: &mut impl FnMut(Piece<'_>)) {
        while !bytes.is_empty() {
            let room = (self.limit + 2).saturating_sub(self.held.len()).max(1);
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.held.extend_from_slice(now);
            bytes = later;
            while strip_cr(&self.held).len() > self.limit {
                let at = boundary(&self.held, self.limit);
                out(Piece {
                    bytes: &self.held[..at],
                    partial: true,
                });
                self.held.drain(..at);
            }
        }
    }

    fn clear(&mut self) {
        if self.held.capacity() > KEEP_CAPACITY {
            self.held = Vec::new();
        } else {
            self.held.clear();
        }
    }
}

fn strip_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// A whole line as one piece, or as several if it is too long; `partial` is about the last.
pub(crate) fn cut(mut line: &[u8], limit: usize, partial: bool, out: &mut impl FnMut(Piece<'_>)) {
    while line.len() > limit {
        let (bytes, rest) = line.split_at(boundary(line, limit));
        out(Piece {
            bytes,
            partial: true,
        });
        line = rest;
    }
    out(Piece {
        bytes: line,
        partial,
    });
}

/// Where to cut a line that is longer than `limit`: there, or up to three bytes before, so that a
/// UTF-8 character stays in one piece.
fn boundary(line: &[u8], limit: usize) -> usize {
    let is_continuation = |byte: u8| byte & 0xC0 == 0x80;
    if !is_continuation(line[limit]) {
        return limit;
    }
    for back in 1..=3.min(limit.saturating_sub(1)) {
        let byte = line[limit - back];
        if !is_continuation(byte) {
            let length = match byte {
                0xC0..=0xDF => 2,
                0xE0..=0xEF => 3,
                0xF0..=0xF7 => 4,
                _ => 1,
            };
            return if length > back { limit - back } else { limit };
        }
    }
    limit
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Pieces = Vec<(Vec<u8>, bool)>;

    fn split(limit: usize, chunks: &[&[u8]]) -> Pieces {
        let mut splitter = Splitter::new(limit);
        let mut pieces = Vec::new();
        let mut out = |piece: Piece<'_>| pieces.push((piece.bytes.to_vec(), piece.partial));
        for chunk in chunks {
            splitter.push(chunk, &mut out);
        }
        splitter.finish(&mut out);
        pieces
    }

    fn whole(text: &str) -> (Vec<u8>, bool) {
        (text.as_bytes().to_vec(), false)
    }

    fn part(text: &str) -> (Vec<u8>, bool) {
        (text.as_bytes().to_vec(), true)
    }

    #[test]
    fn ends_of_both_kinds_and_a_tail() {
        assert_eq!(
            split(64, &[b"one\ntwo\r\n\r\n\nthree"]),
            [
                whole("one"),
                whole("two"),
                whole(""),
                whole(""),
                part("three")
            ]
        );
        assert_eq!(split(64, &[b"one\n"]), [whole("one")]);
        assert_eq!(split(64, &[]), []);
    }

    #[test]
    fn a_cr_is_a_line_end_only_right_before_lf() {
        assert_eq!(split(64, &[b"a\r", b"\nb"]), [whole("a"), part("b")]);
        assert_eq!(split(64, &[b"a\r", b"b\n"]), [whole("a\rb")]);
        assert_eq!(split(64, &[b"a\r\r\n"]), [whole("a\r")]);
        assert_eq!(split(64, &[b"a\r"]), [part("a\r")]);
    }

    #[test]
    fn a_line_of_exactly_the_limit_stays_whole() {
        assert_eq!(split(4, &[b"abcd\n"]), [whole("abcd")]);
        assert_eq!(split(4, &[b"abcd", b"\r", b"\n"]), [whole("abcd")]);
        assert_eq!(split(4, &[b"abcde\n"]), [part("abcd"), whole("e")]);
        assert_eq!(split(4, &[b"abcd\r"]), [part("abcd"), part("\r")]);
    }

    #[test]
    fn cuts_fall_between_characters() {
        assert_eq!(
            split(4, &["abc€d\n".as_bytes()]),
            [part("abc"), whole("€d")]
        );
        assert_eq!(split(4, &["😀😀".as_bytes()]), [part("😀"), part("😀")]);
        // Not UTF-8 at all: cut at the limit rather than not at all.
        assert_eq!(
            split(4, &[&[0x80; 6]]),
            [(vec![0x80; 4], true), (vec![0x80; 2], true)]
        );
    }

    #[test]
    fn an_endless_line_is_not_collected() {
        let mut splitter = Splitter::new(MAX_LINE);
        let mut bytes = 0;
        let mut pieces = 0;
        for _ in 0..64 {
            splitter.push(&[b'x'; 100_000], &mut |piece| {
                assert!(piece.partial);
                bytes += piece.bytes.len();
                pieces += 1;
            });
            assert!(splitter.held.capacity() <= 2 * (MAX_LINE + 2));
        }
        splitter.finish(&mut |piece| bytes += piece.bytes.len());
        assert_eq!((bytes, pieces), (6_400_000, 6_400_000 / MAX_LINE));
    }

    /// What [`Splitter`] promises, told on the whole input at once.
    fn model(limit: usize, input: &[u8]) -> Pieces {
        let mut lines: Vec<&[u8]> = input.split(|byte| *byte == b'\n').collect();
        let tail = lines.pop().expect("split yields at least one");
        let mut pieces = Vec::new();
        let mut push = |piece: Piece<'_>| pieces.push((piece.bytes.to_vec(), piece.partial));
        for line in lines {
            cut(strip_cr(line), limit, false, &mut push);
        }
        if !tail.is_empty() {
            cut(tail, limit, true, &mut push);
        }
        pieces
    }

    fn byte() -> impl Strategy<Value = u8> {
        prop_oneof![
            2 => Just(b'\n'),
            2 => Just(b'\r'),
            1 => Just(0),
            4 => b'a'..=b'c',
            2 => prop::sample::select("é€😀".as_bytes()),
            1 => any::<u8>(),
        ]
    }

    proptest! {
        #[test]
        fn chunking_changes_nothing_and_nothing_is_lost(
            input in prop::collection::vec(byte(), 0..200),
            sizes in prop::collection::vec(1_usize..20, 1..40),
            limit in 1_usize..12,
        ) {
            let mut chunks = Vec::new();
            let mut rest = input.as_slice();
            for size in sizes.iter().cycle() {
                if rest.is_empty() { break; }
                let (chunk, later) = rest.split_at((*size).min(rest.len()));
                chunks.push(chunk);
                rest = later;
            }
            let pieces = split(limit, &chunks);
            prop_assert_eq!(&pieces, &model(limit, &input));
            prop_assert!(pieces.iter().all(|(bytes, _)| bytes.len() <= limit));

            // Independent of `cut`: pieces joined, an LF after each whole one, are the input up to
            // CRs in front of LFs.
            let mut joined = Vec::new();
            for (bytes, partial) in &pieces {
                joined.extend_from_slice(bytes);
                if !partial { joined.push(b'\n'); }
            }
            let without_crlf: Vec<u8> = input
                .iter()
                .enumerate()
                .filter(|(at, byte)| !(**byte == b'\r' && input.get(at + 1) == Some(&b'\n')))
                .map(|(_, byte)| *byte)
                .collect();
            prop_assert_eq!(joined, without_crlf);
        }
    }
}
