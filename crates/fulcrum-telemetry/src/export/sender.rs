//! The task that sends what waits, one request after the other, until the collector takes or rejects
//! it.

use std::io::Write;
use std::sync::Arc;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::config::{ExportConfig, ExportProtocol};
use super::forwarder::{Forwarder, Outgoing, QueueState};
use super::outage::Outage;
use super::{grpc, http};

/// The name of this client.
pub(super) const USER_AGENT_NAME: &str = concat!("fulcrum/", env!("CARGO_PKG_VERSION"));

/// What a collector says to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It has it.
    Accepted,
    /// It may take it later.
    Later(String),
    /// It would reject it again.
    Rejected(String),
}

impl Forwarder {
    /// Starts the task that sends. It ends after `stop`, when it has tried to send what waits once.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn start(config: ExportConfig, stop: CancellationToken) -> (Self, JoinHandle<()>) {
        let (forwarder, queue, state) = Self::new();
        let sender = Sender {
            outage: Outage::new(&config.endpoint),
            config,
            state,
            stop,
            connection: None,
        };
        (forwarder, tokio::spawn(sender.run(queue)))
    }
}

enum Connection {
    Grpc(grpc::Connection),
    Http(http::Connection),
}

struct Sender {
    config: ExportConfig,
    state: Arc<QueueState>,
    stop: CancellationToken,
    outage: Outage,
    connection: Option<Connection>,
}

impl Sender {
    async fn run(mut self, mut queue: mpsc::Receiver<Outgoing>) {
        loop {
            let outgoing = tokio::select! {
                outgoing = queue.recv() => match outgoing {
                    Some(outgoing) => outgoing,
                    None => return,
                },
                () = self.stop.cancelled() => break,
            };
            self.state.release(outgoing.body.len());
            if !self.deliver(&outgoing).await {
                // The shutdown has begun, and the collector does not take this.
                self.state.add_dropped();
                while queue.try_recv().is_ok() {
                    self.state.add_dropped();
                }
                self.report_end();
                return;
            }
        }
        queue.close();
        while let Some(outgoing) = queue.recv().await {
            if !matches!(self.attempt(&outgoing).await, Ok(Answer::Accepted)) {
                self.state.add_dropped();
                while queue.try_recv().is_ok() {
                    self.state.add_dropped();
                }
                self.report_end();
            }
        }
    }

    /// Sends a request until the collector takes or rejects it; false if the shutdown begins before.
    async fn deliver(&mut self, outgoing: &Outgoing) -> bool {
        loop {
            let reason = match self.attempt(outgoing).await {
                Ok(Answer::Accepted) => {
                    if let Some(text) = self.outage.on_success(self.state.dropped()) {
                        tracing::info!("{text}");
                    }
                    return true;
                }
                Ok(Answer::Rejected(reason)) => {
                    self.state.add_dropped();
                    self.report(&reason);
                    return true;
                }
                Ok(Answer::Later(reason)) | Err(reason) => reason,
            };
            self.report(&reason);
            if self.stop.is_cancelled() {
                return false;
            }
            let delay = self.outage.next_delay();
            tokio::select! {
                () = sleep(delay) => {}
                () = self.stop.cancelled() => return false,
            }
        }
    }

    async fn attempt(&mut self, outgoing: &Outgoing) -> Result<Answer, String> {
        let limit = self.config.timeout;
        let sending = timeout(limit, self.send(outgoing)).await;
        let answer = sending
            .unwrap_or_else(|_| Err(format!("no response within {} s", limit.as_secs_f64())));
        if answer.is_err() {
            self.connection = None;
        }
        answer
    }

    async fn send(&mut self, outgoing: &Outgoing) -> Result<Answer, String> {
        let config = &self.config;
        let uri: Uri = config
            .endpoint
            .parse()
            .map_err(|error| format!("not an address: {error}"))?;
        let is_open = match &self.connection {
            Some(Connection::Grpc(connection)) => !connection.is_closed(),
            Some(Connection::Http(connection)) => !connection.is_closed(),
            None => false,
        };
        if !is_open {
            self.connection = Some(match config.protocol {
                ExportProtocol::Grpc => Connection::Grpc(grpc::open(&uri, config).await?),
                ExportProtocol::HttpProtobuf => Connection::Http(http::open(&uri, config).await?),
            });
        }
        match &mut self.connection {
            Some(Connection::Grpc(connection)) => {
                grpc::send(connection, &uri, config, outgoing).await
            }
            Some(Connection::Http(connection)) => {
                http::send(connection, &uri, config, outgoing).await
            }
            None => Err("not connected".to_owned()),
        }
    }

    fn report(&mut self, reason: &str) {
        let dropped = self.state.dropped();
        if let Some(text) = self.outage.on_failure(reason, dropped, Instant::now()) {
            tracing::warn!("{text}");
        }
    }

    fn report_end(&self) {
        let (endpoint, dropped) = (&self.config.endpoint, self.state.dropped());
        tracing::warn!(
            "export of telemetry to {endpoint} incomplete: the collector has not taken the last requests ({dropped} dropped since the start)"
        );
    }
}

/// Adds the configured headers.
pub(super) fn add_headers(headers: &mut HeaderMap, config: &ExportConfig) {
    for (name, value) in &config.headers {
        let name = HeaderName::try_from(name.as_str());
        let value = HeaderValue::try_from(value.as_str());
        if let (Ok(name), Ok(mut value)) = (name, value) {
            value.set_sensitive(true);
            headers.insert(name, value);
        }
    }
}

/// Compresses a request.
pub(super) fn gzip(body: &[u8]) -> Result<Bytes, String> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let written = encoder.write_all(body).and_then(|()| encoder.finish());
    let compressed = written.map_err(|error| format!("cannot compress: {error}"))?;
    Ok(compressed.into())
}
