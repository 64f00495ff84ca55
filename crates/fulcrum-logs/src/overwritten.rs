//! What a terminal shows of a line that was written over itself.
//!
//! Progress bars return to the start of their line and write it again; installers erase lines and move
//! the cursor. The bytes are kept, and what is shown and matched is the last state. Sequences that
//! move to other lines have no effect: lines that were shown cannot be changed.

use std::borrow::Cow;

use unicode_width::UnicodeWidthChar;

use crate::sanitize::sgr_length;

/// How far the cursor moves to the right of what was written, in columns.
const MAX_COLUMN: usize = 4096;

/// The longest control sequence, in bytes of parameters.
const MAX_PARAMETERS: usize = 16;

/// Modes that are switched while something is drawn: wrapping, the cursor, pasting, and drawing at once.
const DRAWING_MODES: [&str; 5] = ["?7", "?12", "?25", "?2004", "?2026"];

/// The last state of a line. Borrowed where nothing in it moves the cursor or erases. Color sequences
/// stay with what they color, and other control characters are left in.
#[must_use]
pub fn last_state(line: &[u8]) -> Cow<'_, [u8]> {
    if !overwrites(line) {
        return Cow::Borrowed(line);
    }
    let text = String::from_utf8_lossy(line);
    let mut row = Row::default();
    let mut rest = &*text;
    while let Some(char) = rest.chars().next() {
        if let Some(length) = sgr_length(rest.as_bytes()) {
            row.set_color(&rest[..length]);
            rest = &rest[length..];
        } else if let Some((step, length)) = control(rest) {
            row.apply(step);
            rest = &rest[length..];
        } else {
            row.write(char);
            rest = &rest[char.len_utf8()..];
        }
    }
    Cow::Owned(row.into_text().into_bytes())
}

/// Whether a line has more than one state: the cursor moves, or something is erased.
pub(crate) fn overwrites(line: &[u8]) -> bool {
    memchr::memchr3_iter(b'\r', 0x08, 0x1b, line).any(|at| match line[at] {
        0x1b => {
            let head = &line[at..line.len().min(at + MAX_PARAMETERS + 4)];
            // The parameters are ASCII; what follows may be cut in the middle of a character.
            let ascii = head.iter().take_while(|byte| byte.is_ascii()).count();
            std::str::from_utf8(&head[..ascii]).is_ok_and(|head| control(head).is_some())
        }
        _ => true,
    })
}

/// What a control sequence does to the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    ToColumn(usize),
    Left(usize),
    Right(usize),
    EraseToEnd,
    EraseToStart,
    EraseLine,
    Nothing,
}

/// The control sequence at the start of a text, and its length.
fn control(text: &str) -> Option<(Step, usize)> {
    match text.as_bytes() {
        [b'\r', ..] => return Some((Step::ToColumn(0), 1)),
        [0x08, ..] => return Some((Step::Left(1), 1)),
        _ => {}
    }
    let sequence = text.strip_prefix("\x1b[")?;
    let is_parameter = |byte: u8| byte.is_ascii_digit() || byte == b'?';
    let length = sequence
        .bytes()
        .take_while(|byte| is_parameter(*byte))
        .count();
    if length > MAX_PARAMETERS {
        return None;
    }
    let (parameter, last) = (&sequence[..length], *sequence.as_bytes().get(length)?);
    let count = || parameter.parse::<usize>().unwrap_or(1).clamp(1, MAX_COLUMN);
    let step = match (last, parameter) {
        (b'h' | b'l', _) if DRAWING_MODES.contains(&parameter) => Step::Nothing,
        // Up and down; E and F also go to the start of the line.
        (b'A' | b'B', _) if !parameter.starts_with('?') => Step::Nothing,
        (b'E' | b'F', _) if !parameter.starts_with('?') => Step::ToColumn(0),
        (b'C', _) if !parameter.starts_with('?') => Step::Right(count()),
        (b'D', _) if !parameter.starts_with('?') => Step::Left(count()),
        (b'G', _) if !parameter.starts_with('?') => Step::ToColumn(count() - 1),
        (b'K' | b'J', "" | "0") => Step::EraseToEnd,
        (b'K', "1") => Step::EraseToStart,
        (b'K', "2") => Step::EraseLine,
        _ => return None,
    };
    Some((step, "\x1b[".len() + length + 1))
}

/// The columns of a line, and where the next character goes.
#[derive(Debug, Default)]
struct Row {
    cells: Vec<Cell>,
    column: usize,
    /// The color sequences since the last reset.
    color: String,
}

/// What is in a column. The second column of a wide character is empty.
#[derive(Debug, Clone, Default)]
struct Cell {
    text: String,
    color: String,
}

impl Cell {
    fn blank() -> Self {
        Self {
            text: " ".to_owned(),
            color: String::new(),
        }
    }
}

