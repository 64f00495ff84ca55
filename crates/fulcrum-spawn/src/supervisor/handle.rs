//! Requests to a domain's driver and their outcomes.

use rustix::process::Signal;
use tokio::sync::{mpsc, oneshot, watch};

use super::backend::FactSender;
use super::blocker::{Blocker, describe};
use super::gate::{DriverParams, WaitView};
use super::messages::{DriverRequest, FactMessage, PendingRequest};
use super::snapshot::Snapshot;
use super::turn::{StartBarrier, Turn};
use crate::lifecycle::{Command, CommandRejected, Fact, Goal, Phase};

/// A supervised domain. Clones reach the same driver. When the last one is dropped, the driver ends
/// and kills the process group that it holds.
#[derive(Debug, Clone)]
pub struct DomainHandle {
    pub(super) name: String,
    pub(super) requests: mpsc::UnboundedSender<Box<PendingRequest>>,
    pub(super) facts: mpsc::UnboundedSender<FactMessage>,
    pub(super) snapshots: watch::Receiver<Snapshot>,
    pub(super) params: watch::Receiver<DriverParams>,
}

impl DomainHandle {
    /// The domain's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The current state. In phase waiting, the reason names the dependencies that are missing.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = self.snapshots.borrow().clone();
        if snapshot.phase == Phase::Waiting
            && let Some(reason) = describe(&self.blockers())
        {
            snapshot.reason = reason;
        }
        snapshot
    }

    /// What is in the way of its start: the roots of its missing dependencies. Empty unless it
    /// waits.
    #[must_use]
    pub fn blockers(&self) -> Vec<Blocker> {
        self.wait_view().blockers()
    }

    pub(super) fn wait_view(&self) -> WaitView {
        WaitView {
            snapshots: self.snapshots.clone(),
            params: self.params.clone(),
        }
    }

    /// The state as a channel that can be awaited.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Snapshot> {
        self.snapshots.clone()
    }

    /// Reports a fact about one of its generations.
    pub fn report(&self, generation: u64, fact: Fact) {
        FactSender::new(generation, self.facts.clone()).report(fact);
    }

    /// Sends a command. When this returns, the driver has accepted it.
    ///
    /// # Errors
    /// The command is not possible now; the text gives the reason.
    pub async fn request(&self, command: Command) -> Result<Ticket, CommandRejected> {
        self.send_request(DriverRequest::Command(command), None, command)
            .await
    }

    /// Sends a command that takes effect in its turn. It is sent when this is called; the future
    /// completes when its turn has come and the driver has accepted it.
    ///
    /// # Errors
    /// The command is not possible then, or another request came first; the text gives the reason.
    pub fn request_in_turn(
        &self,
        command: Command,
        turn: Option<Turn>,
    ) -> impl Future<Output = Result<Ticket, CommandRejected>> + Send + use<> {
        self.send_request(DriverRequest::Command(command), turn, command)
    }

    /// Reports that what the domain is started from has changed; `reason` describes how. The driver
    /// starts a new generation without delay, also from phases backoff and failed. A stopped domain
    /// stays stopped, and its ticket yields [`Outcome::Superseded`]. When this returns, the driver
    /// has accepted it.
    ///
    /// # Errors
    /// The domain was removed, or is being removed.
    pub async fn reload(&self, reason: impl Into<String>) -> Result<Ticket, CommandRejected> {
        self.reload_in_turn(reason.into(), None).await
    }

    /// As [`Self::reload`], in its turn. It is sent when this is called; the future completes when
    /// its turn has come and the driver has accepted it.
    ///
    /// # Errors
    /// Those of [`Self::reload`], or another request came first.
    pub fn reload_in_turn(
        &self,
        reason: String,
        turn: Option<Turn>,
    ) -> impl Future<Output = Result<Ticket, CommandRejected>> + Send + use<> {
        self.send_request(DriverRequest::Reload(reason), turn, Command::Restart)
    }

    /// Reports a fact about one of its generations, which takes effect in its turn.
    pub fn report_in_turn(&self, generation: u64, fact: Fact, turn: Option<Turn>) {
        drop(self.send_request(
            DriverRequest::Fact(generation, fact),
            turn,
            Command::Restart,
        ));
    }

    /// Makes the next start of a domain that is being stopped wait for its turn.
    pub fn start_in_turn(&self, turn: Turn) {
        self.hold_start(turn.execute());
    }

    /// Makes the next start wait for a barrier too.
    pub(super) fn hold_start(&self, barrier: StartBarrier) {
        drop(self.send_request(DriverRequest::HoldStart(barrier), None, Command::Start));
    }

    /// Sends a signal to the program of the current generation, or to every process of its tree. It
    /// is not part of a stop: what the signal ends is restarted like after any other exit.
    ///
    /// # Errors
    /// There is no process; the text gives the reason.
    pub async fn send_signal(&self, signal: Signal, to_all: bool) -> Result<(), CommandRejected> {
        let request = DriverRequest::Signal(signal, to_all);
        self.send_request(request, None, Command::Start).await?;
        Ok(())
    }

    /// Waits until a generation has no process any more, or cannot be killed. At once if it has none
    /// now. To be called after its end was requested.
    pub async fn wait_until_gone(&self, generation: u64) {
        let is_gone = |now: &Snapshot| {
            now.generation != generation || !now.phase.has_process() || now.phase == Phase::Stuck
        };
        // Its driver may have ended.
        let _ = self.subscribe().wait_for(is_gone).await;
    }

    /// Drops a request that waits for its turn.
    pub(super) fn cancel_turn(&self) {
        drop(self.send_request(DriverRequest::CancelTurn, None, Command::Stop));
    }

    /// `outcome` is the command whose outcome the ticket awaits.
    fn send_request(
        &self,
        request: DriverRequest,
        turn: Option<Turn>,
        outcome: Command,
    ) -> impl Future<Output = Result<Ticket, CommandRejected>> + Send + use<> {
        let gone = CommandRejected(format!("{} is no longer supervised", self.name));
        let (accepted, response) = oneshot::channel();
        let request = PendingRequest {
            request,
            turn,
            accepted,
        };
        // A driver that has ended drops the sender of the response.
        let _ = self.requests.send(Box::new(request));
        let view = self.wait_view();
        async move {
            response.await.map_err(|_| gone)??;
            Ok(Ticket {
                command: outcome,
                view,
            })
        }
    }
}

