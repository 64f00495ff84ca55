//! Telemetry of an instance, running: the receiver's port, what keeps and passes on, and their end.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener as StdListener};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::context::Sampler;
use crate::export::{ExportConfig, Forwarder};
use crate::otlp;
use crate::resource::Resource;
use crate::telemetry::{Losses, Telemetry, TelemetryOptions};

/// How long requests that are being received have at the end.
const RECEIVER_GRACE: Duration = Duration::from_millis(200);

/// What telemetry an instance has.
#[derive(Debug, Default)]
pub struct TelemetrySetup {
    /// The port to receive OTLP on, and the memory for what is kept, in bytes; nothing is received
    /// without it. Port 0 is a free one.
    pub receive: Option<(u16, usize)>,
    /// Which traces are recorded.
    pub sampler: Sampler,
    /// What the instance is.
    pub resource: Resource,
    /// Where everything is passed on to.
    pub export: Option<ExportConfig>,
}

/// Telemetry of an instance, running.
#[derive(Debug)]
pub struct TelemetryService {
    telemetry: Telemetry,
    address: Option<SocketAddr>,
    collector: Option<ExportConfig>,
    receiver: Option<JoinHandle<()>>,
    taker: JoinHandle<()>,
    sender: Option<JoinHandle<()>>,
    stop_receiving: CancellationToken,
    stop_taking: CancellationToken,
    stop_sending: CancellationToken,
}

impl TelemetryService {
    /// Listens, and starts the tasks; `Ok(None)` if nothing is to be received or exported.
    ///
    /// # Errors
    /// The port cannot be listened on.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(setup: TelemetrySetup) -> io::Result<Option<Self>> {
        let TelemetrySetup {
            receive,
            sampler,
            resource,
            export,
        } = setup;
        if receive.is_none() && export.is_none() {
            return Ok(None);
        }
        let listener = receive.map(|(port, _)| listen(port)).transpose()?;
        let stop_sending = CancellationToken::new();
        let collector = export.clone();
        let (forwarder, sender) = match export {
            Some(config) => {
                let (forwarder, task) = Forwarder::start(config, stop_sending.clone());
                (Some(forwarder), Some(task))
            }
            None => (None, None),
        };
        let stop_taking = CancellationToken::new();
        let options = TelemetryOptions {
            memory: receive.map(|(_, memory)| memory),
            sampler,
            resource,
            forwarder,
        };
        let (telemetry, taker) = Telemetry::start(options, stop_taking.clone());
        let stop_receiving = CancellationToken::new();
        let address = listener.as_ref().and_then(|one| one.local_addr().ok());
        let receiver = listener.map(|listener| {
            let (telemetry, stop) = (telemetry.clone(), stop_receiving.clone());
            tokio::spawn(async move {
                if let Err(error) = otlp::serve(listener, telemetry, stop).await {
                    tracing::error!("{error}");
                }
            })
        });
        Ok(Some(Self {
            telemetry,
            address,
            collector,
            receiver,
            taker,
            sender,
            stop_receiving,
            stop_taking,
            stop_sending,
        }))
    }

    /// The handle by which telemetry is recorded and read.
    #[must_use]
    pub fn telemetry(&self) -> Telemetry {
        self.telemetry.clone()
    }

    /// Where everything is passed on to.
    #[must_use]
    pub fn collector(&self) -> Option<&ExportConfig> {
        self.collector.as_ref()
    }

    /// Where OTLP is received.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Ends everything in order: what was received is taken, and what was taken is sent, for at most
    /// `limit`. What was lost, since the start.
    pub async fn stop(self, limit: Duration) -> Losses {
        self.stop_receiving.cancel();
        if let Some(receiver) = self.receiver {
            let abort = receiver.abort_handle();
            if timeout(RECEIVER_GRACE, receiver).await.is_err() {
                abort.abort();
            }
        }
        self.stop_taking.cancel();
        let _ = self.taker.await;
        self.stop_sending.cancel();
        if let Some(sender) = self.sender {
            let abort = sender.abort_handle();
            if timeout(limit, sender).await.is_err() {
                abort.abort();
            }
        }
        self.telemetry.losses()
    }
}

fn listen(port: u16) -> io::Result<TcpListener> {
    // A machine may have only one of the two.
    let listener = StdListener::bind((Ipv4Addr::LOCALHOST, port))
        .or_else(|_| StdListener::bind((Ipv6Addr::LOCALHOST, port)))?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

#[cfg(test)]
#[path = "service_tests.rs"]
mod tests;
