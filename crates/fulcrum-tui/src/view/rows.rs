//! Panes that are rows of text: events, the tree, the details.

use std::collections::BTreeMap;
use std::time::SystemTime;

use fulcrum_logs::{rfc3339_millis, sanitize};
use fulcrum_rpc::control::{Domain, Event};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use super::canvas::put_line;
use super::theme::Theme;
use crate::model::{DomainTable, Model};
use crate::text::StyledText;

/// Draws rows from the chosen one on; past the end, the last page.
pub(crate) fn draw(rows: &[StyledText], scroll: usize, area: Rect, buffer: &mut Buffer) {
    let height = usize::from(area.height);
    let first = scroll.min(rows.len().saturating_sub(height));
    for (row, text) in (0..area.height).zip(rows.iter().skip(first)) {
        put_line(buffer, area, row, &text.cut(0, area.width.into()));
    }
}

/// Events, the newest first.
pub(crate) fn event_rows(model: &Model, theme: &Theme) -> Vec<StyledText> {
    let domain = match model.all {
        true => None,
        false => model.selected(),
    };
    let width = model
        .table
        .rows()
        .iter()
        .map(|row| row.state.name.width())
        .max();
    let width = width.unwrap_or_default().clamp(7, 16);
    // A screen shows no more.
    let limit = model.scroll.saturating_add(usize::from(model.size.1));
    let rows = model.events.newest(domain).take(limit);
    let rows: Vec<_> = rows.map(|event| event_row(event, width, theme)).collect();
    match rows.is_empty() {
        true => vec![StyledText::new(" no events yet", theme.dim)],
        false => rows,
    }
}

fn event_row(event: &Event, width: usize, theme: &Theme) -> StyledText {
    let time = event.time.and_then(|time| SystemTime::try_from(time).ok());
    let time = time.map(rfc3339_millis).unwrap_or_default();
    let mut row = StyledText::new(
        format!("{} ", time.get(11..23).unwrap_or_default()),
        theme.dim,
    );
    let name = fulcrum_logs::truncate_to_width(&event.domain, width);
    let padding = " ".repeat(width.saturating_sub(name.width()));
    row.push(format!("{name}{padding} "), theme.name_color(&event.domain));
    row.push(format!("{:13} ", event.kind), theme.event(&event.kind));
    row.push(one_line(&event.reason), theme.text);
    if event.count > 1 {
        row.push(format!(" (×{})", event.count), theme.dim);
    }
    row
}

/// The first line of a text, safe for a terminal.
pub(crate) fn one_line(text: &str) -> String {
    let mut out = Vec::new();
    sanitize(
        text.lines().next().unwrap_or_default().as_bytes(),
        false,
        &mut out,
    );
    String::from_utf8_lossy(&out).replace('\t', " ")
}

/// Who depends on whom: domains that no other needs, each with what it needs below it.
pub(crate) fn tree_rows(
    table: &DomainTable,
    selected: Option<&str>,
    theme: &Theme,
) -> Vec<StyledText> {
    let domains: BTreeMap<&str, &Domain> = table
        .rows()
        .iter()
        .map(|row| (row.state.name.as_str(), &row.state))
        .collect();
    let is_needed = |name: &str| {
        domains
            .values()
            .any(|domain| domain.depends_on.iter().any(|needed| needed == name))
    };
    let mut tree = Tree {
        domains: &domains,
        selected,
        theme,
        rows: Vec::new(),
        seen: Vec::new(),
    };
    for row in table.rows() {
        if !is_needed(&row.state.name) {
            tree.add(&row.state.name, "", "");
        }
    }
    if tree.rows.is_empty() {
        tree.rows.push(StyledText::new(" no domains", theme.dim));
    }
    tree.rows
}

struct Tree<'a> {
    domains: &'a BTreeMap<&'a str, &'a Domain>,
    selected: Option<&'a str>,
    theme: &'a Theme,
    rows: Vec<StyledText>,
    seen: Vec<String>,
}

impl Tree<'_> {
    /// Adds a domain and what it needs. `below` is the indentation of the latter.
    fn add(&mut self, name: &str, branch: &str, below: &str) {
        let theme = self.theme;
        let mut row = StyledText::new(format!(" {branch}"), theme.dim);
        let Some(domain) = self.domains.get(name).copied() else {
            row.push(format!("{name} (unknown)"), theme.bad);
            return self.rows.push(row);
        };
        let style = match self.selected == Some(name) {
            true => theme.selected,
            false => theme.text,
        };
        row.push(name, style);
        let ready = if domain.ready { ", ready" } else { "" };
        row.push(format!("  {}{ready}", domain.phase), theme.phase(domain));
        let was_seen = self.seen.iter().any(|seen| seen == name);
        if was_seen && !domain.depends_on.is_empty() {
            row.push("  (see above)", theme.dim);
            return self.rows.push(row);
        }
        self.rows.push(row);
        self.seen.push(name.to_owned());
        let count = domain.depends_on.len();
        for (at, needed) in domain.depends_on.iter().enumerate() {
            let (here, next) = match at + 1 == count {
                true => ("└─ ", "   "),
                false => ("├─ ", "│  "),
            };
            self.add(needed, &format!("{below}{here}"), &format!("{below}{next}"));
        }
    }
}

/// A heading of the details.
pub(crate) fn heading(text: &str, theme: &Theme) -> StyledText {
    StyledText::new(format!(" {text}"), theme.header)
}

/// A value of the details, with its name.
pub(crate) fn value(name: &str, text: &str, style: Style, theme: &Theme) -> StyledText {
    let mut row = StyledText::new(format!("  {name:10} "), theme.dim);
    row.push(one_line(text), style);
    row
}
