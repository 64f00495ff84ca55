//! The traces that are kept in memory.

mod index;
mod log;
mod shares;
mod store;
mod stored;
mod summary;

pub use store::{DroppedSpans, TraceStore};
pub use summary::{TraceFilter, TraceSummary};
