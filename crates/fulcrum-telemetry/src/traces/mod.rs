//! Spans, and how the spans of a trace are shown.

mod span;
mod waterfall;

pub use span::{DOMAIN_ATTRIBUTE, Origin, Span, SpanEvent, SpanKind, SpanStatus};
pub(crate) use span::{MESSAGE_TYPE, attribute_size};
pub use waterfall::{Row, bar, rows};
