//! What is around table and pane: the title, the titles of the panes, the footer.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::canvas::{fill, put, put_right};
use super::theme::Theme;
use crate::model::{Link, LogTarget, Model, Overlay, Pane, PromptKind, Tone, pane_columns};
use crate::text::{short_bytes, short_duration, short_percent};

/// The name of an app: that of its directory.
pub fn app_name(path: &str) -> &str {
    path.rsplit('/')
        .find(|part| !part.is_empty())
        .unwrap_or(path)
}

/// The first row: app, instance, totals.
pub(crate) fn draw_title(model: &Model, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    fill(buffer, area, theme.title);
    let end = area.right();
    let mut x = put(buffer, 1, area.y, end, "fulcrum", theme.title);
    if let Some(instance) = &model.instance {
        let app = app_name(&instance.app);
        x = put(
            buffer,
            x + 2,
            area.y,
            end,
            app,
            theme.title.patch(theme.accent),
        );
        x = put(buffer, x + 2, area.y, end, &instance.mode, theme.title);
    }
    let ready = model
        .table
        .rows()
        .iter()
        .filter(|row| row.state.ready)
        .count();
    let all = model
        .table
        .rows()
        .iter()
        .filter(|row| row.state.goal == "up")
        .count();
    if !model.table.rows().is_empty() {
        let style = match ready >= all {
            true => theme.good,
            false => theme.busy,
        };
        let text = format!("{ready}/{all} ready");
        x = put(buffer, x + 2, area.y, end, &text, theme.title.patch(style));
    }
    if let Link::Lost { since, .. } = &model.link {
        let ago = model.now.elapsed.saturating_sub(*since);
        let ago = short_duration(u64::try_from(ago.as_millis()).unwrap_or(u64::MAX));
        let text = format!("no instance for {ago}");
        return put_right(
            buffer,
            x + 2,
            area.y,
            end - 1,
            &text,
            theme.title.patch(theme.bad),
        );
    }
    let cpu: f64 = model
        .table
        .rows()
        .iter()
        .map(|row| row.state.cpu_percent)
        .sum();
    let memory: u64 = model
        .table
        .rows()
        .iter()
        .map(|row| row.state.memory_bytes)
        .sum();
    let mut totals = format!("CPU {}  MEM {}", short_percent(cpu), short_bytes(memory));
    if let Some(instance) = &model.instance
        && area.width >= 100
    {
        totals = format!("{totals}  {}  pid {}", instance.grpc, instance.pid);
    }
    let end = end.saturating_sub(1);
    put_right(buffer, x + 2, area.y, end, &totals, theme.title);
}

/// The titles of the panes, and how the logs are shown.
pub(crate) fn draw_tabs(model: &Model, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let line = "─".repeat(area.width.into());
    put(buffer, 0, area.y, area.right(), &line, theme.dim);
    let mut x = 0;
    for (number, (pane, columns)) in pane_columns().enumerate() {
        let style = match pane == model.pane {
            true => theme.accent,
            false => theme.dim,
        };
        let start = u16::try_from(columns.start).unwrap_or(u16::MAX);
        let text = format!(" {} {} ", number + 1, pane.as_str());
        x = put(buffer, start, area.y, area.right(), &text, style);
    }
    let state = format!(" {} ", pane_state(model));
    let end = area.right().saturating_sub(1);
    put_right(buffer, x + 1, area.y, end, &state, theme.header);
}

/// What is shown in the pane.
fn pane_state(model: &Model) -> String {
    let whose = match (model.all, model.selected()) {
        (true, _) => "all",
        (false, Some(name)) => name,
        (false, None) => "",
    };
    match model.pane {
        Pane::Logs => {
            let logs = &model.logs;
            let whose = match logs.target {
                LogTarget::All => "all",
                LogTarget::Domain(_) | LogTarget::None => whose,
            };
            let mut parts = vec![whose.to_owned()];
            parts.extend(logs.level.map(|level| format!("≥{level}")));
            if let Some(search) = logs.search() {
                let sign = if logs.only_matches { '&' } else { '/' };
                parts.push(format!("{sign}{}", search.text()));
            }
            if logs.pretty {
                parts.push("JSON".to_owned());
            }
            if !logs.wrap {
                parts.push("no wrap".to_owned());
            }
            parts.push(
                if logs.is_following() {
                    "follow"
                } else {
                    "paused"
                }
                .to_owned(),
            );
            parts.join(" · ")
        }
        Pane::Events => whose.to_owned(),
        Pane::Tree => "who needs whom".to_owned(),
        Pane::Detail => model.selected().unwrap_or_default().to_owned(),
    }
}

/// Keys that help most, by pane.
const HINTS: [(&str, &str); 11] = [
    ("↑↓", "select"),
    ("r", "restart"),
    ("s", "start"),
    ("x", "stop"),
    ("/", "search"),
    ("f", "filter"),
    (":", "commands"),
    ("?", "keys"),
    ("q", "quit"),
    ("a", "all logs"),
    ("v", "level"),
];

/// The last row. Returns where the cursor is, if a text is being typed.
pub(crate) fn draw_footer(
    model: &Model,
    theme: &Theme,
    area: Rect,
    buffer: &mut Buffer,
) -> Option<(u16, u16)> {
    if area.height == 0 {
        return None;
    }
    let end = area.right();
    if let Some(Overlay::Prompt { kind, field, .. }) = &model.overlay {
        let label = match kind {
            PromptKind::Search => "/",
            PromptKind::Filter => "filter: ",
        };
        // The end of a long text is seen.
        let room = usize::from(area.width).saturating_sub(label.len() + 2);
        let text: Vec<char> = field.text().chars().collect();
        let text: String = text[text.len().saturating_sub(room)..].iter().collect();
        let x = put(buffer, 1, area.y, end, label, theme.accent);
        let x = put(buffer, x, area.y, end, &text, theme.text);
        put_right(
            buffer,
            x + 2,
            area.y,
            end - 1,
            "Enter accepts, Esc cancels",
            theme.dim,
        );
        return Some((x, area.y));
    }
    if let Some(notice) = &model.notice {
        let style = match notice.tone {
            Tone::Plain => theme.text,
            Tone::Good => theme.good,
            Tone::Bad => theme.bad,
        };
        let text = super::rows::one_line(&notice.text);
        let text =
            fulcrum_logs::truncate_to_width(&text, usize::from(area.width).saturating_sub(2));
        put(buffer, 1, area.y, end, &text, style);
        return None;
    }
    let mut x = 1;
    if !model.table.filter().is_empty() {
        let text = format!("filter: {}", model.table.filter());
        x = put(buffer, x, area.y, end, &text, theme.busy) + 2;
    }
    for (key, meaning) in HINTS {
        let width = key.width() + meaning.width() + 3;
        if usize::from(x) + width > usize::from(end) + 2 {
            break;
        }
        x = put(buffer, x, area.y, end, key, theme.accent);
        x = put(buffer, x + 1, area.y, end, meaning, theme.dim) + 2;
    }
    None
}
