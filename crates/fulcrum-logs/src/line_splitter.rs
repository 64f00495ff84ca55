//! Bytes in, lines out, however the bytes were cut on their way.

use bytes::Bytes;
use memchr::{memchr, memchr_iter, memrchr};

use crate::buffer_pool::{BUFFER_SIZE, BufferPool};

/// The longest line that is kept whole, in bytes; a longer one is cut into pieces.
///
/// Without a limit, one domain that never ends its line could take all memory.
pub const MAX_LINE: usize = 64 * 1024;

/// A line, or a part of one that was too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineSlice<'a> {
    /// The bytes as written, without the line end.
    pub bytes: &'a [u8],
    /// The line doesn't end here.
    pub partial: bool,
}

/// Lines that came together, as they were written: their ends are in the text. Either whole lines,
/// of which only the first may be the rest of one that was cut before, or a single piece of a line
/// that doesn't end here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineBatch {
    /// The bytes, line ends included. Never empty.
    pub text: Bytes,
    /// How many lines; a piece counts as one. Never zero.
    pub lines: u32,
    /// The first line goes on with what the run before ended with.
    pub continues: bool,
    /// The last line doesn't end here.
    pub partial: bool,
}

impl LineBatch {
    /// The lines, without their ends.
    pub fn pieces(&self) -> impl Iterator<Item = LineSlice<'_>> {
        let mut at = 0;
        std::iter::from_fn(move || {
            let (piece, next) = piece_at(&self.text, at)?;
            at = next;
            Some(piece)
        })
    }
}

/// The line that begins at a place, and where the one after it does; none at the end.
pub(crate) fn piece_at(text: &[u8], at: usize) -> Option<(LineSlice<'_>, usize)> {
    let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
    Some(match memchr(b'\n', rest) {
        Some(end) => (
            LineSlice {
                bytes: strip_cr(&rest[..end]),
                partial: false,
            },
            at + end + 1,
        ),
        None => (
            LineSlice {
                bytes: rest,
                partial: true,
            },
            text.len(),
        ),
    })
}

/// Splits a stream of bytes into lines.
///
/// A line ends with LF or CRLF. Everything else belongs to the line: a CR that isn't followed by
/// an LF, NUL, bytes that aren't UTF-8. A line longer than the limit is cut, where possible
/// between two UTF-8 characters, into pieces of which all but the last are `partial`.
///
/// Which lines come out depends on the bytes alone and not on how they were chunked; put together,
/// the runs are the input.
#[derive(Debug)]
pub struct LineSplitter {
    limit: usize,
    /// What was read and not handed out: between calls, an unfinished line, never longer than
    /// `limit` but for two bytes of which it isn't known yet whether they are a line end.
    buffer: Vec<u8>,
    /// Where in the buffer what wasn't handed out begins.
    begin: usize,
    pool: BufferPool,
    /// It begins in the middle of a line.
    continues_line: bool,
}

impl LineSplitter {
    /// A splitter that cuts lines longer than `limit` bytes; [`MAX_LINE`] is what pumps use.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit: limit.max(1),
            buffer: Vec::new(),
            begin: 0,
            pool: BufferPool::default(),
            continues_line: false,
        }
    }

    /// One whose floods share memory with others.
    pub(crate) fn pooled(limit: usize, pool: BufferPool) -> Self {
        Self {
            pool,
            ..Self::new(limit)
        }
    }

    /// Where to append what was read, with room for so many bytes; then take the runs.
    pub(crate) fn reserve(&mut self, size: usize) -> &mut Vec<u8> {
        self.buffer.drain(..self.begin);
        self.begin = 0;
        let wanted = self.buffer.len() + size;
        if wanted > self.buffer.capacity() {
            let mut larger = if wanted > BUFFER_SIZE / 2 && wanted <= BUFFER_SIZE {
                self.pool.take()
            } else {
                Vec::with_capacity(wanted)
            };
            larger.extend_from_slice(&self.buffer);
            self.buffer = larger;
        }
        &mut self.buffer
    }

    /// Gives back what a flood has made it hold.
    pub(crate) fn shrink(&mut self) {
        self.buffer = self.rest().to_vec();
        self.begin = 0;
    }

    fn rest(&self) -> &[u8] {
        &self.buffer[self.begin..]
    }

    /// Appends bytes that are in memory already.
    pub fn push(&mut self, chunk: &[u8]) {
        self.reserve(chunk.len()).extend_from_slice(chunk);
    }

    /// The next run that is certain by now. To be called until there is none.
    pub fn next_batch(&mut self) -> Option<LineBatch> {
        let rest = self.rest();
        if let Some(length) = whole_lines(rest, self.limit) {
            return Some(self.take(length, false));
        }
        let longest = self.limit + 2;
        // With no end within that, CRLF included, the line is too long whatever follows.
        if rest.len() >= longest {
            let cut = boundary(rest, self.limit);
            return Some(self.take(cut, true));
        }
        None
    }

    /// The stream has ended, or is no longer waited for: what is left comes out as `partial`. To be
    /// called until there is none. The splitter may be used on; the next byte begins a new line.
    pub fn finish(&mut self) -> Option<LineBatch> {
        if let Some(run) = self.next_batch() {
            return Some(run);
        }
        let rest = self.rest();
        if rest.is_empty() {
            self.continues_line = false;
            return None;
        }
        let length = rest.len();
        let cut = if length > self.limit {
            boundary(rest, self.limit)
        } else {
            length
        };
        Some(self.take(cut, true))
    }

    fn take(&mut self, length: usize, partial: bool) -> LineBatch {
        // The memory goes along where most of it is used; a small part would keep all of it alive.
        let text = if self.begin == 0 && length >= self.buffer.capacity() / 2 {
            let later = self.buffer[length..].to_vec();
            let mut piece = std::mem::replace(&mut self.buffer, later);
            piece.truncate(length);
            self.pool.freeze(piece)
        } else {
            let text = Bytes::copy_from_slice(&self.rest()[..length]);
            self.begin += length;
            text
        };
        let lines = match partial {
            true => 1,
            false => memchr_iter(b'\n', &text).count(),
        };
        LineBatch {
            lines: u32::try_from(lines).unwrap_or(u32::MAX),
            continues: std::mem::replace(&mut self.continues_line, partial),
            partial,
            text,
        }
    }
}

