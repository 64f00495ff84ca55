//! Writing text into a frame, cut at the edges.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use unicode_width::UnicodeWidthStr;

/// Writes text into a row from column `x` on, before the column `end`. Returns the column after it.
pub(crate) fn put(buffer: &mut Buffer, x: u16, y: u16, end: u16, text: &str, style: Style) -> u16 {
    if x >= end || y >= buffer.area.bottom() {
        return x;
    }
    let width = usize::from(end - x);
    buffer.set_stringn(x, y, text, width, style).0
}

/// Writes text that ends before the column `end`, if there is room for all of it after `from`.
pub(crate) fn put_right(
    buffer: &mut Buffer,
    from: u16,
    y: u16,
    end: u16,
    text: &str,
    style: Style,
) {
    let width = u16::try_from(text.width()).unwrap_or(u16::MAX);
    if let Some(x) = end.checked_sub(width).filter(|x| *x >= from) {
        put(buffer, x, y, end, text, style);
    }
}

/// Writes a line into a row of an area.
pub(crate) fn put_line(buffer: &mut Buffer, area: Rect, row: u16, line: &Line<'_>) {
    if row < area.height && area.y + row < buffer.area.bottom() {
        buffer.set_line(area.x, area.y + row, line, area.width);
    }
}

/// Fills an area with spaces in a style.
pub(crate) fn fill(buffer: &mut Buffer, area: Rect, style: Style) {
    let area = area.intersection(buffer.area);
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            buffer[(x, y)].reset();
        }
    }
    buffer.set_style(area, style);
}

/// A box in the middle of the screen with a title; returns its inside.
pub(crate) fn put_box(
    buffer: &mut Buffer,
    (width, height): (u16, u16),
    title: &str,
    border: Style,
    text: Style,
) -> Rect {
    let screen = buffer.area;
    let width = width.min(screen.width);
    let height = height.min(screen.height);
    let x = (screen.width - width) / 2;
    let y = (screen.height - height) / 2;
    let area = Rect::new(x, y, width, height);
    fill(buffer, area, text);
    if width < 4 || height < 3 {
        return area;
    }
    let line = "─".repeat(usize::from(width) - 2);
    put(buffer, x, y, area.right(), &format!("╭{line}╮"), border);
    put(
        buffer,
        x,
        area.bottom() - 1,
        area.right(),
        &format!("╰{line}╯"),
        border,
    );
    for row in y + 1..area.bottom() - 1 {
        put(buffer, x, row, area.right(), "│", border);
        put(buffer, area.right() - 1, row, area.right(), "│", border);
    }
    put(
        buffer,
        x + 2,
        y,
        area.right() - 1,
        &format!(" {title} "),
        border,
    );
    Rect::new(x + 2, y + 1, width - 4, height - 2)
}
