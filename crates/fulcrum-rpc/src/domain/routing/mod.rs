//! Calls of domains: where each waits, which stream it is sent on, and how it ends.

mod domain_route;
mod event_queue;
mod outcome;
mod pending_call;
mod pending_count;
mod room;
mod route;
#[cfg(test)]
mod route_tests;
mod slot;
mod table;

pub(crate) use domain_route::DomainRoute;
pub(crate) use event_queue::EventContent;
pub(crate) use outcome::{CallContent, Outcome};
pub(crate) use pending_call::CallGuard;
pub use pending_count::PendingCalls;
pub(crate) use room::Reservation;
pub(crate) use route::{Cancelled, Limits, Rejection};
pub(crate) use slot::{CallId, Outgoing, StreamTraits};
pub(crate) use table::RouteTable;
