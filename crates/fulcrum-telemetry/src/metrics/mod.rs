//! Metrics: plain values in, OpenMetrics out.
//!
//! [`Metrics`] holds what has to be counted as it happens; a [`Snapshot`] has what can be read at any
//! time. [`Metrics::encode`] writes both. Every metric is in [`METRICS`].
//!
//! ```
//! use std::time::{Duration, Instant};
//! use fulcrum_telemetry::metrics::{DomainFacts, Metrics, Snapshot, TextFormat};
//!
//! let metrics = Metrics::default();
//! let now = Instant::now();
//! metrics.add_domain("users").heartbeat(Duration::from_millis(3), now);
//!
//! let users = DomainFacts { name: "users".to_owned(), ..DomainFacts::default() };
//! let snapshot = Snapshot { domains: vec![users], ..Snapshot::default() };
//! let text = metrics.encode(snapshot, TextFormat::OpenMetrics, now);
//! assert!(text.contains(r#"fulcrum_domain_event_loop_lag_seconds_count{domain="users"} 1"#));
//! ```

mod calls;
mod definition;
mod domain_recorder;
mod exposition;
mod family;
mod registry;
mod snapshot;
#[cfg(test)]
mod tests;
mod text_format;
mod window_max;

pub use calls::{CallFacts, CallOutcome};
pub use definition::{METRICS, MetricDefinition, MetricKind, MetricUnit};
pub use domain_recorder::{DomainRecorder, ExitFacts};
pub use registry::Metrics;
pub use snapshot::{
    DomainFacts, InstanceFacts, MetricSource, OutputFacts, ProcessFacts, Snapshot, UsageFacts,
};
pub use text_format::TextFormat;