/// An accepted request whose outcome can be awaited.
#[derive(Debug)]
pub struct Ticket {
    command: Command,
    view: WaitView,
}

/// The outcome of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The requested state was reached. A job has completed.
    Done(Snapshot),
    /// The requested state was not reached; the snapshot's reason gives the cause.
    Failed(Snapshot),
    /// It waits for these dependencies, and they do not come without a command or a change. The
    /// request continues.
    Blocked(Vec<Blocker>),
    /// The opposite was requested meanwhile.
    Superseded(Snapshot),
}

impl Ticket {
    /// Waits for the outcome: ready or completed, for a start or restart; no process, for a stop or
    /// kill.
    pub async fn outcome(self) -> Outcome {
        let command = self.command;
        let mut snapshots = self.view.snapshots.clone();
        let reached = async {
            loop {
                let snapshot = snapshots.borrow_and_update().clone();
                if let Some(outcome) = outcome_for(command, &snapshot) {
                    return outcome;
                }
                if snapshots.changed().await.is_err() {
                    return Outcome::Failed(snapshot);
                }
            }
        };
        tokio::select! {
            biased;
            outcome = reached => match outcome {
                // The root says more than the domain itself.
                Outcome::Failed(now) if now.blocked => Outcome::Blocked(self.view.blockers()),
                outcome => outcome,
            },
            // Only a domain that is to run waits.
            blockers = self.view.wait_until_blocked() => Outcome::Blocked(blockers),
        }
    }

    /// The domain's state, for progress beside the outcome.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Snapshot> {
        self.view.snapshots.clone()
    }
}

fn outcome_for(command: Command, snapshot: &Snapshot) -> Option<Outcome> {
    let now = || snapshot.clone();
    match (command, snapshot.phase) {
        (Command::Start | Command::Restart, phase) => match phase {
            _ if snapshot.goal == Goal::Down => Some(Outcome::Superseded(now())),
            Phase::Completed => Some(Outcome::Done(now())),
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
            | Phase::Backoff
            | Phase::Completed => None,
        },
    }
}
