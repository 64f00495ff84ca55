//! The whole screen.

use ratatui::buffer::Buffer;

use super::theme::Theme;
use super::{detail, frame, log_rows, overlays, rows, table};
use crate::model::{Model, Pane};

/// Draws the model into a frame of the model's size. Returns where the cursor is, if a text is being
/// typed.
pub fn draw(model: &Model, theme: &Theme, buffer: &mut Buffer) -> Option<(u16, u16)> {
    let areas = model.areas();
    let screen = buffer.area;
    buffer.set_style(screen, theme.text);
    frame::draw_title(model, theme, areas.title, buffer);
    table::draw(model, theme, &areas, buffer);
    frame::draw_tabs(model, theme, areas.tabs, buffer);
    let scroll = model.scroll;
    match model.pane {
        Pane::Logs => log_rows::draw(model, theme, areas.pane, buffer),
        Pane::Events => rows::draw(&rows::event_rows(model, theme), scroll, areas.pane, buffer),
        Pane::Tree => {
            let tree = rows::tree_rows(&model.table, model.selected(), theme);
            rows::draw(&tree, scroll, areas.pane, buffer);
        }
        Pane::Detail => rows::draw(
            &detail::detail_rows(model, theme),
            scroll,
            areas.pane,
            buffer,
        ),
    }
    let cursor = frame::draw_footer(model, theme, areas.footer, buffer);
    overlays::draw(model, theme, buffer).or(cursor)
}
