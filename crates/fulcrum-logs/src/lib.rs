//! What a domain said: framing, ring, followers, terminal.
//!
//! # How a line travels
//!
//! A [`Pump`] per pipe reads as fast as the pipe fills and lets a [`Splitter`] find the lines. It
//! publishes them to the [`Hub`], which numbers them in one order for the whole instance, remembers
//! the newest within a number of bytes, and hands them to every [`Follower`]: the terminal, a file,
//! a client that watches. [`Terminal`] and [`to_json`] turn them into something to look at.
//! Fulcrum's own words take the same way ([`Hub::announce`]).
//!
//! ```
//! use std::sync::Arc;
//! use fulcrum_logs::{Hub, HubConfig, Query, Source, Stream, Style, Tally, Terminal, pump};
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
//! # runtime.block_on(async {
//! let hub = Hub::new(HubConfig::default());
//! let source = Source { domain: Arc::from("users"), generation: 1, pid: 4242 };
//! let pipe: &[u8] = b"ready\nlast wor";
//! pump(pipe, &hub, source, Stream::Stdout, &Tally::default()).await?;
//!
//! let lines = hub.tail(&Query::domain("users"));
//! assert!(lines[1].partial);
//! let mut terminal = Terminal::new(Style::default());
//! assert_eq!(terminal.render(&lines[0]), "users   │ ready\n".as_bytes());
//! # std::io::Result::Ok(())
//! # })?;
//! # std::io::Result::Ok(())
//! ```
//!
//! # What holds
//!
//! - Bytes are kept as they were written. Only the renderers replace what can't be shown.
//! - A pump waits for its pipe and for nothing else. Publishing moves lines under short locks; a
//!   follower that doesn't keep up loses its own oldest lines and is told how many by one [`Gap`].
//! - Everything is bounded: a line by [`MAX_LINE`], the memory by [`HubConfig::ring_bytes`], a
//!   follower by its [`Capacity`].
//! - Order is the order of arrival. Within one stream it is the order of writing; between stdout
//!   and stderr of a process it is exact up to what was read at once.
//!
//! # What this crate isn't for
//!
//! It doesn't know whose child is at the other end of a pipe, when that ends, what gRPC is, or
//! whether something is started again.

mod buffer_pool;
mod chunk;
mod clock;
mod follower;
mod hub;
mod json;
mod json_scanner;
mod level;
mod line;
mod line_splitter;
#[cfg(feature = "otlp")]
pub mod otlp;
mod pump;
mod query;
mod renderer;
mod ring;
mod sanitize;
pub mod store;
mod time;
mod trace_id;
#[cfg(feature = "tracing")]
pub mod tracing_layer;
mod wait;

pub use chunk::Chunk;
pub use follower::{Capacity, Delivery, Follower, Gap};
pub use hub::{Hub, HubConfig};
pub use json::to_json;
pub use level::detect_level;
pub use line::{FULCRUM_SOURCE, Level, LogLine, ParseNameError, Source, Stream};
pub use line_splitter::{LineBatch, LineSlice, LineSplitter, MAX_LINE};
pub use pump::{Pump, PumpCounters, PumpStats, pump};
pub use query::LogQuery;
pub use renderer::{LineRenderer, Style, truncate_to_width};
pub use sanitize::sanitize;
pub use store::Store;
pub use time::rfc3339_millis;
pub use trace_id::detect_trace_id;
pub use wait::wait_for_text;
