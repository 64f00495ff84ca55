//! Splits a stream of bytes into lines.

use bytes::Bytes;
use memchr::{memchr, memchr_iter, memrchr};

use crate::buffer_pool::{BUFFER_SIZE, BufferPool};

/// The longest line that is not split, in bytes.
///
/// Without a limit, a domain that never ends a line could use all memory.
pub const MAX_LINE: usize = 64 * 1024;

/// A line, or a part of a line that was too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineSlice<'a> {
    /// The bytes as written, without the line end.
    pub bytes: &'a [u8],
    /// The line does not end here.
    pub partial: bool,
}

/// Lines that were read together, as they were written: with their line ends. Either whole lines, of
/// which the first may be the rest of a line that was split before, or a single part of a line that
/// does not end here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineBatch {
    /// The bytes, line ends included. Never empty.
    pub text: Bytes,
    /// The number of lines; a part counts as one. Never zero.
    pub lines: u32,
    /// The first line continues the last line of the previous batch.
    pub continues: bool,
    /// The last line does not end here.
    pub partial: bool,
}

impl LineBatch {
    /// The lines, without their line ends.
    pub fn slices(&self) -> impl Iterator<Item = LineSlice<'_>> {
        let mut at = 0;
        std::iter::from_fn(move || {
            let (slice, next) = slice_at(&self.text, at)?;
            at = next;
            Some(slice)
        })
    }
}

