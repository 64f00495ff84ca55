//! What caused a transition, and the end of a generation.

use super::types::{Command, Fact, Failure, Input, Timer};

/// What ended the current generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum StopCause {
    Operator,
    /// What the domain is started from has changed; the text describes how.
    Reload(String),
    Failure(Failure),
}

/// What caused a transition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransitionCause {
    /// The normal sequence: dependencies became ready, a process became ready, a delay expired.
    Normal,
    /// An operator requested it.
    Requested(Command),
    /// The process exited by itself.
    Exited,
    /// The process did not become ready in time.
    StartTimeout,
    /// The process ran longer than its time limit.
    TimeLimit,
    /// The process did not respond.
    Hung,
    /// The process failed its probes or exceeded a limit.
    Unhealthy,
    /// The process did something that cannot be accepted.
    Rejected,
    /// The generation is replaced for a reason that is not its failure.
    GroupRestart,
    /// What the domain is started from has changed.
    Reload,
    /// The process could not be prepared or spawned.
    StartFailed,
}

impl TransitionCause {
    /// The cause of a transition that this input brings about.
    #[must_use]
    pub fn from_input(input: &Input) -> Self {
        match input {
            Input::Command(command) => Self::Requested(*command),
            Input::Timer(Timer::StartTimeout) => Self::StartTimeout,
            Input::Timer(Timer::TimeLimit) => Self::TimeLimit,
            Input::Timer(
                Timer::Stable
                | Timer::StopRest
                | Timer::StopGrace
                | Timer::KillWait
                | Timer::Backoff,
            ) => Self::Normal,
            Input::Reload(_) => Self::Reload,
            Input::Fact { fact, .. } => match fact {
                Fact::Exited(_) => Self::Exited,
                Fact::Hung(_) => Self::Hung,
                Fact::Unhealthy(_) => Self::Unhealthy,
                Fact::Rejected(_) => Self::Rejected,
                Fact::GroupRestart(_) => Self::GroupRestart,
                Fact::DependencyFailed(_) | Fact::PrepareFailed(_) | Fact::SpawnFailed(_) => {
                    Self::StartFailed
                }
                Fact::DependenciesReady
                | Fact::DependencyRecovered
                | Fact::Prepared
                | Fact::Started
                | Fact::Ready
                | Fact::NotReady(_)
                | Fact::StopTargetExited
                | Fact::GroupEmpty => Self::Normal,
            },
        }
    }
}
