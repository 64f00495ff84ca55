//! What set a transition off, for those who need more than its words.

use super::{Command, Fact, Input, Timer};

/// What set a transition off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The ordinary course: a gate opened, a process became ready, a delay was over.
    Course,
    /// An operator asked for it.
    Asked(Command),
    /// The process ended by itself.
    Exited,
    /// It didn't become ready in time.
    StartTimeout,
    /// It didn't react any more.
    Hung,
    /// It failed its probes or was over a limit.
    Unhealthy,
    /// What it did could not be accepted.
    Refused,
    /// It made room for its next life through no fault of its own.
    Recycled,
    /// What it is started from has changed.
    Renewed,
    /// It could not be prepared or spawned.
    NotStarted,
}

impl Cause {
    /// What a transition that this input brings about is due to.
    #[must_use]
    pub fn of(input: &Input) -> Self {
        match input {
            Input::Command(command) => Self::Asked(*command),
            Input::Timer(Timer::StartTimeout) => Self::StartTimeout,
            Input::Timer(Timer::Stable | Timer::StopGrace | Timer::KillWait | Timer::Backoff) => {
                Self::Course
            }
            Input::Renew(_) => Self::Renewed,
            Input::Fact { fact, .. } => match fact {
                Fact::Exited(_) => Self::Exited,
                Fact::Hung(_) => Self::Hung,
                Fact::Unhealthy(_) => Self::Unhealthy,
                Fact::Refused(_) => Self::Refused,
                Fact::Recycle(_) => Self::Recycled,
                Fact::PrepareFailed(_) | Fact::SpawnFailed(_) => Self::NotStarted,
                Fact::GateOpen
                | Fact::Prepared
                | Fact::Started
                | Fact::Ready
                | Fact::NotReady(_)
                | Fact::GroupEmpty => Self::Course,
            },
        }
    }
}
