//! A call that has no outcome yet, from the side of its caller.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::{mpsc, oneshot};

use super::domain_route::DomainRoute;
use super::outcome::{CallContent, CallSink, Outcome};
use super::route::{Cancelled, Rejection};
use super::slot::CallId;

impl DomainRoute {
    /// Adds a call. Dropping the result before its outcome cancels the call.
    ///
    /// # Errors
    /// Why it is not accepted.
    pub(crate) fn submit(
        self: &Arc<Self>,
        id: CallId,
        content: CallContent,
        may_wait: bool,
    ) -> Result<PendingCall, Rejection> {
        let (sink, outcome) = oneshot::channel();
        self.add(id, content, may_wait, CallSink::Single(sink))?;
        Ok(PendingCall::new(CallGuard::new(self, id), outcome))
    }

    /// As [`Self::submit`], for a response in parts.
    ///
    /// # Errors
    /// Why it is not accepted.
    pub(crate) fn submit_stream(
        self: &Arc<Self>,
        id: CallId,
        content: CallContent,
        may_wait: bool,
    ) -> Result<(CallGuard, mpsc::Receiver<Outcome>), Rejection> {
        let room = content.credit as usize + 1;
        let (sink, parts) = mpsc::channel(room);
        self.add(id, content, may_wait, CallSink::Parts(sink))?;
        Ok((CallGuard::new(self, id), parts))
    }
}

/// A call that has not ended. Dropping it cancels the call.
pub(crate) struct CallGuard {
    route: Arc<DomainRoute>,
    id: CallId,
    finished: bool,
}

impl CallGuard {
    pub(super) fn new(route: &Arc<DomainRoute>, id: CallId) -> Self {
        Self {
            route: Arc::clone(route),
            id,
            finished: false,
        }
    }

    /// Gives up. What the call was doing.
    pub(crate) fn cancel(&mut self) -> Cancelled {
        self.finished = true;
        self.route.cancel(self.id)
    }

    /// Gives up if no stream may be sent the call now. False if one was, or may be.
    pub(crate) fn cancel_unconnected(&mut self) -> bool {
        let cancelled = self.route.cancel_unconnected(self.id);
        self.finished |= cancelled;
        cancelled
    }

    /// Wants more parts of the response.
    pub(crate) fn grant(&self, parts: u32) {
        self.route.grant(self.id, parts);
    }

    /// The call has ended by itself.
    pub(crate) fn finish(&mut self) {
        self.finished = true;
    }

    pub(crate) fn route(&self) -> &Arc<DomainRoute> {
        &self.route
    }
}

impl Drop for CallGuard {
    fn drop(&mut self) {
        if !self.finished {
            self.route.cancel(self.id);
        }
    }
}

/// A call without an outcome yet. Dropping it cancels the call.
pub(crate) struct PendingCall {
    pub(crate) guard: CallGuard,
    outcome: oneshot::Receiver<Outcome>,
}

impl PendingCall {
    pub(super) fn new(guard: CallGuard, outcome: oneshot::Receiver<Outcome>) -> Self {
        Self { guard, outcome }
    }
}

impl Future for PendingCall {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        let polled = Pin::new(&mut self.outcome).poll(context);
        polled.map(|outcome| {
            self.guard.finish();
            // The route never drops a sender.
            outcome.unwrap_or_else(|_| Outcome::Disconnected("internal error".into()))
        })
    }
}