/// How much of the buffer are whole lines of which none is too long.
fn whole_lines(buffer: &[u8], limit: usize) -> Option<usize> {
    let mut end = 0;
    // From the last end that one line could reach to the next: the lines between aren't looked at.
    while end < buffer.len() {
        let reach = (limit + 1).min(buffer.len() - end);
        let window = &buffer[end..end + reach];
        if let Some(at) = memrchr(b'\n', window) {
            end += at + 1;
            continue;
        }
        // One byte more, where that makes a CRLF.
        let crlf = buffer.get(end + limit..end + limit + 2) == Some(b"\r\n");
        if !crlf {
            break;
        }
        end += limit + 2;
    }
    (end > 0).then_some(end)
}

pub(crate) fn strip_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
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

    fn runs(limit: usize, chunks: &[&[u8]]) -> Vec<LineBatch> {
        let mut splitter = LineSplitter::new(limit);
        let mut runs = Vec::new();
        for chunk in chunks {
            splitter.push(chunk);
            runs.extend(std::iter::from_fn(|| splitter.next_batch()));
        }
        runs.extend(std::iter::from_fn(|| splitter.finish()));
        runs
    }

    fn split(limit: usize, chunks: &[&[u8]]) -> Pieces {
        let runs = runs(limit, chunks);
        let pieces = runs.iter().flat_map(LineBatch::pieces);
        pieces
            .map(|piece| (piece.bytes.to_vec(), piece.partial))
            .collect()
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
        let mut splitter = LineSplitter::new(MAX_LINE);
        let (mut bytes, mut pieces) = (0, 0);
        let mut count = |run: LineBatch| {
            assert!(run.partial && run.lines == 1);
            assert_eq!(run.continues, pieces > 0);
            bytes += run.text.len();
            pieces += 1;
        };
        for _ in 0..64 {
            splitter.push(&[b'x'; 100_000]);
            while let Some(run) = splitter.next_batch() {
                count(run);
            }
            assert!(splitter.rest().len() < MAX_LINE + 2);
        }
        while let Some(run) = splitter.finish() {
            count(run);
        }
        assert_eq!(
            (bytes, pieces),
            (6_400_000, 6_400_000_usize.div_ceil(MAX_LINE))
        );
    }

    #[test]
    fn lines_that_came_together_stay_together() {
        let all = runs(8, &[b"one\ntwo\nthirteen-bytes\nfour\nfi", b"ve\n"]);
        let told: Vec<_> = all
            .iter()
            .map(|run| (&run.text[..], run.lines, run.continues, run.partial))
            .collect();
        assert_eq!(
            told,
            [
                (&b"one\ntwo\n"[..], 2, false, false),
                (b"thirteen", 1, false, true),
                (b"-bytes\nfour\n", 2, true, false),
                (b"five\n", 1, false, false),
            ]
        );
    }

    /// One line as pieces; `partial` is about the last.
    fn cut(mut line: &[u8], limit: usize, partial: bool, out: &mut impl FnMut(LineSlice<'_>)) {
        while line.len() > limit {
            let (bytes, rest) = line.split_at(boundary(line, limit));
            let partial = true;
            out(LineSlice { bytes, partial });
            line = rest;
        }
        out(LineSlice {
            bytes: line,
            partial,
        });
    }

    /// What [`Splitter`] promises, told on the whole input at once.
    fn model(limit: usize, input: &[u8]) -> Pieces {
        let mut lines: Vec<&[u8]> = input.split(|byte| *byte == b'\n').collect();
        let tail = lines.pop().expect("split yields at least one");
        let mut pieces = Vec::new();
        let mut push = |piece: LineSlice<'_>| pieces.push((piece.bytes.to_vec(), piece.partial));
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
            let runs = runs(limit, &chunks);
            let text: Vec<u8> = runs.iter().flat_map(|run| run.text.to_vec()).collect();
            prop_assert_eq!(&text, &input);
            for (at, run) in runs.iter().enumerate() {
                prop_assert_eq!(run.pieces().count(), run.lines as usize);
                prop_assert!(run.pieces().all(|piece| piece.partial == run.partial));
                prop_assert_eq!(run.continues, at > 0 && runs[at - 1].partial);
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
