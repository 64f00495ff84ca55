//! What clients can read about the instance itself.

use std::time::SystemTime;

use fulcrum_config::Mode;
use tokio::time::Instant;

/// Facts about an instance that never change.
#[derive(Debug, Clone)]
pub(crate) struct InstanceInfo {
    pub(crate) mode: Mode,
    /// The address at which domains register, `host:port`.
    pub(crate) grpc: String,
    /// The address of metrics and health endpoints, if they are on.
    pub(crate) http: Option<String>,
    /// The address at which OTLP is received, if it is.
    pub(crate) otlp: Option<String>,
    /// The path of the control socket.
    pub(crate) socket: String,
    /// The number of this run in the log store; 0 without a store.
    pub(crate) log_run: u64,
    pub(crate) started: Instant,
    /// The same by the wall clock.
    pub(crate) started_at: SystemTime,
}
