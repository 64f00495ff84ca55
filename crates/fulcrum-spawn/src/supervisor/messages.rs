//! Messages to a driver.
//!
//! Channels carry boxes: a channel has memory for 32 messages even while it is empty, and most drivers
//! receive a handful in their life.

use rustix::process::Signal;
use tokio::sync::{mpsc, oneshot};

use super::gate::DriverParams;
use super::turn::{StartBarrier, Turn};
use crate::lifecycle::{Command, CommandRejected, Fact, Timing};

/// A request to a driver.
#[derive(Debug)]
pub(super) enum DriverRequest {
    Command(Command),
    /// See [`Input::Reload`](crate::lifecycle::Input::Reload).
    Reload(String),
    /// A fact that takes effect in its turn.
    Fact(u64, Fact),
    /// The next start waits for this too.
    HoldStart(StartBarrier),
    /// Drops the request that waits for its turn.
    CancelTurn,
    /// Any signal, to the program or to its whole tree.
    Signal(Signal, bool),
}

impl DriverRequest {
    /// Whether it ends a running process, which its dependents may still need.
    pub(super) fn waits_for_turn(&self) -> bool {
        match self {
            Self::Command(Command::Start)
            | Self::HoldStart(_)
            | Self::CancelTurn
            | Self::Signal(..) => false,
            Self::Command(_) | Self::Reload(_) | Self::Fact(..) => true,
        }
    }

    /// Whether a request that waits for its turn is obsolete once this one is made.
    pub(super) fn supersedes(&self, waiting: &Self) -> bool {
        match (self, waiting) {
            // The domain is requested to run in either case.
            (Self::Command(Command::Start), Self::Command(Command::Stop | Command::Kill)) => true,
            (
                Self::Command(Command::Start)
                | Self::HoldStart(_)
                | Self::Fact(..)
                | Self::Signal(..),
                _,
            ) => false,
            (Self::Command(_) | Self::Reload(_) | Self::CancelTurn, _) => true,
        }
    }
}

/// A request with the channel of its response.
#[derive(Debug)]
pub(super) struct PendingRequest {
    pub(super) request: DriverRequest,
    /// When it may be executed; at once without one.
    pub(super) turn: Option<Turn>,
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

/// A fact about a generation, as it is sent.
pub(super) type FactMessage = Box<(u64, Fact)>;

/// Both ends of the fact channel. Each generation gets a clone of the sender.
pub(super) type Mailbox = (
    mpsc::UnboundedSender<FactMessage>,
    mpsc::UnboundedReceiver<FactMessage>,
);
