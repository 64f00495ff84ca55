//! Metrics of programs: their last points, and how they are shown.

pub(crate) mod points;
mod sparkline;
mod store;

pub use sparkline::sparkline;
pub use store::{Point, Series, SeriesId, SeriesKind, SeriesStore};
