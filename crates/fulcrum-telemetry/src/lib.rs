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
//! # Not part of this crate
//!
//! It does not know processes, configuration or terminals.

pub mod flame;
pub mod http;
pub mod metrics;
pub mod notify;
