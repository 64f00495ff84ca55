//! The table of domains.

use ratatui::buffer::Buffer;
use unicode_width::UnicodeWidthStr;

use super::canvas::{put, put_right};
use super::columns::{Column, columns};
use super::theme::Theme;
use crate::model::{Areas, DomainRow, Link, Model};

/// Before the first column: the selection's mark.
const MARGIN: u16 = 2;

/// Draws titles and rows.
pub(crate) fn draw(model: &Model, theme: &Theme, areas: &Areas, buffer: &mut Buffer) {
    if areas.header.height == 0 {
        return;
    }
    let names = model
        .table
        .visible()
        .map(|row| row.state.name.width())
        .max();
    let names = u16::try_from(names.unwrap_or_default()).unwrap_or(u16::MAX);
    let columns = columns(areas.table.width.saturating_sub(MARGIN), names);
    draw_titles(&columns, theme, areas, buffer);
    let count = model.table.visible().count();
    let selected = model.table.position().unwrap_or_default();
    let first = Areas::first_row(areas.table.height, count, selected);
    let visible = model.table.visible().enumerate().skip(first);
    for ((at, row), y) in visible.zip(areas.table.top()..areas.table.bottom()) {
        draw_row(
            model,
            row,
            at == selected,
            &columns,
            theme,
            (y, areas.table.right()),
            buffer,
        );
    }
    if count == 0 {
        let text = match model.table.rows().is_empty() {
            true if model.link == Link::Connected => "no domains",
            true => "",
            false => "no name has this text",
        };
        put(
            buffer,
            MARGIN,
            areas.table.y,
            areas.table.right(),
            text,
            theme.dim,
        );
    }
}

fn draw_titles(columns: &[(Column, u16)], theme: &Theme, areas: &Areas, buffer: &mut Buffer) {
    let y = areas.header.y;
    let mut x = MARGIN;
    for (column, width) in columns {
        let end = (x + width).min(areas.header.right());
        match column.is_number() {
            true => put_right(buffer, x, y, end, column.title(), theme.header),
            false => drop(put(buffer, x, y, end, column.title(), theme.header)),
        }
        x += width + 1;
    }
}

fn draw_row(
    model: &Model,
    row: &DomainRow,
    selected: bool,
    columns: &[(Column, u16)],
    theme: &Theme,
    (y, right): (u16, u16),
    buffer: &mut Buffer,
) {
    let phase = theme.phase(&row.state);
    let is_old = model.link != Link::Connected;
    let mut x = MARGIN;
    for (column, width) in columns {
        let end = (x + width).min(right);
        let style = match column {
            _ if is_old => theme.dim,
            Column::Name => theme.text,
            Column::Phase | Column::Ready => phase,
            Column::CpuHistory | Column::MemoryHistory => theme.header,
            Column::Restarts if row.state.restarts > 0 => theme.busy,
            Column::Reason => theme.dim,
            _ => theme.text,
        };
        let text = column.text(row, *width);
        match column.is_number() {
            true => put_right(buffer, x, y, end, &text, style),
            false => {
                let text = fulcrum_logs::truncate_to_width(&text, usize::from(*width));
                put(buffer, x, y, end, &text, style);
            }
        }
        x += width + 1;
    }
    if selected {
        put(buffer, 0, y, right, "▌", theme.accent);
        let area = ratatui::layout::Rect::new(1, y, right.saturating_sub(1), 1);
        buffer.set_style(area.intersection(buffer.area), theme.selected);
    }
}
