//! The rows of the logs.

use fulcrum_logs::{rfc3339_millis, truncate_to_width};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use unicode_width::UnicodeWidthStr;

use super::canvas::{put, put_line};
use super::theme::Theme;
use crate::model::{EntryKind, LogEntry, LogTarget, LogView, Model};
use crate::text::{StyledText, pretty_json};

/// The widest name before a line.
const MAX_NAME: usize = 12;

/// Draws the newest lines that fit, the last one at the bottom.
pub(crate) fn draw(model: &Model, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let logs = &model.logs;
    if area.height == 0 || area.width == 0 {
        return;
    }
    let height = usize::from(area.height);
    let with_names = logs.target == LogTarget::All;
    let width = usize::from(area.width);
    let name_width = match with_names {
        true => {
            let longest = logs
                .from_bottom()
                .take(height)
                .map(|entry| entry.domain.width())
                .max();
            longest.unwrap_or_default().min(MAX_NAME)
        }
        false => 0,
    };
    // From the bottom up.
    let mut rows: Vec<Line<'static>> = Vec::with_capacity(height);
    for entry in logs.from_bottom() {
        let lines = rows_of(entry, logs, theme, name_width, width);
        rows.extend(lines.into_iter().rev());
        if rows.len() >= height {
            break;
        }
    }
    rows.truncate(height);
    rows.reverse();
    for entry in logs.below_bottom() {
        if rows.len() >= height {
            break;
        }
        rows.extend(rows_of(entry, logs, theme, name_width, width));
    }
    if rows.is_empty() {
        let text = match logs.len() {
            0 => "no lines yet",
            _ => "no line passes the filters: v shows other levels, & other lines",
        };
        put(buffer, area.x + 1, area.y, area.right(), text, theme.dim);
    }
    // Few lines begin at the top.
    for (row, line) in (0..area.height).zip(&rows) {
        put_line(buffer, area, row, line);
    }
}

fn rows_of(
    entry: &LogEntry,
    logs: &LogView,
    theme: &Theme,
    name_width: usize,
    width: usize,
) -> Vec<Line<'static>> {
    if entry.kind == EntryKind::Note {
        let text = format!("── {} ──", entry.text);
        return vec![StyledText::new(text, theme.dim).cut(0, width)];
    }
    let mut prefix = StyledText::default();
    if logs.timestamps {
        // The time of day, in UTC as in `fulcrum logs -t`.
        let time = entry.time.map(rfc3339_millis).unwrap_or_default();
        let time = time.get(11..23).unwrap_or("            ");
        prefix.push(format!("{time} "), theme.dim);
    }
    if name_width > 0 {
        let name = truncate_to_width(&entry.domain, name_width);
        let padding = " ".repeat(name_width.saturating_sub(name.width()));
        prefix.push(format!("{name}{padding} "), theme.name_color(&entry.domain));
    }
    let prefix_width = prefix.plain().width();
    let rest = width.saturating_sub(prefix_width).max(1);
    let mut rows = Vec::new();
    for text in texts(entry, logs, theme) {
        let lines = match logs.wrap {
            true => text.wrap(rest),
            false => vec![text.cut(logs.shift, rest)],
        };
        rows.extend(lines);
    }
    let is_current = logs.current_match() == Some(entry.id)
        && logs
            .search()
            .is_some_and(|search| search.is_in(&entry.plain()));
    for (number, row) in rows.iter_mut().enumerate() {
        let mut line = match number {
            0 => prefix.cut(0, prefix_width),
            _ => Line::from(" ".repeat(prefix_width)),
        };
        line.spans.append(&mut row.spans);
        if is_current {
            line = line.patch_style(Style::new().add_modifier(Modifier::UNDERLINED));
        }
        *row = line;
    }
    rows
}

/// The text of an entry, of JSON the lines, with what is searched for marked.
fn texts(entry: &LogEntry, logs: &LogView, theme: &Theme) -> Vec<StyledText> {
    let own = matches!(entry.kind, EntryKind::Line { own: true });
    let mut base = theme.level(entry.level);
    if own {
        base = base.add_modifier(Modifier::BOLD);
    }
    let pretty = logs.pretty.then(|| pretty_json(&entry.plain())).flatten();
    let mut texts: Vec<StyledText> = match pretty {
        Some(lines) => lines
            .into_iter()
            .map(|line| StyledText::new(line, base))
            .collect(),
        None => vec![StyledText::from_colored(&entry.text, base, theme.colors)],
    };
    if let Some(search) = logs.search() {
        for text in &mut texts {
            for range in search.matches(&text.plain()) {
                text.highlight(range, theme.found);
            }
        }
    }
    texts
}