impl Row {
    fn set_color(&mut self, sequence: &str) {
        let is_reset = matches!(sequence, "\x1b[m" | "\x1b[0m");
        if is_reset || self.color.len() > 256 {
            self.color.clear();
        }
        if !is_reset {
            self.color.push_str(sequence);
        }
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::ToColumn(column) => self.column = column,
            Step::Left(count) => self.column = self.column.saturating_sub(count),
            Step::Right(count) => self.column = (self.column + count).min(MAX_COLUMN),
            Step::EraseToEnd => self.cells.truncate(self.column),
            Step::EraseToStart => {
                let end = self.cells.len().min(self.column + 1);
                self.cells[..end].fill(Cell::blank());
            }
            Step::EraseLine => self.cells.clear(),
            Step::Nothing => {}
        }
    }

    fn write(&mut self, char: char) {
        let width = char.width().unwrap_or(1);
        if width == 0 {
            // It belongs to the character before.
            if let Some(cell) = self
                .column
                .checked_sub(1)
                .and_then(|at| self.cells.get_mut(at))
            {
                cell.text.push(char);
            }
            return;
        }
        if self.cells.len() < self.column + width {
            self.cells.resize(self.column + width, Cell::blank());
        }
        self.cells[self.column] = Cell {
            text: char.to_string(),
            color: self.color.clone(),
        };
        for second in &mut self.cells[self.column + 1..self.column + width] {
            *second = Cell::default();
        }
        self.column += width;
    }

    /// The text, without blanks at its end.
    fn into_text(self) -> String {
        let is_blank = |cell: &Cell| cell.color.is_empty() && cell.text.trim().is_empty();
        let end = self.cells.iter().rposition(|cell| !is_blank(cell));
        let mut text = String::new();
        let mut color = "";
        for cell in &self.cells[..end.map_or(0, |end| end + 1)] {
            if cell.color != color {
                if !color.is_empty() {
                    text.push_str("\x1b[0m");
                }
                text.push_str(&cell.color);
                color = &cell.color;
            }
            text.push_str(&cell.text);
        }
        if !color.is_empty() {
            text.push_str("\x1b[0m");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(line: &str) -> String {
        String::from_utf8(last_state(line.as_bytes()).into_owned()).expect("UTF-8")
    }

    #[test]
    fn a_progress_bar_shows_its_last_state() {
        for (line, expected) in [
            ("\r 10%\r 50%\r100%", "100%"),
            ("[=>  ] 10%\r[===>] done", "[===>] done"),
            ("downloading\rdone", "doneloading"),
            ("downloading\r\x1b[Kdone", "done"),
            (
                "\x1b[2K\x1b[1G⠋ installing\x1b[2K\x1b[1G✔ installed",
                "✔ installed",
            ),
            ("\x1b[?25l\x1b[1A\x1b[2K\rdone\x1b[?25h", "done"),
            ("50%\x08\x08\x0860%", "60%"),
            ("abc\x1b[2DX", "aXc"),
            ("abc\x1b[1K", ""),
            ("a\x1b[3Cb", "a   b"),
            ("\x1b[3F\x1b[Jtop", "top"),
            ("漢字\rab", "ab字"),
            ("e\u{301}x\ro", "ox"),
            ("60%\r", "60%"),
            ("⠋\r\x1b[K", ""),
        ] {
            assert_eq!(shown(line), expected, "{line:?}");
        }
    }

    #[test]
    fn colors_stay_with_what_they_color() {
        assert_eq!(
            shown("\x1b[31mbad\x1b[0m\r\x1b[32mok\x1b[0m"),
            "\x1b[32mok\x1b[0m\x1b[31md\x1b[0m"
        );
        assert_eq!(
            shown("\x1b[1m\x1b[32m50%\r60%"),
            "\x1b[1m\x1b[32m60%\x1b[0m"
        );
    }

    #[test]
    fn a_line_without_such_sequences_is_unchanged() {
        for line in [
            "plain",
            "\x1b[31mred\x1b[0m",
            "\x1b[2J\x1b[H",
            "\x1b]0;title\x07",
            "\x1b[?1049h",
            "\x1b[31",
            "\x1b",
            "\x1b[99999999999999999999A",
        ] {
            assert!(
                matches!(last_state(line.as_bytes()), Cow::Borrowed(_)),
                "{line:?}"
            );
        }
        // Other control characters of an overwritten line stay, and are made visible when rendered.
        assert_eq!(shown("a\r\x1b[2J"), "\x1b[2J");
    }

    proptest! {
        #[test]
        fn any_line_has_a_bounded_last_state(
            parts in prop::collection::vec(prop::sample::select(vec![
                "\r", "\x08", "\x1b[", "\x1b[K", "\x1b[2K", "\x1b[1A", "\x1b[9999G", "\x1b[4096C", "\x1b[31m",
                "\x1b[0m", "漢", "\u{301}", "a", " ", "?25h", "7", "K",
            ]), 0..40),
        ) {
            let line: String = parts.concat();
            let state = last_state(line.as_bytes());
            prop_assert!(state.len() <= line.len() * 3 + 3 * MAX_COLUMN);
            prop_assert!(!state.contains(&b'\r') && !state.contains(&0x08));
        }
    }
}
