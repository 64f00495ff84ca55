//! What is observed of a request.

use std::time::{Duration, SystemTime};

/// A request of the control API that has ended.
#[derive(Clone, Debug)]
pub struct FinishedRequest<'a> {
    /// The method, such as `fulcrum.control.v1.Control/Change`.
    pub method: &'a str,
    /// The client's `traceparent`; empty if there is none.
    pub traceparent: &'a str,
    /// When it began.
    pub started: SystemTime,
    /// How long it took.
    pub duration: Duration,
    /// The number of the gRPC status; none if the client has gone before.
    pub status: Option<i32>,
}
