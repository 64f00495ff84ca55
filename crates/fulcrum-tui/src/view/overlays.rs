//! What lies over the screen.

use ratatui::buffer::Buffer;
use unicode_width::UnicodeWidthStr;

use super::canvas::{fill, put, put_box, put_right};
use super::theme::Theme;
use crate::model::{Action, BINDINGS, Link, Model, Overlay, Palette, Verb};

/// Draws it. Returns where the cursor is, if a text is being typed.
pub(crate) fn draw(model: &Model, theme: &Theme, buffer: &mut Buffer) -> Option<(u16, u16)> {
    match &model.overlay {
        None | Some(Overlay::Prompt { .. }) => {
            draw_link(model, theme, buffer);
            None
        }
        Some(Overlay::Help(row)) => {
            draw_help(*row, theme, buffer);
            None
        }
        Some(Overlay::Confirm(action)) => {
            draw_question(action, theme, buffer);
            None
        }
        Some(Overlay::Palette(palette)) => Some(draw_palette(palette, theme, buffer)),
    }
}

/// Why there is nothing to see yet.
fn draw_link(model: &Model, theme: &Theme, buffer: &mut Buffer) {
    if !model.table.rows().is_empty() {
        return;
    }
    let (title, text) = match &model.link {
        Link::Connected => return,
        Link::Connecting => ("fulcrum", "connecting…"),
        Link::Lost { reason, .. } => ("no instance", reason.as_str()),
    };
    let lines: Vec<&str> = text.lines().collect();
    let width = lines
        .iter()
        .map(|line| line.width())
        .max()
        .unwrap_or_default();
    let size = (
        u16::try_from(width + 4).unwrap_or(u16::MAX),
        u16::try_from(lines.len() + 3).unwrap_or(u16::MAX),
    );
    let inside = put_box(buffer, size, title, theme.header, theme.text);
    for (y, line) in (inside.top()..inside.bottom()).zip(&lines) {
        put(buffer, inside.x, y, inside.right(), line, theme.text);
    }
    let y = inside.bottom().saturating_sub(1);
    put(
        buffer,
        inside.x,
        y,
        inside.right(),
        "waits for one; q quits",
        theme.dim,
    );
}

fn draw_question(action: &Action, theme: &Theme, buffer: &mut Buffer) {
    let (question, remark) = match action {
        Action::Reload => (
            "Apply the configuration?".to_owned(),
            "restarts domains whose settings have changed",
        ),
        Action::Change { verb, domains } => {
            let whom = match domains.as_slice() {
                [all] if all == "all" => "all domains".to_owned(),
                names => names.join(", "),
            };
            let remark = match verb {
                Verb::Start => "",
                Verb::Stop => "it stays stopped until it is started",
                Verb::Restart => "requests in flight are finished first",
                Verb::Kill => "SIGKILL; it stays stopped until it is started",
            };
            let mut word = verb.as_str().to_owned();
            word[..1].make_ascii_uppercase();
            (format!("{word} {whom}?"), remark)
        }
    };
    let answers = "y yes   n no";
    let width = [question.width(), remark.width(), answers.len()]
        .into_iter()
        .max();
    let width = u16::try_from(width.unwrap_or_default() + 6).unwrap_or(u16::MAX);
    let inside = put_box(buffer, (width, 5), "Confirm", theme.busy, theme.text);
    let rows = [
        (question.as_str(), theme.text.patch(theme.title)),
        (remark, theme.dim),
        (answers, theme.accent),
    ];
    for (y, (text, style)) in (inside.top()..inside.bottom()).zip(rows) {
        put(buffer, inside.x, y, inside.right(), text, style);
    }
}

fn draw_palette(palette: &Palette, theme: &Theme, buffer: &mut Buffer) -> (u16, u16) {
    let inside = put_box(buffer, (60, 16), "Commands", theme.header, theme.text);
    let x = put(
        buffer,
        inside.x,
        inside.y,
        inside.right(),
        "› ",
        theme.accent,
    );
    let cursor = put(
        buffer,
        x,
        inside.y,
        inside.right(),
        palette.field.text(),
        theme.text,
    );
    let items = palette.matching();
    let height = inside.height.saturating_sub(1);
    let first = palette
        .chosen
        .saturating_sub(usize::from(height).saturating_sub(1));
    let rows = items.iter().enumerate().skip(first);
    for ((at, item), y) in rows.zip(inside.y + 1..inside.bottom()) {
        let row = ratatui::layout::Rect::new(inside.x, y, inside.width, 1);
        let style = match at == palette.chosen {
            true => theme.selected,
            false => theme.text,
        };
        fill(buffer, row, style);
        let end = put(buffer, row.x, y, row.right(), &item.title(), style);
        put_right(buffer, end + 1, y, row.right(), item.label(), style);
    }
    if items.is_empty() {
        put(
            buffer,
            inside.x,
            inside.y + 1,
            inside.right(),
            "no such command",
            theme.dim,
        );
    }
    (cursor, inside.y)
}

fn draw_help(row: usize, theme: &Theme, buffer: &mut Buffer) {
    let shown: Vec<_> = BINDINGS
        .iter()
        .filter(|binding| !binding.title.is_empty())
        .collect();
    let screen = buffer.area;
    let two_columns = screen.width >= 92;
    let per_column = if two_columns {
        shown.len().div_ceil(2)
    } else {
        shown.len()
    };
    let wanted = u16::try_from(per_column + 3).unwrap_or(u16::MAX);
    let size = (if two_columns { 92 } else { 50 }, wanted.min(screen.height));
    let inside = put_box(buffer, size, "Keys", theme.header, theme.text);
    let height = usize::from(inside.height.saturating_sub(1));
    let first = row.min(per_column.saturating_sub(height));
    for (column, bindings) in (0_u16..).zip(shown.chunks(per_column)) {
        let x = inside.x + column * 45;
        for (binding, y) in bindings
            .iter()
            .skip(first)
            .zip(inside.top()..inside.bottom().saturating_sub(1))
        {
            put(buffer, x, y, inside.right(), binding.label, theme.accent);
            put(buffer, x + 9, y, inside.right(), binding.title, theme.text);
        }
    }
    let text = match first + height < per_column {
        true => "↓ more; any other key closes",
        false => "domains keep running when this view ends",
    };
    let y = inside.bottom().saturating_sub(1);
    put(buffer, inside.x, y, inside.right(), text, theme.dim);
}
