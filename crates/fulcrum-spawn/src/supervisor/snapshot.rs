//! What a domain's driver publishes: how it is, and what happened.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::lifecycle::{ExitReport, Goal, Phase, TransitionCause};

/// How a domain is at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// What is so.
    pub phase: Phase,
    /// What the operator wants.
    pub goal: Goal,
    /// Whether it may take work.
    pub ready: bool,
    /// The number of its current or last life; 0 before the first.
    pub generation: u64,
    /// The leader's process id while its group may be alive.
    pub pid: Option<u32>,
    /// Restarts without an operator's asking, since an operator last started it.
    pub restarts: u32,
    /// When this life's process was spawned.
    pub spawned_at: Option<Instant>,
    /// From spawn to ready, for this or the last life that became ready.
    pub ready_after: Option<Duration>,
    /// How the last life ended.
    pub last_exit: Option<LastExit>,
    /// Why it is in this phase.
    pub reason: String,
    /// When the next start is due, in phase backoff.
    pub retry_at: Option<Instant>,
}

/// How a life ended, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastExit {
    /// The wait status.
    pub report: ExitReport,
    /// By the wall clock.
    pub at: SystemTime,
    /// Which life it was.
    pub generation: u64,
    /// Why that life ended: how it exited, or what it was ended for.
    pub reason: String,
    /// What set its end off. Unless it ended by itself, [`Self::report`] only tells how it took
    /// its end.
    pub cause: TransitionCause,
    /// Whether this supervisor had sent it SIGKILL.
    pub killed: bool,
}

/// One change of phase, or of readiness within a phase, of one domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// By the wall clock.
    pub time: SystemTime,
    /// Whose.
    pub domain: String,
    /// The phase left.
    pub from: Phase,
    /// The phase entered; the same, where only its readiness has changed.
    pub to: Phase,
    /// Whether it may take work now.
    pub ready: bool,
    /// And whether it has come to be so in this life before.
    pub was_ready_before: bool,
    /// The current or last life's number.
    pub generation: u64,
    /// Why.
    pub reason: String,
    /// What set it off.
    pub cause: TransitionCause,
}

impl Transition {
    /// What happened, as one word that does not change between versions: `ready`, `unready`,
    /// `running`, `spawned`, `exited`, `start-timeout`, `hung`, `unhealthy`, `refused`, `recycled`,
    /// `reloading`, `stopping`, or the name of the phase entered.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match (self.from, self.to) {
            (_, Phase::Running) if self.ready => "ready",
            (Phase::Running, Phase::Running) => "unready",
            (_, Phase::Running) => "running",
            (_, Phase::Starting) => "spawned",
            (_, Phase::Stopping) => match self.cause {
                TransitionCause::Exited => "exited",
                TransitionCause::StartTimeout => "start-timeout",
                TransitionCause::Hung => "hung",
                TransitionCause::Unhealthy => "unhealthy",
                TransitionCause::Rejected => "refused",
                TransitionCause::GroupRestart => "recycled",
                TransitionCause::Reload => "reloading",
                TransitionCause::Requested(_)
                | TransitionCause::Normal
                | TransitionCause::StartFailed => "stopping",
            },
            (_, phase) => phase.as_str(),
        }
    }
}
