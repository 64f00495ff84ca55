//! What the registry tells the rest of Fulcrum.

use std::net::SocketAddr;

use serde_json::Value;

use super::ConnectionActivity;

/// Something happened on a domain's stream.
///
/// Events come in the order in which the facts became true: where a stream displaces
/// another, `Disconnected` of the old comes before `Registered` of the new.
#[derive(Clone, Debug, PartialEq)]
pub enum DomainEvent {
    /// A stream was registered; it can be called from now on.
    Registered {
        /// The domain's name.
        domain: String,
        /// Which life of the domain, as the gatekeeper said.
        generation: u64,
        /// Whether Fulcrum itself started the process.
        own: bool,
        /// The process, where it is known.
        pid: Option<u32>,
        /// What the client can do.
        capabilities: Vec<String>,
        /// Number of the stream, unique for the registry's life.
        connection: u64,
        /// What passes over its connection.
        activity: ConnectionActivity,
    },
    /// A stream was refused. Five are told at once, then one a second.
    RegistrationRejected {
        /// The name it claimed.
        domain: String,
        /// The other end of its connection.
        peer: SocketAddr,
        /// The process, where the gatekeeper knew it.
        pid: Option<u32>,
        /// Whether it presented a token (a wrong one, then, or one that came too late).
        token: bool,
        /// What it was told.
        reason: String,
        /// How many others were refused and not told since the last.
        more: u64,
    },
    /// A domain said that it lives, by a heartbeat or, where it sends such, by answering a
    /// request; then the beat is empty. At most one every 10 ms for each stream is told.
    Heartbeat {
        /// The domain's name.
        domain: String,
        /// Which life of the domain.
        generation: u64,
        /// What it said of itself.
        beat: HeartbeatPayload,
    },
    /// A registered stream ended.
    Disconnected {
        /// The domain's name.
        domain: String,
        /// Which life of the domain.
        generation: u64,
        /// Number of the stream, as in `Registered`.
        connection: u64,
        /// Why, for programs.
        end: StreamEnd,
        /// Why, for people.
        cause: String,
    },
    /// A domain leaves messages unread until no more can be queued, or has begun to read again.
    /// What is full for a moment only isn't told.
    Backpressure {
        /// The domain's name.
        domain: String,
        /// Which life of the domain.
        generation: u64,
        /// How many messages wait; 0 when there is room again.
        waiting: usize,
    },
}

/// Why a registered stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamEnd {
    /// The client ended it, and its connection may still be there.
    ByClient,
    /// The client's end of the connection was closed: by itself, or because its process ended.
    Closed,
    /// The connection failed.
    ConnectionError,
    /// Nothing came any more, not even an answer to a keep-alive ping.
    KeepaliveTimeout,
    /// The client broke the protocol, or left too much unread.
    ProtocolViolation,
    /// A newer stream took the name.
    Replaced,
    /// Fulcrum ended it.
    ByServer,
}

/// What a domain says of itself in a heartbeat; what it leaves out is zero or empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeartbeatPayload {
    /// Counts the client's heartbeats.
    pub seq: u64,
    /// How long the event loop kept a timer waiting, in milliseconds.
    pub event_loop_lag_ms: f64,
    /// Resident memory of the process, in bytes.
    pub rss_bytes: u64,
    /// The part of the JavaScript heap in use, in bytes.
    pub heap_used_bytes: u64,
    /// The client's own word for how it is.
    pub status: String,
}

impl HeartbeatPayload {
    /// Reads a heartbeat's payload. One that can't be read still is a heartbeat.
    pub(crate) fn parse(payload: &str) -> Self {
        let value: Value = serde_json::from_str(payload).unwrap_or_default();
        let number = |key: &str| value.get(key).and_then(Value::as_f64).unwrap_or_default();
        // JavaScript has no integers; the cast saturates and takes NaN for 0.
        let integer = |key: &str| number(key) as u64;
        Self {
            seq: integer("seq"),
            event_loop_lag_ms: number("event_loop_lag_ms"),
            rss_bytes: integer("rss_bytes"),
            heap_used_bytes: integer("heap_used_bytes"),
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
    fn heartbeats_are_read_leniently() {
        let beat = HeartbeatPayload::parse(
            r#"{"seq":7,"event_loop_lag_ms":1.5,"rss_bytes":50331648.0,"heap_used_bytes":-1,"status":"ok","more":[]}"#,
        );
        let expected = HeartbeatPayload {
            seq: 7,
            event_loop_lag_ms: 1.5,
            rss_bytes: 50_331_648,
            heap_used_bytes: 0,
            status: "ok".into(),
        };
        assert_eq!(beat, expected);
        for odd in ["", "null", "[1]", "{", r#"{"seq":"x"}"#] {
            assert_eq!(
                HeartbeatPayload::parse(odd),
                HeartbeatPayload::default(),
                "{odd}"
            );
        }
    }
}
