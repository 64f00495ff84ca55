//! Moving around, and what narrows the view.

use super::input::{Action, Effect, Verb};
use super::intent::{Intent, Pane};
use super::log_view::next_level;
use super::overlay::{Overlay, Palette, PromptKind, TextField};
use super::state::{Model, Tone};
use crate::text::Search;

impl Model {
    pub(super) fn navigate(&mut self, intent: Intent) {
        let page = usize::from(self.areas().pane.height).max(1);
        let step = isize::try_from(page.saturating_sub(1).max(1)).unwrap_or(1);
        match intent {
            // Without a table, the arrows move in the pane.
            Intent::Move(rows) if self.zoomed => self.scroll_pane(rows, page),
            Intent::Move(rows) => {
                self.table.move_by(rows);
                self.scroll = 0;
            }
            Intent::Scroll(rows) => self.scroll_pane(rows, page),
            Intent::Page(pages) => self.scroll_pane(pages * step, page),
            Intent::ToStart if self.pane == Pane::Logs => self.logs.to_start(page),
            Intent::ToEnd if self.pane == Pane::Logs => self.logs.to_end(),
            Intent::ToStart => self.scroll = 0,
            Intent::ToEnd => self.scroll = usize::MAX / 2,
            Intent::Shift(columns) if self.pane == Pane::Logs && !self.logs.wrap => {
                self.logs.shift = self.logs.shift.saturating_add_signed(columns);
            }
            Intent::Show(pane) => self.show(pane),
            Intent::NextPane(forward) => self.show(self.pane.neighbor(forward)),
            Intent::Zoom => self.zoomed = !self.zoomed,
            _ => {}
        }
    }

    /// Scrolls the pane by rows, up if negative.
    pub(super) fn scroll_pane(&mut self, rows: isize, page: usize) {
        match self.pane {
            Pane::Logs => self.logs.scroll(rows, page),
            Pane::Events | Pane::Tree | Pane::Detail => {
                self.scroll = self.scroll.saturating_add_signed(rows);
            }
        }
    }

    /// Shows another pane.
    pub(super) fn show(&mut self, pane: Pane) {
        if self.pane != pane {
            self.pane = pane;
            self.scroll = 0;
            self.details_of = None;
        }
    }

    pub(super) fn open(&mut self, intent: Intent) {
        let prompt = |kind, text: &str| Overlay::Prompt {
            kind,
            field: TextField::new(text),
            before: text.to_owned(),
        };
        self.overlay = Some(match intent {
            Intent::Filter => prompt(PromptKind::Filter, self.table.filter()),
            Intent::Search => {
                self.pane = Pane::Logs;
                let text = self.logs.search().map_or("", Search::text).to_owned();
                let mut prompt = prompt(PromptKind::Search, &text);
                // A new search begins empty; Esc leaves the old one.
                if let Overlay::Prompt { field, .. } = &mut prompt {
                    *field = TextField::default();
                }
                prompt
            }
            Intent::Palette => {
                let names = self.table.rows().iter().map(|row| row.state.name.clone());
                Overlay::Palette(Palette::new(names))
            }
            _ => Overlay::Help(0),
        });
    }

    /// What changes domains is asked for again, except a start.
    pub(super) fn ask(&mut self, intent: Intent, effects: &mut Vec<Effect>) {
        let action = match intent {
            Intent::Change(verb) => {
                let Some(name) = self.selected().map(str::to_owned) else {
                    return;
                };
                let domains = vec![name];
                Action::Change { verb, domains }
            }
            Intent::RestartAll => Action::Change {
                verb: Verb::Restart,
                domains: vec!["all".to_owned()],
            },
            _ => Action::Reload,
        };
        match &action {
            Action::Change {
                verb: Verb::Start, ..
            } => self.act(action, effects),
            _ => self.overlay = Some(Overlay::Confirm(action)),
        }
    }

    pub(super) fn change_logs(&mut self, intent: Intent) {
        match intent {
            Intent::Match { older } => {
                if self.logs.search().is_none() {
                    self.notify("nothing to search for: / sets it", Tone::Plain);
                } else if !self.logs.find(older) {
                    let where_to = if older { "older" } else { "newer" };
                    self.notify(format!("no {where_to} match"), Tone::Plain);
                }
            }
            Intent::OnlyMatches if self.logs.search().is_none() => {
                self.notify("nothing to search for: / sets it", Tone::Plain);
            }
            Intent::OnlyMatches => self.logs.toggle_only_matches(),
            Intent::Follow => self.logs.toggle_follow(),
            Intent::Level => {
                let level = next_level(self.logs.level);
                self.logs.set_level(level);
                let text =
                    level.map_or("all lines".to_owned(), |level| format!("{level} and above"));
                self.notify(text, Tone::Plain);
            }
            Intent::Wrap => {
                self.logs.wrap = !self.logs.wrap;
                self.logs.shift = 0;
            }
            Intent::Pretty => self.logs.pretty = !self.logs.pretty,
            Intent::All => self.all = !self.all,
            Intent::Timestamps => self.logs.timestamps = !self.logs.timestamps,
            Intent::Clear => self.logs.clear(),
            _ => {}
        }
    }

    /// Undoes the last thing that narrows the view.
    pub(super) fn back(&mut self) {
        if self.notice.take().is_some() {
        } else if self.zoomed {
            self.zoomed = false;
        } else if self.logs.search().is_some() {
            self.logs.set_search(None);
        } else if !self.logs.is_following() {
            self.logs.to_end();
        } else {
            self.table.set_filter("");
        }
    }
}
