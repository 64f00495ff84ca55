//! State and transitions that a driver publishes.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::lifecycle::{ExitReport, Goal, Phase, TransitionCause};

/// The state of a domain at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The actual state.
    pub phase: Phase,
    /// The requested state.
    pub goal: Goal,
    /// Whether the domain may take work.
    pub ready: bool,
    /// The number of the current or last generation; 0 before the first.
    pub generation: u64,
    /// The process id of the leader while its group may exist.
    pub pid: Option<u32>,
    /// Automatic restarts since an operator last started the domain.
    pub restarts: u32,
    /// When the process of this generation was spawned.
    pub spawned_at: Option<Instant>,
    /// The time from spawn to ready, for the last generation that became ready.
    pub ready_after: Option<Duration>,
    /// When a job completed, and how long that run took; of the last run that did.
    pub completed: Option<(Instant, Duration)>,
    /// Phase failed is due to a dependency that had to complete; it ends when that is tried again.
    pub blocked: bool,
    /// How the last generation exited.
    pub last_exit: Option<LastExit>,
    /// Why the domain is in this phase.
    pub reason: String,
    /// When the next start is due, in phase backoff.
    pub retry_at: Option<Instant>,
}

/// How a generation exited, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastExit {
    /// The exit status.
    pub report: ExitReport,
    /// The wall-clock time.
    pub at: SystemTime,
    /// The generation.
    pub generation: u64,
    /// Why the generation ended: its exit status, or what it was ended for.
    pub reason: String,
    /// What caused the end. Unless it is [`TransitionCause::Exited`], [`Self::report`] is only the
    /// reaction to the stop signal.
    pub cause: TransitionCause,
    /// Whether this supervisor had sent SIGKILL.
    pub killed: bool,
}

/// One change of phase, or of readiness within a phase, of one domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// The wall-clock time.
    pub time: SystemTime,
    /// The domain's name.
    pub domain: String,
    /// The phase left.
    pub from: Phase,
    /// The phase entered; the same if only readiness has changed.
    pub to: Phase,
    /// Whether the domain may take work now.
    pub ready: bool,
    /// Whether this generation was ready before.
    pub was_ready_before: bool,
    /// The number of the current or last generation.
    pub generation: u64,
    /// The reason as text.
    pub reason: String,
    /// What caused it.
    pub cause: TransitionCause,
}

impl Transition {
    /// What happened, as one word that does not change between versions: `ready`, `unready`,
    /// `running`, `spawned`, `exited`, `start-timeout`, `time-limit`, `hung`, `unhealthy`, `refused`, `recycled`,
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
                TransitionCause::TimeLimit => "time-limit",
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
