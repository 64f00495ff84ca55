//! The whole screen.

use ratatui::buffer::Buffer;

use super::theme::Theme;
use super::{detail, frame, log_rows, overlays, rows, table};
use crate::model::{Model, Pane};
use crate::term::ColorDepth;
use crate::text::StyledText;

/// Draws the model into a frame of the model's size. Returns where the cursor is, if a text is being
/// typed.
pub fn draw(model: &Model, theme: &Theme, buffer: &mut Buffer) -> Option<(u16, u16)> {
    let areas = model.areas();
    let screen = buffer.area;
    buffer.set_style(screen, theme.text);
    frame::draw_title(model, theme, areas.title, buffer);
    table::draw(model, theme, &areas, buffer);
    frame::draw_tabs(model, theme, areas.tabs, buffer);
    match pane_rows(model, theme) {
        Some(pane) => rows::draw(&pane, model.scroll, areas.pane, buffer),
        None => log_rows::draw(model, theme, areas.pane, buffer),
    }
    let cursor = frame::draw_footer(model, theme, areas.footer, buffer);
    overlays::draw(model, theme, buffer).or(cursor)
}

/// The rows of a pane that is not the logs.
fn pane_rows(model: &Model, theme: &Theme) -> Option<Vec<StyledText>> {
    match model.pane {
        Pane::Logs => None,
        Pane::Events => Some(rows::event_rows(model, theme)),
        Pane::Tree => Some(rows::tree_rows(&model.table, model.selected(), theme)),
        Pane::Detail => Some(detail::detail_rows(model, theme)),
    }
}

/// The first row of the last page of the pane: where scrolling ends.
pub fn last_scroll(model: &Model) -> usize {
    let theme = Theme::new(0, ColorDepth::None);
    let rows = pane_rows(model, &theme).map_or(0, |rows| rows.len());
    rows.saturating_sub(model.areas().pane.height.into())
}