/// The line at an offset, and the offset of the next; `None` at the end.
pub(crate) fn slice_at(text: &[u8], at: usize) -> Option<(LineSlice<'_>, usize)> {
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
/// A line ends with LF or CRLF. Everything else belongs to the line: a CR that is not followed by an
/// LF, NUL, bytes that are not UTF-8. A line longer than the limit is split, where possible between
/// two UTF-8 characters, into parts of which all but the last are `partial`.
///
/// The lines depend on the bytes alone and not on how they were read, unless an unfinished line was
/// asked for. The texts of all batches are the input.
#[derive(Debug)]
pub struct LineSplitter {
    limit: usize,
    /// Bytes that were read and not returned: between calls, an unfinished line of at most `limit`
    /// bytes, and two more that may be a line end.
    buffer: Vec<u8>,
    /// The offset of the first byte that was not returned.
    start: usize,
    pool: BufferPool,
    /// The buffer starts in the middle of a line.
    continues_line: bool,
}

impl LineSplitter {
    /// Creates a splitter for lines of at most `limit` bytes; pumps use [`MAX_LINE`].
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit: limit.max(1),
            buffer: Vec::new(),
            start: 0,
            pool: BufferPool::default(),
            continues_line: false,
        }
    }

    /// The same with buffers of a pool.
    pub(crate) fn pooled(limit: usize, pool: BufferPool) -> Self {
        Self {
            pool,
            ..Self::new(limit)
        }
    }

    /// The buffer to append to, with capacity for `size` more bytes. Then call
    /// [`next_batch`](Self::next_batch).
    pub(crate) fn reserve(&mut self, size: usize) -> &mut Vec<u8> {
        self.buffer.drain(..self.start);
        self.start = 0;
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

    /// Gives the buffer back if nothing is in it.
    pub(crate) fn release_unused(&mut self) {
        if self.rest().is_empty() {
            self.start = 0;
            self.pool.put(std::mem::take(&mut self.buffer));
        }
    }

    /// Frees unused memory.
    pub(crate) fn shrink(&mut self) {
        self.buffer = self.rest().to_vec();
        self.start = 0;
    }

    fn rest(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Appends bytes.
    pub fn push(&mut self, chunk: &[u8]) {
        self.reserve(chunk.len()).extend_from_slice(chunk);
    }

    /// The next batch that is complete. Call it until it returns `None`.
    pub fn next_batch(&mut self) -> Option<LineBatch> {
        let rest = self.rest();
        if let Some(length) = whole_lines(rest, self.limit) {
            return Some(self.take(length, false));
        }
        let longest = self.limit + 2;
        // Without a line end in that, CRLF included, the line is too long whatever follows.
        if rest.len() >= longest {
            let cut = boundary(rest, self.limit);
            return Some(self.take(cut, true));
        }
        None
    }

    /// The unfinished line so far, as `partial`; the line continues. A CR at its end, which may be half
    /// of a line end, and the beginning of a UTF-8 character stay for later.
    pub(crate) fn unfinished(&mut self) -> Option<LineBatch> {
        let length = self.unfinished_len();
        (length > 0).then(|| self.take(length, true))
    }

    /// The end of the unfinished line, what [`unfinished`](Self::unfinished) holds back included.
    pub(crate) fn unfinished_end(&self) -> &[u8] {
        let start = self.start.max(self.buffer.len().saturating_sub(512));
        &self.buffer[start..]
    }

    /// The length of what [`unfinished`](Self::unfinished) returns, once
    /// [`next_batch`](Self::next_batch) has returned `None`.
    pub(crate) fn unfinished_len(&self) -> usize {
        let line = strip_cr(self.rest());
        (line.len() - begun_char(line)).min(self.limit)
    }

    /// Ends the stream: the rest is returned as `partial`. Call it until it returns `None`. The
    /// splitter can be used again; the next byte starts a new line.
    pub fn finish(&mut self) -> Option<LineBatch> {
        if let Some(batch) = self.next_batch() {
            return Some(batch);
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
        // Moves the buffer where most of it is used; a small part would keep all of it in memory.
        let text = if self.start == 0 && length >= self.buffer.capacity() / 2 {
            let rest = self.buffer[length..].to_vec();
            let mut buffer = std::mem::replace(&mut self.buffer, rest);
            buffer.truncate(length);
            self.pool.freeze(buffer)
        } else {
            let text = Bytes::copy_from_slice(&self.rest()[..length]);
            self.start += length;
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

/// The length of the whole lines at the start of the buffer, up to one that is too long.
fn whole_lines(buffer: &[u8], limit: usize) -> Option<usize> {
    let mut end = 0;
    // Searches backward from the longest possible line: the line ends before are skipped.
    while end < buffer.len() {
        let reach = (limit + 1).min(buffer.len() - end);
        let window = &buffer[end..end + reach];
        if let Some(at) = memrchr(b'\n', window) {
            end += at + 1;
            continue;
        }
        // A CRLF may end one byte later.
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

/// Where to split a line that is longer than `limit`: there, or up to three bytes before, so that a
/// UTF-8 character is not split.
fn boundary(line: &[u8], limit: usize) -> usize {
    if !is_continuation(line[limit]) {
        return limit;
    }
    for back in 1..=3.min(limit.saturating_sub(1)) {
        let byte = line[limit - back];
        if !is_continuation(byte) {
            let begun = char_length(byte) > back;
            return if begun { limit - back } else { limit };
        }
    }
    limit
}

/// The number of bytes at the end that are the beginning of a UTF-8 character.
fn begun_char(line: &[u8]) -> usize {
    let last = line.iter().rev().take(3);
    let first = last.zip(1..).find(|(byte, _)| !is_continuation(**byte));
    first.map_or(0, |(byte, back)| match char_length(*byte) > back {
        true => back,
        false => 0,
    })
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xC0 == 0x80
}

/// The length of the UTF-8 character that begins with this byte.
fn char_length(first: u8) -> usize {
    match first {
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF7 => 4,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Slices = Vec<(Vec<u8>, bool)>;

    fn batches(limit: usize, chunks: &[&[u8]]) -> Vec<LineBatch> {
        let mut splitter = LineSplitter::new(limit);
        let mut batches = Vec::new();
        for chunk in chunks {
            splitter.push(chunk);
            batches.extend(std::iter::from_fn(|| splitter.next_batch()));
        }
        batches.extend(std::iter::from_fn(|| splitter.finish()));
        batches
    }

    fn split(limit: usize, chunks: &[&[u8]]) -> Slices {
        let batches = batches(limit, chunks);
        let slices = batches.iter().flat_map(LineBatch::slices);
        slices
            .map(|slice| (slice.bytes.to_vec(), slice.partial))
            .collect()
    }

    fn whole(text: &str) -> (Vec<u8>, bool) {
        (text.as_bytes().to_vec(), false)
    }

    fn part(text: &str) -> (Vec<u8>, bool) {
        (text.as_bytes().to_vec(), true)
    }

    #[test]
    fn a_buffer_is_given_back_unless_something_is_in_it() {
        let mut splitter = LineSplitter::new(64);
        splitter.push(b"one\ntw");
        assert!(splitter.next_batch().is_some() && splitter.next_batch().is_none());
        splitter.release_unused();
        assert_eq!(splitter.unfinished_len(), 2);
        splitter.push(b"o\n");
        assert_eq!(
            splitter.next_batch().map(|batch| batch.text),
            Some("two\n".into())
        );
        splitter.release_unused();
        assert_eq!(splitter.buffer.capacity(), 0);
        splitter.push(b"three\n");
        assert_eq!(
            splitter.next_batch().map(|batch| batch.text),
            Some("three\n".into())
        );
    }

    #[test]
    fn an_unfinished_line_is_returned_once_without_what_may_be_half_of_something() {
        let mut splitter = LineSplitter::new(64);
        let mut parts = Vec::new();
        for chunk in [
            &b"> "[..],
            b"",
            b"x\xf0\x9f",
            b"\x98\x80 50%\r",
            b"\nnext\n",
            b"\r",
        ] {
            splitter.push(chunk);
            parts.extend(std::iter::from_fn(|| splitter.next_batch()));
            parts.extend(splitter.unfinished());
        }
        parts.extend(std::iter::from_fn(|| splitter.finish()));
        let fields = |batch: &LineBatch| (batch.continues, batch.partial);
        let texts: Vec<&[u8]> = parts.iter().map(|batch| &batch.text[..]).collect();
        assert_eq!(
            texts,
            [&b"> "[..], b"x", "😀 50%".as_bytes(), b"\r\nnext\n", b"\r"]
        );
        assert_eq!(
            parts.iter().map(fields).collect::<Vec<_>>(),
            [
                (false, true),
                (true, true),
                (true, true),
                (true, false),
                (false, true)
            ]
        );
    }

    #[test]
    fn lines_end_with_lf_or_crlf_and_the_rest_is_partial() {
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
    fn a_line_of_exactly_the_limit_is_not_split() {
        assert_eq!(split(4, &[b"abcd\n"]), [whole("abcd")]);
        assert_eq!(split(4, &[b"abcd", b"\r", b"\n"]), [whole("abcd")]);
        assert_eq!(split(4, &[b"abcde\n"]), [part("abcd"), whole("e")]);
        assert_eq!(split(4, &[b"abcd\r"]), [part("abcd"), part("\r")]);
    }

    #[test]
    fn lines_are_split_between_characters() {
        assert_eq!(
            split(4, &["abc€d\n".as_bytes()]),
            [part("abc"), whole("€d")]
        );
        assert_eq!(split(4, &["😀😀".as_bytes()]), [part("😀"), part("😀")]);
        // Not UTF-8: split at the limit.
        assert_eq!(
            split(4, &[&[0x80; 6]]),
            [(vec![0x80; 4], true), (vec![0x80; 2], true)]
        );
    }

    #[test]
    fn an_endless_line_is_not_buffered() {
        let mut splitter = LineSplitter::new(MAX_LINE);
        let (mut bytes, mut parts) = (0, 0);
        let mut count = |batch: LineBatch| {
            assert!(batch.partial && batch.lines == 1);
            assert_eq!(batch.continues, parts > 0);
            bytes += batch.text.len();
            parts += 1;
        };
        for _ in 0..64 {
            splitter.push(&[b'x'; 100_000]);
            while let Some(batch) = splitter.next_batch() {
                count(batch);
            }
            assert!(splitter.rest().len() < MAX_LINE + 2);
        }
        while let Some(batch) = splitter.finish() {
            count(batch);
        }
        assert_eq!(
            (bytes, parts),
            (6_400_000, 6_400_000_usize.div_ceil(MAX_LINE))
        );
    }

    #[test]
    fn lines_that_were_read_together_are_one_batch() {
        let all = batches(8, &[b"one\ntwo\nthirteen-bytes\nfour\nfi", b"ve\n"]);
        let fields: Vec<_> = all
            .iter()
            .map(|batch| (&batch.text[..], batch.lines, batch.continues, batch.partial))
            .collect();
        assert_eq!(
            fields,
            [
                (&b"one\ntwo\n"[..], 2, false, false),
                (b"thirteen", 1, false, true),
                (b"-bytes\nfour\n", 2, true, false),
                (b"five\n", 1, false, false),
            ]
        );
    }

    /// Splits one line; `partial` is that of the last part.
    fn split_line(
        mut line: &[u8],
        limit: usize,
        partial: bool,
        out: &mut impl FnMut(LineSlice<'_>),
    ) {
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

    /// The documented behavior, on the whole input at once.
    fn model(limit: usize, input: &[u8]) -> Slices {
        let mut lines: Vec<&[u8]> = input.split(|byte| *byte == b'\n').collect();
        let tail = lines.pop().expect("split yields at least one");
        let mut slices = Vec::new();
        let mut push = |slice: LineSlice<'_>| slices.push((slice.bytes.to_vec(), slice.partial));
        for line in lines {
            split_line(strip_cr(line), limit, false, &mut push);
        }
        if !tail.is_empty() {
            split_line(tail, limit, true, &mut push);
        }
        slices
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
        fn lines_do_not_depend_on_reads_and_nothing_is_lost(
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
            let batches = batches(limit, &chunks);
            let text: Vec<u8> = batches.iter().flat_map(|batch| batch.text.to_vec()).collect();
            prop_assert_eq!(&text, &input);
            for (at, batch) in batches.iter().enumerate() {
                prop_assert_eq!(batch.slices().count(), batch.lines as usize);
                prop_assert!(batch.slices().all(|slice| slice.partial == batch.partial));
                prop_assert_eq!(batch.continues, at > 0 && batches[at - 1].partial);
            }
            let slices = split(limit, &chunks);
            prop_assert_eq!(&slices, &model(limit, &input));
            prop_assert!(slices.iter().all(|(bytes, _)| bytes.len() <= limit));

            // Independent of `split_line`: the slices, with an LF after each whole one, are the input
            // without the CRs before LFs.
            let mut joined = Vec::new();
            for (bytes, partial) in &slices {
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
