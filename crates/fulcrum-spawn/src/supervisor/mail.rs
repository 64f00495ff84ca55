//! What a driver is sent.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::Gate;
use crate::lifecycle::{Command, Fact, Refused, Timing};

/// What may be asked of a driver.
#[derive(Debug)]
pub(super) enum Wish {
    Command(Command),
    /// See [`Input::Renew`](crate::lifecycle::Input::Renew).
    Renew(String),
}

/// A wish on its way to a driver, and where its first answer goes.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) wish: Wish,
    pub(super) taken: oneshot::Sender<Result<(), Refused>>,
}

/// What the keeper tells a driver.
pub(super) enum Notice<B> {
    /// From now on this holds.
    Revise {
        terms: Terms,
        timing: Timing,
        backend: B,
    },
    /// The domain is no more: it is to end, and its driver with it.
    Retire,
}

/// What holds for a domain until it is revised.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    /// What it waits for at a start.
    pub(super) gate: Gate,
    /// How long it may take to stop.
    pub(super) grace: Duration,
}

/// Both ends of where facts arrive: each life gets a copy of the sending one.
pub(super) type Mailbox = (
    mpsc::UnboundedSender<(u64, Fact)>,
    mpsc::UnboundedReceiver<(u64, Fact)>,
);
