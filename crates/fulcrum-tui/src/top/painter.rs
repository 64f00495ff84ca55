//! Frames as the bytes that turn the one before into the next.

use std::io::{self, Write as _};

use ratatui::backend::{Backend as _, CrosstermBackend};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::model::Model;
use crate::term::ColorDepth;
use crate::view::{self, Theme, app_name};

/// Draws nothing until all of it is there, where a terminal can do that.
const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";

/// What is on the terminal.
pub(super) struct Painter {
    depth: ColorDepth,
    shown: Buffer,
    next: Buffer,
    clear: bool,
    title: String,
}

impl Painter {
    pub(super) fn new(depth: ColorDepth) -> Self {
        Self {
            depth,
            shown: Buffer::empty(Rect::ZERO),
            next: Buffer::empty(Rect::ZERO),
            clear: true,
            title: String::new(),
        }
    }

    /// What is on the terminal is not known any more.
    pub(super) fn invalidate(&mut self) {
        self.clear = true;
        self.title.clear();
    }

    /// The bytes for the next frame.
    pub(super) fn paint(&mut self, model: &Model) -> io::Result<Vec<u8>> {
        let area = Rect::new(0, 0, model.size.0, model.size.1);
        let mut bytes = BEGIN.to_vec();
        if self.clear || self.shown.area != area {
            self.clear = false;
            self.shown = Buffer::empty(area);
            CrosstermBackend::new(&mut bytes).clear()?;
        }
        if self.next.area == area {
            self.next.reset();
        } else {
            self.next = Buffer::empty(area);
        }
        let theme = Theme::new(model.theme, self.depth);
        let cursor = view::draw(model, &theme, &mut self.next);
        let mut backend = CrosstermBackend::new(&mut bytes);
        backend.hide_cursor()?;
        backend.draw(self.shown.diff(&self.next).into_iter())?;
        if let Some((x, y)) = cursor {
            backend.set_cursor_position(Position::new(x, y))?;
            backend.show_cursor()?;
        }
        std::mem::swap(&mut self.shown, &mut self.next);
        let title = window_title(model);
        if title != self.title {
            write!(bytes, "\x1b]2;{title}\x07")?;
            self.title = title;
        }
        bytes.extend_from_slice(END);
        Ok(bytes)
    }
}

/// The window's title: the app, and how many domains are ready.
fn window_title(model: &Model) -> String {
    let rows = model.table.rows();
    let app = model
        .instance
        .as_ref()
        .map_or("", |instance| app_name(&instance.app));
    let failed = rows
        .iter()
        .filter(|row| matches!(row.state.phase.as_str(), "failed" | "stuck"))
        .count();
    let ready = rows.iter().filter(|row| row.state.ready).count();
    let state = match failed {
        0 => format!("{ready}/{} ready", rows.len()),
        failed => format!("{failed} failed"),
    };
    let title = format!("{app}: {state} - fulcrum top");
    title.chars().filter(|char| !char.is_control()).collect()
}
