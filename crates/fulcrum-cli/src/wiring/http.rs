//! The listener of metrics and health endpoints.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use fulcrum_config::{ListenAddress, Mode};
use fulcrum_logs::{Hub, Level};
use fulcrum_runtime::{Runtime, ShutdownSignal, ShutdownStage};
use fulcrum_telemetry::http::{self, HttpListener};
use fulcrum_telemetry::metrics::Metrics;

use super::listen::in_use_by;
use crate::error_code::ErrorCode;
use crate::exit::CliError;

/// A bound listener, and what is counted for it.
pub(crate) struct HttpEndpoint {
    listener: HttpListener,
    metrics: Metrics,
}

impl HttpEndpoint {
    /// Listens on the configured address, if there is one. In `dev`, a free port replaces the default
    /// port if that is in use.
    ///
    /// # Errors
    /// The address is not available; the message names the process that holds it.
    pub(crate) fn bind(
        listen: Option<&ListenAddress>,
        mode: Mode,
    ) -> Result<Option<Self>, CliError> {
        let Some(listen) = listen else {
            return Ok(None);
        };
        let may_move = mode == Mode::Dev && !listen.explicit;
        let listener = HttpListener::bind(&listen.host, listen.port, may_move)
            .map_err(|error| cannot_listen(listen, &error))?;
        Ok(Some(Self {
            listener,
            metrics: Metrics::default(),
        }))
    }

    /// The address, as the status shows it.
    pub(crate) fn address(&self) -> String {
        self.listener.address().to_string()
    }

    /// What the runtime counts.
    pub(crate) fn metrics(&self) -> Metrics {
        self.metrics.clone()
    }

    /// Serves it, if there is one, until the domains have stopped.
    pub(crate) fn serve_if_bound(
        endpoint: Option<Self>,
        runtime: &Runtime,
        hub: &Hub,
        shutdown: &ShutdownSignal,
    ) {
        if let Some(endpoint) = endpoint {
            endpoint.serve(runtime, hub, shutdown);
        }
    }

    fn serve(self, runtime: &Runtime, hub: &Hub, shutdown: &ShutdownSignal) {
        let address = self.listener.address();
        hub.log(
            Level::Info,
            format!("metrics and health: http://{address} (/metrics, /livez, /readyz)"),
        );
        let source = Arc::new(runtime.telemetry(self.listener.connections()));
        let router = http::router(source, self.metrics);
        let shutdown = shutdown.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = self.listener.serve(router) => {}
                () = shutdown.wait_for(ShutdownStage::Done) => {}
            }
        });
    }
}

fn cannot_listen(listen: &ListenAddress, error: &io::Error) -> CliError {
    let addresses = (listen.host.as_str(), listen.port).to_socket_addrs();
    let addresses: Vec<SocketAddr> = addresses.map(Iterator::collect).unwrap_or_default();
    let is_in_use = error.kind() == io::ErrorKind::AddrInUse;
    let holder = is_in_use.then(|| in_use_by(&addresses)).flatten();
    let reason = holder.map_or_else(
        || error.to_string(),
        |holder| format!("address in use by {holder}"),
    );
    let text = format!(
        "cannot serve metrics and health at {listen}: {reason}\n  \
         hint: runtime.http.listen sets another address, or `off`"
    );
    CliError::new(ErrorCode::HttpPortUnavailable, text)
}
