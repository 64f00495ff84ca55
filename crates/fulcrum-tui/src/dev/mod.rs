//! The keys of `fulcrum dev`, and what it shows beside lines.

mod companion;
mod keys;
mod line_filter;
mod notify;
mod output_writer;
mod screen;
mod summary;

pub use companion::{DevCompanion, DevOptions, DevRequest};
pub use keys::{DevEffect, DevKeys, HELP};
pub use line_filter::LineFilter;
pub use notify::Notify;
pub use output_writer::{LineOptions, OutputWriter};
pub use screen::{Screen, ScreenHandle};
pub use summary::{DevInfo, header, summary};
