//! Output of child processes: capture from pipes, a hub that orders and delivers lines, a store on
//! disk, rendering for terminals and programs, and export over OTLP.
//!
//! ```
//! use std::sync::Arc;
//! use fulcrum_logs::{
//!     Hub, HubConfig, LineRenderer, LogQuery, PumpCounters, Source, Stream, Style, pump,
//! };
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
//! # runtime.block_on(async {
//! let hub = Hub::new(HubConfig::default());
//! let source = Source { domain: Arc::from("users"), generation: 1, pid: 4242 };
//! let pipe: &[u8] = b"ready\nunfinished li";
//! pump(pipe, &hub, source, Stream::Stdout, &PumpCounters::default()).await?;
//!
//! let lines = hub.tail(&LogQuery::domain("users"));
//! assert!(lines[1].partial);
//! let mut renderer = LineRenderer::new(Style::default());
//! assert_eq!(renderer.render(&lines[0]), "users   │ ready\n".as_bytes());
//! # std::io::Result::Ok(())
//! # })?;
//! # std::io::Result::Ok(())
//! ```
//!
//! # Theory of operation
//!
//! The words are those of a supervisor: a *domain* is a program that is kept running, a *generation*
//! is one lifetime of its process.
//!
//! ```text
//! pipe ─ Pump ─ LineSplitter ─┐        ┌─ memory of the newest lines ─ Hub::tail
//! pipe ─ Pump ─ LineSplitter ─┼─ Hub ──┼─ Follower ─ LineRenderer, to_json, OTLP
//!        Hub::publish_event ──┘        └─ Store ─ StoreReader
//! ```
//!
//! A [`Pump`] for each pipe reads as fast as the pipe fills. A [`LineSplitter`] finds the lines. The
//! pump publishes them as a [`Chunk`] to the [`Hub`], which numbers all lines in one order, keeps the
//! newest in memory, and delivers them to each [`Follower`] and to the [`Store`]. [`LineRenderer`] and
//! [`to_json`] make text of lines. Levels and trace ids are detected only when a line is read. Lines
//! of the supervisor itself take the same way ([`Hub::publish_event`]).
//!
//! # Guarantees
//!
//! - Bytes are stored as they were written. Only the renderers replace unsafe characters.
//! - A pump waits for its pipe, and for a slow disk for a bounded time; never for a follower. A
//!   follower that is too slow loses its own oldest lines, and gets their number as one [`Gap`].
//! - Memory is bounded: a line by [`MAX_LINE`], the hub by [`HubConfig::ring_bytes`], a follower by
//!   its [`Capacity`], the queue to the disk by 4 MiB.
//! - The order is that of arrival. Within a stream it is the order of writing; between standard output
//!   and standard error it is exact up to the lines of one read.
//!
//! # Features
//!
//! - `otlp`: export over OTLP, by a transport of the caller.
//! - `tracing`: a subscriber that publishes `tracing` events to a hub.
//!
//! Both are off by default; without them there is neither `tonic` nor `tracing` in the dependency
//! graph.
//!
//! # Not part of this crate
//!
//! It does not start processes and does not notice their exit.

mod buffer_pool;
mod chunk;
mod clock;
mod error_code;
mod follower;
mod hub;
mod json;
mod json_scanner;
mod level;
mod line;
mod line_format;
mod line_splitter;
mod links;
mod message;
mod message_filter;
#[cfg(feature = "otlp")]
pub mod otlp;
mod overwritten;
mod pump;
mod query;
mod renderer;
mod ring;
mod sanitize;
pub mod store;
#[cfg(test)]
mod test_support;
mod time;
mod time_point;
mod time_range;
mod trace_id;
#[cfg(feature = "tracing")]
pub mod tracing_layer;
mod wait;

pub use chunk::Chunk;
pub use error_code::{error_code, split_code, with_code, without_code};
pub use follower::{Capacity, ChunkDelivery, Delivery, Follower, Gap};
pub use hub::{DroppedLines, Hub, HubConfig};
pub use json::{gap_to_json, to_json, to_json_into};
pub use level::detect_level;
pub use line::{FULCRUM_SOURCE, Level, LogLine, ParseNameError, Source, Stream};
pub use line_format::LineFormat;
pub use line_splitter::{LineBatch, LineSlice, LineSplitter, MAX_LINE};
pub use links::LinkBase;
pub use message::MessageGrouper;
pub use message_filter::MessageFilter;
pub use overwritten::last_state;
pub use pump::{Pump, PumpCounters, PumpStats, pump};
pub use query::LogQuery;
pub use renderer::{LineRenderer, Style, truncate_to_width};
pub use sanitize::{sanitize, strip_colors};
pub use store::Store;
pub use time::rfc3339_millis;
pub use time_point::{ParseTimeError, TimePoint};
pub use time_range::{TimeRange, TimeRangeError};
pub use trace_id::detect_trace_id;
pub use wait::wait_for_text;
