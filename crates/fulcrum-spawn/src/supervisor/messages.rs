//! What a driver is sent.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::gate::DependencyGate;
use crate::lifecycle::{Command, CommandRejected, Fact, Timing};

/// What may be asked of a driver.
#[derive(Debug)]
pub(super) enum DriverRequest {
    Command(Command),
    /// See [`Input::Renew`](crate::lifecycle::Input::Renew).
    Renew(String),
}

/// A wish on its way to a driver, and where its first answer goes.
#[derive(Debug)]
pub(super) struct PendingRequest {
    pub(super) wish: DriverRequest,
    pub(super) taken: oneshot::Sender<Result<(), CommandRejected>>,
}

/// What the keeper tells a driver.
pub(super) enum DriverUpdate<B> {
    /// From now on this holds.
    Update {
        terms: DriverParams,
        timing: Timing,
        backend: B,
    },
    /// The domain is no more: it is to end, and its driver with it.
    Remove,
}

/// What holds for a domain until it is revised.
#[derive(Debug, Clone)]
pub(super) struct DriverParams {
    /// What it waits for at a start.
    pub(super) gate: DependencyGate,
    /// How long it may take to stop.
    pub(super) grace: Duration,
}

/// Both ends of where facts arrive: each life gets a copy of the sending one.
pub(super) type Mailbox = (
    mpsc::UnboundedSender<(u64, Fact)>,
    mpsc::UnboundedReceiver<(u64, Fact)>,
);
