//! What a supervisor tells about itself and its processes to other programs: metrics in OpenMetrics,
//! and health endpoints.
//!
//! # Theory of operation
//!
//! A caller implements two narrow traits over what it knows anyway: [`http::HealthSource`] says who is
//! ready, and [`metrics::MetricSource`] takes a snapshot of plain values. Both are read when a request
//! comes, so that what nobody asks for costs nothing.
//!
//! [`http::router`] is an ordinary [`axum::Router`]; other endpoints are merged into it. [`http::serve`]
//! serves it on one listener and refuses every request whose `Host` is not that of the listener.
//!
//! # Not part of this crate
//!
//! It does not know processes, configuration or terminals, and opens no port by itself.

pub mod http;
pub mod metrics;
