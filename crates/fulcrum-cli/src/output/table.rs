//! Aligned columns.

use std::fmt::Write as _;

use fulcrum_logs::truncate_to_width;
use unicode_width::UnicodeWidthStr;

use super::color::Color;

/// Between two columns.
const COLUMN_GAP: usize = 2;

/// A table for people. The last column isn't padded, and is cut where the terminal ends.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

#[derive(Debug)]
struct Column {
    title: &'static str,
    right: bool,
}

/// One field of a table.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    text: String,
    paint: Option<Color>,
}

impl Cell {
    /// A field with this text: its first line, made harmless for terminals.
    pub(crate) fn new(text: &str) -> Self {
        Self {
            text: sanitize(text.lines().next().unwrap_or_default()),
            paint: None,
        }
    }

    /// The same field in a color.
    pub(crate) fn painted(mut self, paint: impl Into<Option<Color>>) -> Self {
        self.paint = paint.into();
        self
    }
}

impl Table {
    /// An empty table. A title that begins with `>` stands above a column of numbers, which is
    /// aligned on the right.
    pub(crate) fn new(titles: &[&'static str]) -> Self {
        let column = |title: &&'static str| match title.strip_prefix('>') {
            Some(title) => Column { title, right: true },
            None => Column {
                title,
                right: false,
            },
        };
        Self {
            columns: titles.iter().map(column).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row; it has a cell for each column.
    pub(crate) fn push(&mut self, row: impl IntoIterator<Item = Cell>) {
        let row: Vec<_> = row.into_iter().collect();
        debug_assert_eq!(row.len(), self.columns.len());
        self.rows.push(row);
    }

    /// The table as text, each line ended.
    pub(crate) fn render(&self, color: bool, width: Option<u16>) -> String {
        let titles: Vec<_> = self
            .columns
            .iter()
            .map(|column| Cell {
                text: column.title.to_owned(),
                paint: Some(Color::Bold),
            })
            .collect();
        let lines = || std::iter::once(&titles).chain(&self.rows);
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|at| lines().map(|row| row[at].text.width()).max().unwrap_or(0))
            .collect();
        let mut out = String::new();
        for row in lines() {
            self.render_row(row, &widths, color, width, &mut out);
        }
        out
    }

    fn render_row(
        &self,
        row: &[Cell],
        widths: &[usize],
        color: bool,
        terminal: Option<u16>,
        out: &mut String,
    ) {
        let mut line = String::new();
        let mut used = 0;
        // Padding is owed until something follows it, so that no line ends in spaces.
        let mut owed = 0;
        for (at, cell) in row.iter().enumerate() {
            let is_last = at + 1 == row.len();
            let text = match terminal {
                Some(columns) if is_last => {
                    truncate_to_width(&cell.text, usize::from(columns).saturating_sub(used).max(1))
                }
                _ => cell.text.clone(),
            };
            let rest = widths[at].saturating_sub(text.width());
            let (before, after) = if self.columns[at].right {
                (rest, 0)
            } else {
                (0, rest)
            };
            owed += before;
            if !text.is_empty() {
                write!(line, "{:owed$}", "").expect("a String takes every write");
                owed = 0;
                match cell.paint {
                    Some(paint) => line.push_str(&paint.paint(&text, color)),
                    None => line.push_str(&text),
                }
            }
            owed += after + COLUMN_GAP;
            used += widths[at] + COLUMN_GAP;
        }
        out.push_str(&line);
        out.push('\n');
    }
}

/// Text that can do nothing to a terminal but print. Tabs, which would break the columns, become
/// spaces.
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
            Cell::new("ready since a while"),
        ]);
        table.push([Cell::new("注文"), Cell::new("4242"), Cell::new("")]);
        table
    }

    #[test]
    fn columns_are_aligned_by_width_and_lines_end_without_spaces() {
        assert_eq!(
            table().render(false, None),
            "NAME    PID  REASON\nusers    42  ready since a while\n注文   4242\n"
        );
    }

    #[test]
    fn the_last_column_ends_with_the_terminal() {
        let text = table().render(false, Some(20));
        assert_eq!(text.lines().nth(1), Some("users    42  ready …"));
        // Narrower than the columns before it: one sign is left.
        assert_eq!(
            table().render(false, Some(3)).lines().nth(1),
            Some("users    42  …")
        );
    }

    #[test]
    fn colour_changes_no_column() {
        let mut table = Table::new(&["A", "B"]);
        table.push([Cell::new("x").painted(Color::Red), Cell::new("y")]);
        assert_eq!(
            table.render(true, None),
            "\x1b[1mA\x1b[0m  \x1b[1mB\x1b[0m\n\x1b[31mx\x1b[0m  y\n"
        );
    }

    #[test]
    fn cells_are_one_harmless_line() {
        assert_eq!(Cell::new("a\x1b[2Jb\tc\nsecond").text, "a␛[2Jb c");
    }
}
