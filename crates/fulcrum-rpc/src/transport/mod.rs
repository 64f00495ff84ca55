//! What lies under both services: accepting connections that prove themselves in time,
//! limits, and an end that comes.

mod accept;
mod complaints;
mod guarded;
mod guests;
mod handshake;
mod limiter;
mod limits;
mod meter;
mod serve;

pub(crate) use accept::Acceptor;
pub(crate) use guarded::Guarded;
pub(crate) use guests::{Guest, Staying};
pub(crate) use handshake::{Stranger, await_preface};
pub(crate) use limiter::Limiter;
pub(crate) use limits::*;
pub(crate) use serve::serve_until;
