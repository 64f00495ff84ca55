//! Serves health endpoints and metrics on the listener that the caller has bound.

use std::sync::Arc;

use fulcrum_logs::{Hub, Level};
use fulcrum_telemetry::http::{self, HttpListener};
use fulcrum_telemetry::metrics::Metrics;
use tokio::task::{AbortHandle, JoinHandle};

use crate::telemetry::loop_lag;
use crate::telemetry::source::TelemetrySource;

/// A bound listener, and what is read for it.
pub(crate) struct HttpEndpoint {
    pub(crate) listener: HttpListener,
    pub(crate) source: TelemetrySource,
    pub(crate) metrics: Metrics,
    pub(crate) hub: Hub,
}

/// Serves until it is dropped.
pub(crate) struct HttpGuard(AbortHandle);

impl HttpEndpoint {
    /// Starts to serve.
    pub(crate) fn start(self) -> HttpGuard {
        let Self {
            listener,
            source,
            metrics,
            hub,
        } = self;
        let address = listener.address();
        hub.log(
            Level::Info,
            format!("metrics and health: http://{address} (/metrics, /livez, /readyz)"),
        );
        let router = http::router(Arc::new(source), metrics.clone());
        let serving: JoinHandle<()> = tokio::spawn(async move {
            tokio::join!(listener.serve(router), loop_lag::measure(metrics));
        });
        HttpGuard(serving.abort_handle())
    }
}

impl Drop for HttpGuard {
    fn drop(&mut self) {
        self.0.abort();
    }
}
