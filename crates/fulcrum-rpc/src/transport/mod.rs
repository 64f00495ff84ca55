//! What lies under both services: accepting connections that prove themselves in time,
//! limits, and an end that comes.

mod accept;
mod connection_table;
mod flood_control;
mod handshake;
mod limits;
mod monitored_connection;
mod rate_limited_log;
mod rate_limiter;
mod serve;

pub(crate) use accept::Acceptor;
pub(crate) use connection_table::{ConnectionState, PinGuard};
pub(crate) use handshake::{HandshakeError, await_preface};
pub(crate) use limits::*;
pub(crate) use monitored_connection::MonitoredConnection;
pub(crate) use rate_limiter::RateLimiter;
pub(crate) use serve::serve_until;
