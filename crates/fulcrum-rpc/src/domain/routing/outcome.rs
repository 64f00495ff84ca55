//! What a call sends, and how it ends.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::room::Reservation;
use crate::domain::call_observer::TraceToDomain;
use crate::framework::DomainMessage;

/// What a call sends to a domain.
#[derive(Clone, Debug)]
pub(crate) struct CallContent {
    pub(crate) type_: String,
    pub(crate) payload: String,
    /// When the caller gives up.
    pub(crate) deadline: Instant,
    /// How many parts of the response the caller takes at first; 0 if it takes no parts.
    pub(crate) credit: u32,
    /// The trace that it belongs to.
    pub(crate) trace: Option<Arc<TraceToDomain>>,
    /// Room while it waits, if it was reserved.
    pub(crate) room: Reservation,
}

/// How a call ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// A part of the response, which others follow.
    Part(DomainMessage),
    /// The response, or its last message.
    Response(DomainMessage),
    /// The domain has sent more parts than the caller wants.
    Flooded,
    /// The stream that it was sent on ended, for this reason.
    Disconnected(Arc<str>),
    /// No stream is expected any more, for this reason.
    NotComing(Arc<str>),
}

/// Receives the outcome of a call. A channel for the parts of a response, and its end.
#[derive(Debug)]
pub(crate) enum CallSink {
    Single(oneshot::Sender<Outcome>),
    Parts(mpsc::Sender<Outcome>),
}

impl CallSink {
    /// Passes the outcome on. The caller may have given up.
    pub(super) fn finish(self, outcome: Outcome) {
        match self {
            Self::Single(sender) => drop(sender.send(outcome)),
            // There is room for one more than all parts.
            Self::Parts(sender) => drop(sender.try_send(outcome)),
        }
    }
}
