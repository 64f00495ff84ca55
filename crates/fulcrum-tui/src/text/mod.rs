//! Text in cells of a terminal. Pure.

mod format;
mod pretty_json;
mod search;
mod sparkline;
mod styled;

pub use format::{short_bytes, short_count, short_duration, short_lag, short_percent};
pub use pretty_json::pretty_json;
pub use search::Search;
pub use sparkline::sparkline;
pub use styled::StyledText;
