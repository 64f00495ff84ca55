//! Events of the registry.

use std::net::SocketAddr;

use serde_json::Value;

use super::connection_activity::ConnectionActivity;

/// An event of a domain's stream.
///
/// Events have the order of the changes: if a stream replaces another one, `Disconnected` of the
/// old one comes before `Registered` of the new one.
#[derive(Clone, Debug, PartialEq)]
pub enum DomainEvent {
    /// A stream was registered. The domain can be called from now on.
    Registered {
        /// The domain's name.
        domain: String,
        /// The generation, from the authorizer.
        generation: u64,
        /// Whether Fulcrum started the process.
        managed: bool,
        /// The process id, where it is known.
        pid: Option<u32>,
        /// The capabilities of the client.
        capabilities: Vec<String>,
        /// The number of the stream, unique within the registry.
        stream_id: u64,
        /// The activity of its connection.
        activity: ConnectionActivity,
    },
    /// A registration was rejected. Five events are emitted at once, then one a second.
    RegistrationRejected {
        /// The name in the registration.
        domain: String,
        /// The client's address.
        peer: SocketAddr,
        /// The process id, where the authorizer found it.
        pid: Option<u32>,
        /// Whether the client sent a token.
        has_token: bool,
        /// The reason that the client received.
        reason: String,
        /// The number of rejections since the last event that were not emitted.
        suppressed: u64,
    },
    /// A domain sent a heartbeat, or, if it has that capability, responded to a request; then the
    /// payload is empty. At most one event every 10 ms is emitted for each stream.
    Heartbeat {
        /// The domain's name.
        domain: String,
        /// The generation.
        generation: u64,
        /// The content of the heartbeat.
        heartbeat: HeartbeatPayload,
    },
    /// A registered stream ended.
    Disconnected {
        /// The domain's name.
        domain: String,
        /// The generation.
        generation: u64,
        /// The number of the stream, as in `Registered`.
        stream_id: u64,
        /// The cause, for programs.
        end: StreamEnd,
        /// The cause, as text.
        cause: String,
    },
    /// A domain has read nothing from its stream for a while although calls wait for it, or reads
    /// again.
    Backpressure {
        /// The domain's name.
        domain: String,
        /// The generation.
        generation: u64,
        /// The number of waiting calls; 0 when it reads again.
        waiting: usize,
    },
}

/// Why a registered stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamEnd {
    /// The client ended the stream; its connection may still be open.
    ByClient,
    /// The client closed the connection, or its process exited.
    Closed,
    /// The connection failed.
    ConnectionError,
    /// No data was received, and a keep-alive ping was not answered.
    KeepaliveTimeout,
    /// The client violated the protocol, or left too many messages unread.
    ProtocolViolation,
    /// A newer stream was registered under the name.
    Replaced,
    /// Fulcrum ended the stream.
    ByServer,
}

/// The content of a heartbeat. Fields that a domain omits are zero or empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeartbeatPayload {
    /// The number of the heartbeat.
    pub seq: u64,
    /// The delay of a timer in the client's event loop, in milliseconds.
    pub event_loop_lag_ms: f64,
    /// The resident memory of the process, in bytes.
    pub rss_bytes: u64,
    /// The used part of the JavaScript heap, in bytes.
    pub heap_used_bytes: u64,
    /// The size of the JavaScript heap, in bytes.
    pub heap_total_bytes: u64,
    /// The status that the client reports, such as `ok`.
    pub status: String,
}

impl HeartbeatPayload {
    /// Parses a heartbeat's payload. A malformed payload is an empty heartbeat.
    pub(crate) fn parse(payload: &str) -> Self {
        let value: Value = serde_json::from_str(payload).unwrap_or_default();
        let number = |key: &str| value.get(key).and_then(Value::as_f64).unwrap_or_default();
        // JavaScript has no integers. The cast saturates, and NaN becomes 0.
        let integer = |key: &str| number(key) as u64;
        Self {
            seq: integer("seq"),
            event_loop_lag_ms: number("event_loop_lag_ms"),
            rss_bytes: integer("rss_bytes"),
            heap_used_bytes: integer("heap_used_bytes"),
            heap_total_bytes: integer("heap_total_bytes"),
            status: value
                .get("status")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_heartbeats_are_accepted() {
        let heartbeat = HeartbeatPayload::parse(
            r#"{"seq":7,"event_loop_lag_ms":1.5,"rss_bytes":50331648.0,"heap_used_bytes":-1,"heap_total_bytes":9,"status":"ok","more":[]}"#,
        );
        let expected = HeartbeatPayload {
            seq: 7,
            event_loop_lag_ms: 1.5,
            rss_bytes: 50_331_648,
            heap_used_bytes: 0,
            heap_total_bytes: 9,
            status: "ok".into(),
        };
        assert_eq!(heartbeat, expected);
        for malformed in ["", "null", "[1]", "{", r#"{"seq":"x"}"#] {
            assert_eq!(
                HeartbeatPayload::parse(malformed),
                HeartbeatPayload::default(),
                "{malformed}"
            );
        }
    }
}
