//! Calls of domains: where each waits, which stream it is sent on, and how it ends.

mod route;
#[cfg(test)]
mod route_tests;
mod slot;
mod table;

pub(crate) use route::{Cancelled, Limits, Rejection};
pub(crate) use slot::{CallId, Outgoing, StreamTraits};
pub(crate) use table::{CallContent, CallGuard, DomainRoute, Outcome, RouteTable};
