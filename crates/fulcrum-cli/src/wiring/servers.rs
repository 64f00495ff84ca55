//! The two servers of an instance: the domains' gRPC port and the control socket.

use std::time::Duration;

use fulcrum_logs::{Hub, Level, with_code};
use fulcrum_rpc::{ControlListener, Listeners, serve_control, serve_domains};
use fulcrum_runtime::{Runtime, ShutdownSignal, ShutdownStage};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::error_code::ErrorCode;

/// How long clients have to receive the outcome of a shutdown before the control server ends.
const CONTROL_SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(300);

/// How long the domain server has, and the control server after a second Ctrl-C.
const FAST_SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(100);

/// Both servers, running.
pub(crate) struct Servers {
    domains: JoinHandle<()>,
    control: JoinHandle<()>,
    shutdown: CancellationToken,
}

impl Servers {
    /// Starts both. If one fails later, that is logged and the instance shuts down.
    pub(crate) fn start(
        listeners: Listeners,
        control: ControlListener,
        runtime: &Runtime,
        hub: &Hub,
        instance: &ShutdownSignal,
    ) -> Self {
        let shutdown = CancellationToken::new();
        let domains = serve_domains(listeners, runtime.registry(), shutdown.clone());
        let control = serve_control(control, runtime.control_service(), shutdown.clone());
        Self {
            domains: spawn_server("the domain server", domains, hub, instance),
            control: spawn_server("the control server", control, hub, instance),
            shutdown,
        }
    }

    /// Ends both. Clients of the domain server are informed but not waited for: the domains have
    /// exited.
    pub(crate) async fn stop(self, fast: bool) {
        self.shutdown.cancel();
        let limit = if fast {
            FAST_SHUTDOWN_TIMEOUT
        } else {
            CONTROL_SHUTDOWN_TIMEOUT
        };
        let _ = tokio::join!(
            timeout(FAST_SHUTDOWN_TIMEOUT, self.domains),
            timeout(limit, self.control)
        );
    }
}

fn spawn_server<E: std::fmt::Display + Send + 'static>(
    name: &'static str,
    server: impl Future<Output = Result<(), E>> + Send + 'static,
    hub: &Hub,
    instance: &ShutdownSignal,
) -> JoinHandle<()> {
    let (hub, instance) = (hub.clone(), instance.clone());
    tokio::spawn(async move {
        if let Err(error) = server.await {
            let text = format!("{name} failed: {error}");
            hub.log(Level::Error, with_code(&text, ErrorCode::ServerFailed));
            instance.request(ShutdownStage::Stopping);
        }
    })
}
