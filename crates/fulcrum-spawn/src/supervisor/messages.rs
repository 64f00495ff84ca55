//! Messages to a driver.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::gate::DependencyGate;
use crate::lifecycle::{Command, CommandRejected, Fact, Timing};

/// A request to a driver.
#[derive(Debug)]
pub(super) enum DriverRequest {
    Command(Command),
    /// See [`Input::Reload`](crate::lifecycle::Input::Reload).
    Reload(String),
}

/// A request with the channel of its response.
#[derive(Debug)]
pub(super) struct PendingRequest {
    pub(super) request: DriverRequest,
    pub(super) accepted: oneshot::Sender<Result<(), CommandRejected>>,
}

/// A message from the domain manager.
pub(super) enum DriverUpdate<B> {
    /// New parameters.
    Update {
        params: DriverParams,
        timing: Timing,
        backend: B,
    },
    /// The domain was removed: stop it and end the driver.
    Remove,
}

/// Parameters that hold until the next update.
#[derive(Debug, Clone)]
pub(super) struct DriverParams {
    /// The dependencies that a start waits for.
    pub(super) gate: DependencyGate,
    /// The time from the stop signal to SIGKILL.
    pub(super) grace: Duration,
}

/// Both ends of the fact channel. Each generation gets a clone of the sender.
pub(super) type Mailbox = (
    mpsc::UnboundedSender<(u64, Fact)>,
    mpsc::UnboundedReceiver<(u64, Fact)>,
);
