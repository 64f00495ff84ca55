//! The traces that are kept in memory.

mod parts;
mod store;
mod stored;
mod summary;

pub use store::{DroppedSpans, TraceStore};
pub use summary::{TraceFilter, TraceSummary};
