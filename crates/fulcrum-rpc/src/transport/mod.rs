//! The part that both services share: accepting connections, their limits, and a shutdown that
//! ends in bounded time.

mod accept;
mod connection_table;
mod flood_control;
mod handshake;
mod limits;
mod monitored_connection;
mod rate_limited_log;
mod rate_limiter;
mod serve;

pub(crate) use accept::{Acceptor, Rejection};
pub(crate) use connection_table::{ConnectionState, ConnectionTable, PinGuard};
pub(crate) use handshake::{
    HandshakeError, UPGRADE_SENTENCE, await_preface, may_be_call, refuse_http1,
};
pub(crate) use limits::{
    HANDSHAKE_TIMEOUT, KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT, MAX_CONTROL_MESSAGE, MAX_HEADER_LIST,
    MAX_STREAMS,
};
pub(crate) use monitored_connection::MonitoredConnection;
pub(crate) use rate_limited_log::RateLimitedLog;
pub(crate) use rate_limiter::RateLimiter;
pub(crate) use serve::serve_until;
