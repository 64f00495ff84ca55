//! Aligned columns.

use fulcrum_logs::truncate_to_width;
use unicode_width::UnicodeWidthStr;

use super::color::Color;

/// The number of spaces between two columns.
const COLUMN_GAP: usize = 2;

/// A table as text. The last column is not padded, and is truncated to the terminal's width.
#[derive(Debug)]
pub(crate) struct Table {
    is_right_aligned: Vec<bool>,
    /// The titles first.
    rows: Vec<Vec<Cell>>,
}

/// One cell of a table.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    text: String,
    color: Option<Color>,
}

impl Cell {
    /// A cell with the first line of this text, sanitized.
    pub(crate) fn new(text: &str) -> Self {
        Self {
            text: sanitize(text.lines().next().unwrap_or_default()),
            color: None,
        }
    }

    /// The cell in a color.
    pub(crate) fn colored(mut self, color: impl Into<Option<Color>>) -> Self {
        self.color = color.into();
        self
    }
}

impl Table {
    /// An empty table. A title that starts with `>` marks a column that is aligned to the right.
    pub(crate) fn new(titles: &[&str]) -> Self {
        let title = |title: &&str| Cell::new(title.trim_start_matches('>')).colored(Color::Bold);
        Self {
            is_right_aligned: titles.iter().map(|title| title.starts_with('>')).collect(),
            rows: vec![titles.iter().map(title).collect()],
        }
    }

    /// Adds a row, with one cell per column.
    pub(crate) fn push(&mut self, row: impl IntoIterator<Item = Cell>) {
        let row: Vec<_> = row.into_iter().collect();
        debug_assert_eq!(row.len(), self.is_right_aligned.len());
        self.rows.push(row);
    }

    /// The table as text; each line ends with a newline.
    pub(crate) fn render(&self, color: bool, terminal_width: Option<u16>) -> String {
        let last = self.is_right_aligned.len().saturating_sub(1);
        let cell_widths = |at: usize| self.rows.iter().map(move |row| row[at].text.width());
        let widths: Vec<usize> = (0..=last)
            .map(|at| cell_widths(at).max().unwrap_or_default())
            .collect();
        let used: usize = widths[..last].iter().map(|width| width + COLUMN_GAP).sum();
        let mut out = String::new();
        for row in &self.rows {
            // Written before the next text only, so that no line ends with spaces.
            let mut padding = 0;
            for (at, cell) in row.iter().enumerate() {
                let text = match terminal_width {
                    Some(columns) if at == last => {
                        let rest = usize::from(columns).saturating_sub(used);
                        truncate_to_width(&cell.text, rest.max(1))
                    }
                    _ => cell.text.clone(),
                };
                let free = widths[at].saturating_sub(text.width());
                let (before, after) = match self.is_right_aligned[at] {
                    true => (free, 0),
                    false => (0, free),
                };
                padding += before;
                if !text.is_empty() {
                    out.push_str(&" ".repeat(padding));
                    out.push_str(&match cell.color {
                        Some(style) => style.paint(&text, color),
                        None => text,
                    });
                    padding = 0;
                }
                padding += after + COLUMN_GAP;
            }
            out.push('\n');
        }
        out
    }
}

/// Text without control characters, which could change the terminal's state. Tabs become spaces,
/// which keeps columns aligned.
pub(crate) fn sanitize(text: &str) -> String {
    let mut out = Vec::new();
    fulcrum_logs::sanitize(text.as_bytes(), false, &mut out);
    String::from_utf8_lossy(&out).replace('\t', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["NAME", ">PID", "REASON"]);
        table.push([
            Cell::new("users"),
            Cell::new("42"),
            Cell::new("ready since noon"),
        ]);
        table.push([Cell::new("注文"), Cell::new("4242"), Cell::new("")]);
        table
    }

    #[test]
    fn columns_are_aligned_by_width_and_lines_do_not_end_with_spaces() {
        assert_eq!(
            table().render(false, None),
            "NAME    PID  REASON\nusers    42  ready since noon\n注文   4242\n"
        );
    }

    #[test]
    fn the_last_column_is_truncated_to_the_terminal() {
        let text = table().render(false, Some(20));
        assert_eq!(text.lines().nth(1), Some("users    42  ready …"));
        // Narrower than the columns before it: one character remains.
        assert_eq!(
            table().render(false, Some(3)).lines().nth(1),
            Some("users    42  …")
        );
    }

    #[test]
    fn color_does_not_change_the_alignment() {
        let mut table = Table::new(&["A", "B"]);
        table.push([Cell::new("x").colored(Color::Red), Cell::new("y")]);
        assert_eq!(
            table.render(true, None),
            "\x1b[1mA\x1b[0m  \x1b[1mB\x1b[0m\n\x1b[31mx\x1b[0m  y\n"
        );
    }

    #[test]
    fn a_cell_is_one_sanitized_line() {
        assert_eq!(Cell::new("a\x1b[2Jb\tc\nsecond").text, "a␛[2Jb c");
    }
}
