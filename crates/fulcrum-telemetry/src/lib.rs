//! What a supervisor tells about itself and its processes to other programs: metrics in OpenMetrics,
//! and health endpoints.
//!
//! # Theory of operation
//!
//! A caller implements two narrow traits over what it knows anyway: [`http::HealthSource`] says who is
//! ready, and [`metrics::MetricSource`] takes a snapshot of plain values. Both are read when a request
//! comes, so that what nobody asks for costs nothing.
//!
//! What would be lost until then (how long a start took, how a call ended) is counted in
//! [`metrics::Metrics`] as it happens. Its labels are bounded: a caller that makes up message types
//! fills one series.
//!
//! [`http::router`] is an ordinary [`axum::Router`]; other endpoints are merged into it.
//! [`http::HttpListener`] serves it on a loopback address, and refuses every request whose `Host` is
//! not that of this machine.
//!
//! [`Telemetry`] takes spans that are recorded here (without ever waiting: a full queue drops and counts)
//! and what [`otlp`] receives from other programs. It keeps both in memory, each kind within a bound of
//! its own, and passes them on to a collector through the queue of a [`Forwarder`]. The stores
//! ([`trace_store::TraceStore`], [`records::RecordStore`], [`series::SeriesStore`]) know no clock and no I/O.
//! On request, all of it is on disk, too, and the next process begins with that: a thread of its own
//! writes what it is passed in batches.
//! [`TelemetryService`] joins the parts.
//!
//! # Not part of this crate
//!
//! It does not know processes, configuration or terminals.

mod context;
mod convert;
mod disk;
pub mod environment;
mod export;
pub mod flame;
pub mod http;
pub mod metrics;
pub mod notify;
pub mod otlp;
pub mod records;
mod resource;
pub mod series;
mod service;
mod spans;
mod stores;
mod telemetry;
pub mod trace_store;
pub mod traces;

pub use context::{Sampler, SpanId, TraceContext, TraceId};
pub use export::{ExportConfig, ExportProtocol, Forwarder, OtlpClient, SendError};
pub use resource::{Resource, write_list};
pub use service::{TelemetryService, TelemetrySetup};
pub use spans::{Attribute, Attributes, CallName, CallNames, CallRecord, OwnSpan};
pub use stores::Usage;
pub use telemetry::{Losses, Telemetry, TelemetryOptions};
pub use traces::DOMAIN_ATTRIBUTE;
