//! The limits of both services, in one place.

use std::time::Duration;

/// The largest message a domain or a caller may send or be sent: what stock clients accept.
pub(crate) const MAX_MESSAGE: usize = 4 * 1024 * 1024;

/// The largest control message: a domain's largest answer and its frame fit.
pub(crate) const MAX_CONTROL_MESSAGE: usize = 16 * 1024 * 1024;

/// What a service keeps of unfinished requests and unread answers of all strangers together.
pub(crate) const MAX_BUFFERED: usize = 128 * 1024 * 1024;

/// Streams that one connection may have open.
pub(crate) const MAX_STREAMS: u32 = 256;

/// Headers that a request may bring, in bytes.
pub(crate) const MAX_HEADER_LIST: u32 = 16 * 1024;

/// Connections that a service keeps; beyond, each newcomer takes the place of another.
pub(crate) const MAX_CONNECTIONS: usize = 1024;

/// Connections that haven't sent the HTTP/2 preface yet; the oldest makes room for the newest.
pub(crate) const MAX_HANDSHAKES: usize = 256;

/// How long a connection may take to send the HTTP/2 preface.
pub(crate) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// How often a silent peer is asked whether it is there.
pub(crate) const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// How long it has for its answer.
pub(crate) const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// How long accepting rests when the process has no file descriptor left.
pub(crate) const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);
