//! Positions in a text.

use serde::{Deserialize, Serialize};

/// A line and a column, both from 1; the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(in crate::prepare) struct Position {
    pub(in crate::prepare) line: u32,
    pub(in crate::prepare) column: u32,
}

/// The position of a byte offset. An offset beyond the end or inside a character counts as the
/// nearest valid offset before it.
pub(super) fn position_at(text: &str, offset: usize) -> Position {
    let before = &text[..text.floor_char_boundary(offset)];
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before[line_start..].chars().count() + 1;
    Position {
        line: u32::try_from(line).unwrap_or(u32::MAX),
        column: u32::try_from(column).unwrap_or(u32::MAX),
    }
}

/// The starts of the lines of a text, for many positions in it.
#[derive(Debug)]
pub(super) struct LineIndex<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> LineIndex<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(ends.map(|(at, _)| at + 1));
        Self {
            text,
            starts: starts.collect(),
        }
    }

    /// As [`position_at`].
    pub(super) fn position(&self, offset: usize) -> Position {
        let offset = self.text.floor_char_boundary(offset);
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts[line.saturating_sub(1)];
        let column = self.text[start..offset].chars().count() + 1;
        Position {
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
        }
    }
}

/// The text of a line (from 1) for display: at most 160 characters, without control characters.
pub(super) fn line_text(text: &str, line: u32) -> String {
    let line = text
        .lines()
        .nth(line.saturating_sub(1) as usize)
        .unwrap_or_default();
    let cut: String = line.trim_end().chars().take(160).collect();
    cut.replace(|c: char| c.is_control() && c != '\t', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let text = "a\nb\u{e9}\u{1f600}c";
        assert_eq!(
            position_at(text, text.len() - 1),
            Position { line: 2, column: 4 }
        );
        assert_eq!(position_at(text, 0), Position { line: 1, column: 1 });
        assert_eq!(position_at(text, 999), Position { line: 2, column: 5 });
        assert_eq!(position_at(text, 4), Position { line: 2, column: 2 });
        let index = LineIndex::new(text);
        for offset in [0, 1, 2, 4, text.len() - 1, 999] {
            assert_eq!(index.position(offset), position_at(text, offset));
        }
        assert_eq!(line_text(text, 2), "b\u{e9}\u{1f600}c");
        assert_eq!(line_text(text, 9), "");
    }
}
