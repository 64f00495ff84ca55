//! What is shown, and how it changes. Pure: the time is part of an input, and what is to be done is
//! returned.

mod areas;
mod event_list;
mod history;
mod input;
mod intent;
mod keys;
mod log_buffer;
mod log_entry;
mod log_view;
mod navigate;
mod overlay;
mod state;
mod table;
#[cfg(test)]
mod tests;
mod update;

pub use areas::Areas;
pub use event_list::{EventList, Life};
pub use history::History;
pub use input::{Action, Effect, Input, LogItem, Now, Verb};
pub use intent::{BINDINGS, Binding, Intent, Pane};
pub use keys::pane_columns;
pub use log_entry::{EntryKind, LogEntry};
pub use log_view::{LogTarget, LogView};
pub use overlay::{Overlay, Palette, PaletteItem, PromptKind, TextField};
pub use state::{Link, Model, Notice, Tone};
pub use table::{DomainRow, DomainTable, SortKey};
