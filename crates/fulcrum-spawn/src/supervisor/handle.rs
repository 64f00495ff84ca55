//! How others reach a domain's driver.

use tokio::sync::{mpsc, oneshot, watch};

use super::backend::FactSender;
use super::messages::{DriverParams, DriverRequest, PendingRequest};
use super::snapshot::Snapshot;
use crate::lifecycle::{Command, CommandRejected, Fact, Goal, Phase};

/// A domain under supervision. Clones reach the same driver; when the last is gone, the driver
/// ends, and with it what it holds.
#[derive(Debug, Clone)]
pub struct DomainHandle {
    pub(super) name: String,
    pub(super) orders: mpsc::UnboundedSender<PendingRequest>,
    pub(super) facts: mpsc::UnboundedSender<(u64, Fact)>,
    pub(super) snapshots: watch::Receiver<Snapshot>,
    pub(super) terms: watch::Receiver<DriverParams>,
}

impl DomainHandle {
    /// The domain's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it is now. In phase waiting, the reason says for whom.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = self.snapshots.borrow().clone();
        if snapshot.phase == Phase::Waiting
            && let Some(reason) = self.terms.borrow().gate.blocked_by()
        {
            snapshot.reason = reason;
        }
        snapshot
    }

    /// A view that can be awaited.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Snapshot> {
        self.snapshots.clone()
    }

    /// Reports a fact about one of its generations.
    pub fn report(&self, generation: u64, fact: Fact) {
        FactSender::new(generation, self.facts.clone()).report(fact);
    }

    /// Asks for something. When this returns, the driver has taken it.
    ///
    /// # Errors
    /// It can't be taken now; the text says why.
    pub async fn request(&self, command: Command) -> Result<Ticket, CommandRejected> {
        self.order(DriverRequest::Command(command), command).await
    }

    /// Tells that what it is started from has changed, and how. It begins a new life for that
    /// without delay, out of a backoff or a failure as well; one that was stopped stays so, and
    /// its ticket says that it was overtaken. When this returns, the driver has taken it.
    ///
    /// # Errors
    /// It is no longer supervised, or about not to be.
    pub async fn reload(&self, why: impl Into<String>) -> Result<Ticket, CommandRejected> {
        self.order(DriverRequest::Renew(why.into()), Command::Restart)
            .await
    }

    /// `outcome` is what the ticket waits for.
    async fn order(
        &self,
        wish: DriverRequest,
        outcome: Command,
    ) -> Result<Ticket, CommandRejected> {
        let gone = || CommandRejected(format!("{} is no longer supervised", self.name));
        let (taken, answer) = oneshot::channel();
        self.orders
            .send(PendingRequest { wish, taken })
            .map_err(|_| gone())?;
        answer.await.map_err(|_| gone())??;
        Ok(Ticket {
            command: outcome,
            snapshots: self.snapshots.clone(),
        })
    }
}

/// The answer to a request: it was taken, and its outcome can be awaited.
#[derive(Debug)]
pub struct Ticket {
    command: Command,
    snapshots: watch::Receiver<Snapshot>,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It came about.
    Done(Snapshot),
    /// It didn't; the snapshot's reason says why.
    Failed(Snapshot),
    /// Somebody asked for the opposite meanwhile.
    Superseded(Snapshot),
}

impl Ticket {
    /// Waits for the outcome: ready, for a start or restart; no process, for a stop or kill.
    pub async fn outcome(mut self) -> Outcome {
        loop {
            let snapshot = self.snapshots.borrow_and_update().clone();
            if let Some(outcome) = outcome_for(self.command, &snapshot) {
                return outcome;
            }
            if self.snapshots.changed().await.is_err() {
                return Outcome::Failed(self.snapshots.borrow().clone());
            }
        }
    }

    /// The domain as it goes on, for progress beside the outcome.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Snapshot> {
        self.snapshots.clone()
    }
}

fn outcome_for(command: Command, snapshot: &Snapshot) -> Option<Outcome> {
    let now = || snapshot.clone();
    match (command, snapshot.phase) {
        (Command::Start | Command::Restart, phase) => match phase {
            _ if snapshot.goal == Goal::Down => Some(Outcome::Superseded(now())),
            Phase::Running if snapshot.ready => Some(Outcome::Done(now())),
            Phase::Failed | Phase::Stuck | Phase::Backoff | Phase::Stopped => {
                Some(Outcome::Failed(now()))
            }
            Phase::Waiting
            | Phase::Preparing
            | Phase::Starting
            | Phase::Running
            | Phase::Stopping => None,
        },
        (Command::Stop | Command::Kill, phase) => match phase {
            Phase::Stopped | Phase::Failed => Some(Outcome::Done(now())),
            Phase::Stuck => Some(Outcome::Failed(now())),
            _ if snapshot.goal == Goal::Up => Some(Outcome::Superseded(now())),
            Phase::Waiting
            | Phase::Preparing
            | Phase::Starting
            | Phase::Running
            | Phase::Stopping
            | Phase::Backoff => None,
        },
    }
}
