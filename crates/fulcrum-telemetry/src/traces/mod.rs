//! Traces: what is kept of them, and how they are shown.

mod span;
mod store;
mod waterfall;

pub(crate) use span::attribute_size;
pub use span::{Origin, Span, SpanEvent, SpanKind, SpanStatus};
pub use store::DOMAIN_ATTRIBUTE;
pub(crate) use store::MESSAGE_TYPE;
pub use store::{DroppedSpans, TraceFilter, TraceStore, TraceSummary};
pub use waterfall::{Row, bar, rows};
