//! Places in a text as V8 counts them: lines that end as in JavaScript, columns in UTF-16 units.

/// The lines of a text.
#[derive(Debug)]
pub(super) struct SourceLines<'a> {
    text: &'a str,
    starts: Vec<usize>,
    /// For each character beyond ASCII, the offset after it, and how many bytes more than UTF-16
    /// units there are before that offset.
    wide: Vec<(usize, usize)>,
}

impl<'a> SourceLines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let bytes = text.as_bytes();
        let mut starts = vec![0];
        let mut wide = Vec::new();
        let mut excess = 0;
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'\n' => starts.push(at + 1),
                b'\r' if bytes.get(at + 1) != Some(&b'\n') => starts.push(at + 1),
                0x80.. => {
                    let character = text[at..].chars().next().unwrap_or_default();
                    let length = character.len_utf8();
                    excess += length - character.len_utf16();
                    wide.push((at + length, excess));
                    if matches!(character, '\u{2028}' | '\u{2029}') {
                        starts.push(at + length);
                    }
                    at += length;
                    continue;
                }
                _ => {}
            }
            at += 1;
        }
        Self { text, starts, wide }
    }

    /// The line and the column of a byte offset, from 0.
    pub(super) fn place(&self, offset: usize) -> (u32, u32) {
        let offset = self.text.floor_char_boundary(offset);
        let line = self.starts.partition_point(|start| *start <= offset) - 1;
        let start = self.starts[line];
        let column = (offset - start) - (self.excess(offset) - self.excess(start));
        (
            u32::try_from(line).unwrap_or(u32::MAX),
            u32::try_from(column).unwrap_or(u32::MAX),
        )
    }

    /// Whether a line has such a column.
    #[cfg(test)]
    pub(super) fn has_place(&self, line: u32, column: u32) -> bool {
        let Some(start) = self.starts.get(line as usize) else {
            return false;
        };
        let end = self.starts.get(line as usize + 1).copied();
        let text = &self.text[*start..end.unwrap_or(self.text.len())];
        column as usize <= text.encode_utf16().count()
    }

    /// The text from an offset on; empty if the offset is not one of a character.
    pub(super) fn text_from(&self, offset: usize) -> &'a str {
        self.text.get(offset..).unwrap_or_default()
    }

    /// The offset of the first token at or after `offset`: spaces and comments are skipped.
    pub(super) fn next_token(&self, offset: usize) -> usize {
        let mut rest = self.text_from(offset);
        loop {
            rest = rest.trim_start();
            if let Some(comment) = rest.strip_prefix("//") {
                rest = comment.split_once('\n').map_or("", |(_, after)| after);
            } else if let Some(comment) = rest.strip_prefix("/*") {
                rest = comment.split_once("*/").map_or("", |(_, after)| after);
            } else {
                return self.text.len() - rest.len();
            }
        }
    }

    fn excess(&self, offset: usize) -> usize {
        let count = self.wide.partition_point(|(end, _)| *end <= offset);
        count.checked_sub(1).map_or(0, |last| self.wide[last].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_and_columns_count_as_in_v8() {
        let text = "a\r\nb\rc\u{2028}d\n\u{e9}\u{1f600}x";
        let places: Vec<_> = text
            .char_indices()
            .map(|(at, character)| (character, SourceLines::new(text).place(at)))
            .filter(|(character, _)| character.is_ascii_alphabetic())
            .collect();
        assert_eq!(
            places,
            [
                ('a', (0, 0)),
                ('b', (1, 0)),
                ('c', (2, 0)),
                ('d', (3, 0)),
                ('x', (4, 3)),
            ]
        );
        assert_eq!(SourceLines::new("").place(0), (0, 0));
    }
}
