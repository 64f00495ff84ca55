//! One frame as text.

use std::time::{Duration, SystemTime};

use fulcrum_rpc::control::{EventsRequest, LogRecord, LogsRequest, StatusRequest, log_record};
use fulcrum_rpc::{ControlClient, ControlError, ControlStream};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::model::{Effect, Input, LogItem, Model, Now};
use crate::term::ColorDepth;
use crate::view::{self, Theme, frame_text};

/// How many lines of the logs are below the table.
const LOG_ROWS: u16 = 12;

/// How the frame looks.
#[derive(Debug, Clone, Copy)]
pub struct OnceOptions {
    /// The columns.
    pub columns: u16,
    /// The colors.
    pub depth: ColorDepth,
    /// The number of the theme.
    pub theme: usize,
    /// The time of day.
    pub wall: SystemTime,
}

/// The first frame as text, with a row for each domain and the latest lines of all.
///
/// # Errors
/// The instance reports one, or the connection is lost.
pub async fn once(client: &ControlClient, options: OnceOptions) -> Result<String, ControlError> {
    let now = Now {
        elapsed: Duration::ZERO,
        wall: options.wall,
    };
    let status = client.status(StatusRequest::default()).await?;
    let domains = u16::try_from(status.domains.len()).unwrap_or(u16::MAX);
    // The table has two fifths of the rows between title and footer.
    let rows = (domains.max(3).saturating_mul(5) / 2 + 8).max(domains.saturating_add(4 + LOG_ROWS));
    let mut model = Model::new((options.columns, rows), options.theme, now);
    model.all = true;
    let mut effects = model.update(Input::Connected(Box::new(client.instance().clone())), now);
    effects.extend(model.update(Input::Status(status.domains), now));
    for event in collect(client.events(EventsRequest::default()).await?).await? {
        model.update(Input::Event(Box::new(event)), now);
    }
    for effect in effects {
        let Effect::Follow { feed, domains } = effect else {
            continue;
        };
        let request = LogsRequest {
            domains,
            tail: Some(rows.into()),
            ..LogsRequest::default()
        };
        let records = collect(client.logs(request).await?).await?;
        let items = records.into_iter().filter_map(line).collect();
        model.update(Input::Lines { feed, items }, now);
    }
    let mut buffer = Buffer::empty(Rect::new(0, 0, options.columns, rows));
    let theme = Theme::new(options.theme, options.depth);
    view::draw(&model, &theme, &mut buffer);
    let text = frame_text(&buffer, options.depth != ColorDepth::None);
    Ok(without_empty_rows(&text))
}

async fn collect<T>(mut stream: ControlStream<T>) -> Result<Vec<T>, ControlError> {
    let mut messages = Vec::new();
    while let Some(message) = stream.next().await {
        messages.push(message?);
    }
    Ok(messages)
}

fn line(record: LogRecord) -> Option<LogItem> {
    match record.record? {
        log_record::Record::Line(line) => Some(LogItem::Line(line)),
        log_record::Record::Missed(_) | log_record::Record::Seam(_) => None,
    }
}

/// Without keys, which do nothing here, and the empty rows before them.
fn without_empty_rows(text: &str) -> String {
    let rows: Vec<&str> = text.lines().collect();
    let rows = &rows[..rows.len().saturating_sub(1)];
    let end = rows
        .iter()
        .rposition(|row| !row.trim().is_empty())
        .map_or(0, |at| at + 1);
    rows[..end].iter().map(|row| format!("{row}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_footer_and_empty_rows_are_left_out() {
        assert_eq!(without_empty_rows("a\n\nb\n\n  \nkeys\n"), "a\n\nb\n");
        assert_eq!(without_empty_rows(""), "");
    }
}
