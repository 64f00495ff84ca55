//! What set a transition off, for those who need more than its words.

use super::types::{Command, Fact, Input, Timer};

/// What set a transition off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransitionCause {
    /// The ordinary course: a gate opened, a process became ready, a delay was over.
    Normal,
    /// An operator asked for it.
    Requested(Command),
    /// The process ended by itself.
    Exited,
    /// It didn't become ready in time.
    StartTimeout,
    /// It didn't react any more.
    Hung,
    /// It failed its probes or was over a limit.
    Unhealthy,
    /// What it did could not be accepted.
    Rejected,
    /// It made room for its next life through no fault of its own.
    GroupRestart,
    /// What it is started from has changed.
    Reload,
    /// It could not be prepared or spawned.
    StartFailed,
}

impl TransitionCause {
    /// What a transition that this input brings about is due to.
    #[must_use]
    pub fn of(input: &Input) -> Self {
        match input {
            Input::Command(command) => Self::Requested(*command),
            Input::Timer(Timer::StartTimeout) => Self::StartTimeout,
            Input::Timer(Timer::Stable | Timer::StopGrace | Timer::KillWait | Timer::Backoff) => {
                Self::Normal
            }
            Input::Reload(_) => Self::Reload,
            Input::Fact { fact, .. } => match fact {
                Fact::Exited(_) => Self::Exited,
                Fact::Hung(_) => Self::Hung,
                Fact::Unhealthy(_) => Self::Unhealthy,
                Fact::Rejected(_) => Self::Rejected,
                Fact::GroupRestart(_) => Self::GroupRestart,
                Fact::PrepareFailed(_) | Fact::SpawnFailed(_) => Self::StartFailed,
                Fact::DependenciesReady
                | Fact::Prepared
                | Fact::Started
                | Fact::Ready
                | Fact::NotReady(_)
                | Fact::GroupEmpty => Self::Normal,
            },
        }
    }
}
