//! The screen as a function of the model. Pure.

mod canvas;
mod columns;
mod detail;
mod frame;
mod frame_text;
mod log_rows;
mod overlays;
mod rows;
mod screen;
mod table;
#[cfg(test)]
mod tests;
mod theme;

pub(crate) use columns::port;
pub use frame::app_name;
pub use frame_text::frame_text;
pub use screen::{draw, last_scroll};
pub use theme::{THEME_NAMES, Theme};
