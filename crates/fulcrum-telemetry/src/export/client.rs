//! One collector: connects when something is to be sent, and again whenever needed.

use axum::http::Uri;
use tokio::time::timeout;

use super::config::{ExportConfig, ExportProtocol};
use super::forwarder::{Outgoing, Signal};
use super::request::Answer;
use super::{grpc, http};

/// Why a collector has not taken a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendError {
    /// It would reject it again.
    Rejected(String),
    /// It cannot be reached, or may take it later.
    Unreachable(String),
}

enum Connection {
    Grpc(grpc::Connection),
    Http(http::Connection),
}

/// A client of a collector.
pub struct OtlpClient {
    config: ExportConfig,
    connection: Option<Connection>,
}

impl OtlpClient {
    /// A client that is not connected yet.
    #[must_use]
    pub fn new(config: ExportConfig) -> Self {
        Self {
            config,
            connection: None,
        }
    }

    /// Sends an encoded `ExportLogsServiceRequest`, within the time limit of the configuration.
    ///
    /// # Errors
    /// Why the collector has not taken it.
    pub async fn send_logs(&mut self, request: Vec<u8>) -> Result<(), SendError> {
        let outgoing = Outgoing {
            signal: Signal::Logs,
            body: request.into(),
        };
        match self.attempt(&outgoing).await {
            Answer::Accepted => Ok(()),
            Answer::Rejected(reason) => Err(SendError::Rejected(reason)),
            Answer::Later(reason) => Err(SendError::Unreachable(reason)),
        }
    }

    /// Sends a request once. No answer in time is one for later, and ends the connection.
    pub(super) async fn attempt(&mut self, outgoing: &Outgoing) -> Answer {
        let limit = self.config.timeout;
        let sending = timeout(limit, self.send(outgoing)).await;
        let answer = sending
            .unwrap_or_else(|_| Err(format!("no response within {} s", limit.as_secs_f64())));
        answer.unwrap_or_else(|reason| {
            self.connection = None;
            Answer::Later(reason)
        })
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
}
