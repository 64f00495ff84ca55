//! Keys, the mouse, and pasted text.

use super::areas::Areas;
use super::input::Effect;
use super::intent::{Pane, intent_of};
use super::overlay::{Overlay, PaletteItem, PromptKind, TextField};
use super::state::{Model, Tone};
use crate::term::{Key, Mouse, MouseKind};
use crate::text::Search;

/// How many lines the wheel moves.
const WHEEL_LINES: isize = 3;

impl Model {
    pub(super) fn on_key(&mut self, key: Key, effects: &mut Vec<Effect>) {
        // These work everywhere.
        if matches!(key, Key::Ctrl('z' | 'l')) {
            if let Some(intent) = intent_of(key) {
                self.run(intent, effects);
            }
            return;
        }
        match self.overlay.take() {
            None => {
                if let Some(intent) = intent_of(key) {
                    self.run(intent, effects);
                }
            }
            Some(Overlay::Help(row)) => self.overlay = help_after(key, row),
            Some(Overlay::Confirm(action)) => match key {
                Key::Char('y' | 'Y') | Key::Enter => self.act(action, effects),
                Key::Char('n' | 'N' | 'q') | Key::Esc | Key::Ctrl('c') => {}
                _ => self.overlay = Some(Overlay::Confirm(action)),
            },
            Some(Overlay::Prompt {
                kind,
                field,
                before,
            }) => {
                self.on_prompt_key(key, kind, field, before);
            }
            Some(Overlay::Palette(mut palette)) => {
                if matches!(key, Key::Esc | Key::Ctrl('c')) {
                    return;
                }
                match palette.on_key(key) {
                    Some(PaletteItem::Run(_, _, intent)) => self.run(intent, effects),
                    Some(PaletteItem::Select(name)) => self.table.select(&name),
                    None => self.overlay = Some(Overlay::Palette(palette)),
                }
            }
        }
    }

    fn on_prompt_key(&mut self, key: Key, kind: PromptKind, mut field: TextField, before: String) {
        match key {
            Key::Enter => {
                if kind == PromptKind::Search && !field.text().is_empty() && !self.logs.find(true) {
                    let text = format!("no line has {:?}", field.text());
                    self.notify(text, Tone::Plain);
                }
            }
            Key::Esc | Key::Ctrl('c') => self.apply_text(kind, &before),
            key => {
                field.edit(key);
                self.apply_text(kind, field.text());
                self.overlay = Some(Overlay::Prompt {
                    kind,
                    field,
                    before,
                });
            }
        }
    }

    /// Shows what is typed at once.
    fn apply_text(&mut self, kind: PromptKind, text: &str) {
        match kind {
            PromptKind::Filter => self.table.set_filter(text),
            PromptKind::Search => self.logs.set_search(Search::new(text)),
        }
    }

    pub(super) fn on_paste(&mut self, pasted: &str) {
        let applied = match &mut self.overlay {
            Some(Overlay::Prompt { kind, field, .. }) => {
                field.insert(pasted);
                Some((*kind, field.text().to_owned()))
            }
            Some(Overlay::Palette(palette)) => {
                palette.field.insert(pasted);
                None
            }
            // A text pasted by mistake is no series of commands.
            Some(Overlay::Help(_) | Overlay::Confirm(_)) | None => None,
        };
        if let Some((kind, text)) = applied {
            self.apply_text(kind, &text);
        }
    }

    pub(super) fn on_mouse(&mut self, mouse: Mouse, _: &mut Vec<Effect>) {
        if self.overlay.is_some() {
            return;
        }
        let areas = self.areas();
        let is_in = |area: ratatui::layout::Rect| {
            area.contains(ratatui::layout::Position::new(mouse.column, mouse.row))
        };
        match mouse.kind {
            MouseKind::Press if is_in(areas.table) => {
                let count = self.table.visible().count();
                let selected = self.table.position().unwrap_or_default();
                let first = Areas::first_row(areas.table.height, count, selected);
                self.table
                    .select_at(first + usize::from(mouse.row - areas.table.y));
            }
            MouseKind::Press if is_in(areas.tabs) => {
                if let Some(pane) = pane_at(mouse.column) {
                    self.show(pane);
                }
            }
            MouseKind::Press => {}
            MouseKind::ScrollUp | MouseKind::ScrollDown => {
                let sign = if mouse.kind == MouseKind::ScrollUp {
                    -1
                } else {
                    1
                };
                if is_in(areas.table) {
                    self.table.move_by(sign);
                } else {
                    let page = usize::from(areas.pane.height).max(1);
                    self.scroll_pane(sign * WHEEL_LINES, page);
                }
            }
        }
    }
}

/// The columns of the panes' titles: a space, the number, a space, the title, a space.
pub fn pane_columns() -> impl Iterator<Item = (Pane, std::ops::Range<usize>)> {
    Pane::ALL.into_iter().scan(1, |start, pane| {
        let from = *start;
        *start += pane.as_str().len() + 4;
        Some((pane, from..*start))
    })
}

fn pane_at(column: u16) -> Option<Pane> {
    let mut columns = pane_columns();
    let found = columns.find(|(_, range)| range.contains(&usize::from(column)));
    found.map(|(pane, _)| pane)
}

fn help_after(key: Key, row: usize) -> Option<Overlay> {
    match key {
        Key::Down | Key::Char('j') => Some(Overlay::Help(row + 1)),
        Key::Up | Key::Char('k') => Some(Overlay::Help(row.saturating_sub(1))),
        Key::PageDown | Key::Char(' ') => Some(Overlay::Help(row + 10)),
        Key::PageUp => Some(Overlay::Help(row.saturating_sub(10))),
        _ => None,
    }
}
