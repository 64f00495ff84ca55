//! The words of the lifecycle: phases, goals, and what goes in and out of the machine.

use std::fmt;
use std::time::Duration;

use crate::exit::ExitReport;
use crate::start_error::StartError;

/// What is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// No process, and none to come.
    Stopped,
    /// Goal up, but a dependency isn't ready.
    Waiting,
    /// The command is being resolved, or packages are being installed.
    Preparing,
    /// A process is there and has not yet become ready.
    Starting,
    /// A process is there and has been ready once.
    Running,
    /// The process group is being ended, or has ended and is being swept.
    Stopping,
    /// No process; the next start has its time.
    Backoff,
    /// No process, and none to come until somebody changes something.
    Failed,
    /// A process survived SIGKILL; nothing can be started until it is gone.
    Stuck,
}

impl Phase {
    /// The phase's name as contracts print it: lower case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Waiting => "waiting",
            Self::Preparing => "preparing",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Backoff => "backoff",
            Self::Failed => "failed",
            Self::Stuck => "stuck",
        }
    }

    /// Whether a process group of this domain may exist in this phase.
    #[must_use]
    pub fn has_process(self) -> bool {
        matches!(
            self,
            Self::Starting | Self::Running | Self::Stopping | Self::Stuck
        )
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the operator wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Goal {
    /// The domain should live.
    Up,
    /// The domain should not live.
    Down,
}

impl Goal {
    /// The goal's name as contracts print it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// What an operator asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Command {
    /// Make it live.
    Start,
    /// End this life, if there is one, and begin the next.
    Restart,
    /// End this life and begin none.
    Stop,
    /// End this life at once, without the stop signal and its grace.
    Kill,
}

/// What has become known about one generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// Every dependency is as `depends_on` wants it.
    DependenciesReady,
    /// The command is resolved and its packages are there.
    Prepared,
    /// It can't be started.
    PrepareFailed(StartError),
    /// The operating system refused the process.
    SpawnFailed(StartError),
    /// It is there for good, but whether it may take work is another's to say: a readiness probe
    /// that isn't the registration. From here on no start timeout holds.
    Started,
    /// It may take work.
    Ready,
    /// It may not take work now, and why; it still lives.
    NotReady(String),
    /// It fails its probes, or is over a limit: this life must end.
    Unhealthy(String),
    /// It doesn't react any more: this life must end. As [`Fact::Unhealthy`], but since who doesn't
    /// react can't clean up either, it is given [`HUNG_GRACE`] at most between the stop signal and
    /// SIGKILL.
    Hung(String),
    /// What it does can't be accepted, such as registering under another's name.
    Rejected(StartError),
    /// This life must make room for the next one for a reason that isn't its fault, such as
    /// another member of its group having failed. Not counted, not delayed.
    GroupRestart(String),
    /// The direct child has ended.
    Exited(ExitReport),
    /// Nothing of the process group is left.
    GroupEmpty,
}

/// Everything that can happen to the machine. What isn't here can't happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// An operator's wish.
    Command(Command),
    /// A fact about one generation; facts of older generations are dropped.
    Fact {
        /// The generation that it is about. For [`Fact::GateOpen`], [`Fact::Prepared`] and
        /// [`Fact::PrepareFailed`], which come before the spawn, the one that is to be spawned.
        generation: u64,
        /// What is known.
        fact: Fact,
    },
    /// An armed timer has run out.
    Timer(Timer),
    /// What the domain is started from has changed, and how: whoever is to live lives on as a new
    /// process, whatever keeps it from living now. One that an operator has stopped stays so.
    Reload(String),
}

/// What a domain that was found hung is given between the stop signal and SIGKILL, if its own
/// grace isn't shorter: one that was only stopped or slow can still end in order.
pub const HUNG_GRACE: Duration = Duration::from_secs(2);

/// The machine's timers; each belongs to certain phases and is disarmed when they end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Timer {
    /// Starting: how long it may take to become ready.
    StartTimeout,
    /// Running: how long it must run until its past is forgotten.
    Stable,
    /// Stopping: how long the stop signal is given to work.
    StopGrace,
    /// Stopping: how long SIGKILL is given to work.
    KillWait,
    /// Backoff: when the next start is due.
    Backoff,
}

impl Timer {
    /// Every timer.
    pub const ALL: [Self; 5] = [
        Self::StartTimeout,
        Self::Stable,
        Self::StopGrace,
        Self::KillWait,
        Self::Backoff,
    ];
}

/// Which of the two signals of a stop sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StopSignal {
    /// The configured stop signal, SIGTERM by default, to the whole group.
    Terminate,
    /// SIGKILL to the whole group.
    Kill,
}

/// What the driver is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Report [`Fact::GateOpen`] as soon as the dependencies allow the next generation.
    AwaitDependencies,
    /// Resolve the command and install packages for the next generation.
    Prepare,
    /// Give up what [`Effect::AwaitGate`] or [`Effect::Prepare`] began.
    CancelStart,
    /// Start this generation's process.
    Spawn {
        /// Its number; never used before.
        generation: u64,
    },
    /// Send a signal to the current generation's group.
    Signal(StopSignal),
    /// Start a timer; it isn't running.
    Arm(Timer, Duration),
    /// Stop a timer; it is running.
    Disarm(Timer),
}

/// Why a life ended, or a start failed, without anybody asking for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The process ended by itself.
    Exited,
    /// It didn't become ready in time.
    StartTimeout,
    /// It was found stuck or over a limit; the text says which.
    Unhealthy(String),
    /// What it did could not be accepted.
    Rejected(StartError),
    /// It could not be prepared or spawned.
    StartFailed(StartError),
}

/// The lengths of a domain's timers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// From spawn to ready.
    pub start_timeout: Duration,
    /// From the stop signal to SIGKILL.
    pub stop_grace: Duration,
    /// From SIGKILL to calling the domain stuck.
    pub kill_wait: Duration,
}

/// A command that can't be taken now, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandRejected(pub String);
