//! The terminal: its modes, its keys, its colors.

mod color_depth;
mod decoder;
mod event;
mod links;
mod mode;
mod reader;

pub use color_depth::ColorDepth;
pub use decoder::Decoder;
pub use event::{Key, Mouse, MouseKind, TermEvent};
pub use links::has_links;
pub use mode::{ModeGuard, Modes, enter, is_foreground, is_interactive, restore, suspend};
pub use reader::InputReader;
