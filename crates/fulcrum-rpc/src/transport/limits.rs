//! Limits of both services.

use std::time::Duration;

/// The largest control message, in bytes. The largest response of a domain fits, at the greatest
/// limit that the configuration allows (64 MiB).
pub(crate) const MAX_CONTROL_MESSAGE: usize = 80 * 1024 * 1024;

/// Bytes of unfinished requests and unread responses that a service buffers for all
/// unregistered connections together.
pub(crate) const MAX_BUFFERED: usize = 128 * 1024 * 1024;

/// Streams that one connection may have open.
pub(crate) const MAX_STREAMS: u32 = 256;

/// The size of a request's header list, in bytes.
pub(crate) const MAX_HEADER_LIST: u32 = 16 * 1024;

/// Open connections of a service. Beyond it, each new connection evicts another one.
pub(crate) const MAX_CONNECTIONS: usize = 1024;

/// Connections that have not sent the HTTP/2 preface. Beyond it, each new connection evicts the
/// oldest of them.
pub(crate) const MAX_HANDSHAKES: usize = 256;

/// The time in which a connection must send the HTTP/2 preface.
pub(crate) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// The time without data after which a keep-alive ping is sent.
pub(crate) const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// The time in which a keep-alive ping must be answered.
pub(crate) const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// The pause in accepting when the process has no file descriptor left.
pub(crate) const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);
