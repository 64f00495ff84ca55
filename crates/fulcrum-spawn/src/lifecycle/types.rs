//! Phases, goals, inputs and effects of the machine.

use std::fmt;
use std::time::Duration;

use crate::exit::ExitReport;
use crate::start_error::StartError;

/// The actual state of a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// No process, and none planned.
    Stopped,
    /// Goal up, but a dependency is not in the required state.
    Waiting,
    /// The command is being resolved, or packages are being installed.
    Preparing,
    /// A process runs and has not become ready yet.
    Starting,
    /// A process runs and was ready or started once.
    Running,
    /// The process group is being terminated, or has exited and is being cleaned up.
    Stopping,
    /// No process; the next start is scheduled.
    Backoff,
    /// A job that has run with success. No process, and none until a command or a change.
    Completed,
    /// No process, and none until a command or a change.
    Failed,
    /// A process survived SIGKILL. Nothing can be started until it is gone.
    Stuck,
}

impl Phase {
    /// The phase's name in output and on the wire: lower case.
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
            Self::Completed => "completed",
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
        f.pad(self.as_str())
    }
}

/// The state that was requested for a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Goal {
    /// The domain should run.
    Up,
    /// The domain should not run.
    Down,
}

impl Goal {
    /// The goal's name in output and on the wire: lower case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// A request from an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Command {
    /// Start the domain.
    Start,
    /// End the current generation, if there is one, and start the next.
    Restart,
    /// End the current generation and start none.
    Stop,
    /// End the current generation at once with SIGKILL, without stop signal and grace.
    Kill,
}

/// What became known about one generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// Every dependency is in the state that `depends_on` requires.
    DependenciesReady,
    /// A dependency that must complete has failed, so that the start is given up until that is tried
    /// again. The text names it.
    DependencyFailed(String),
    /// What [`Fact::DependencyFailed`] was about is tried again.
    DependencyRecovered,
    /// The command is resolved and its packages are installed.
    Prepared,
    /// The generation cannot be started.
    PrepareFailed(StartError),
    /// The operating system rejected the process.
    SpawnFailed(StartError),
    /// The process runs, and something other than its registration decides readiness, such as a
    /// readiness probe. From here on no start timeout applies.
    Started,
    /// The generation may take work.
    Ready,
    /// The generation may not take work now; it still runs. The text gives the reason.
    NotReady(String),
    /// The generation fails its probes or exceeds a limit and must end.
    Unhealthy(String),
    /// The generation does not respond and must end. Unlike after [`Fact::Unhealthy`], the time
    /// between the stop signal and SIGKILL is at most [`HUNG_GRACE`], since a process that does not
    /// respond cannot clean up.
    Hung(String),
    /// The generation did something that cannot be accepted, such as registering under another
    /// name.
    Rejected(StartError),
    /// The generation must be replaced for a reason that is not its failure, such as the failure of
    /// another member of its supervision group. The restart is neither counted nor delayed.
    GroupRestart(String),
    /// The program that received the stop signal in place of the leader exited: a leader that does
    /// not pass signals on, such as a shell, gets it now, before it can start the next program.
    StopTargetExited,
    /// The leader exited.
    Exited(ExitReport),
    /// No process of the group is left.
    GroupEmpty,
}

/// Every input of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A request from an operator.
    Command(Command),
    /// A fact about one generation. Facts about other generations are dropped.
    Fact {
        /// The generation that the fact is about. For [`Fact::DependenciesReady`],
        /// [`Fact::DependencyFailed`], [`Fact::DependencyRecovered`], [`Fact::Prepared`] and
        /// [`Fact::PrepareFailed`], which precede the spawn, the one that is to be spawned.
        generation: u64,
        /// What became known.
        fact: Fact,
    },
    /// An armed timer expired.
    Timer(Timer),
    /// The configuration or code that the domain is started from has changed; the text describes
    /// how. A domain with goal up continues as a new process, whatever the phase. A domain with
    /// goal down stays stopped.
    Reload(String),
}

/// The longest time between the stop signal and SIGKILL for a hung domain, if its own grace is not
/// shorter: a process that was only suspended or slow can still exit in order.
pub const HUNG_GRACE: Duration = Duration::from_secs(2);

/// The machine's timers. Each belongs to certain phases and is disarmed when they end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Timer {
    /// Starting: the time to become ready.
    StartTimeout,
    /// Running: the time after which earlier failures no longer count.
    Stable,
    /// Running: the time that a run may take.
    TimeLimit,
    /// Stopping: the time that the leader has before the rest of its tree gets the stop signal too.
    StopRest,
    /// Stopping: the time for the stop signal to take effect.
    StopGrace,
    /// Stopping: the time for SIGKILL to take effect.
    KillWait,
    /// Backoff: the delay before the next start.
    Backoff,
}

impl Timer {
    /// Every timer.
    pub const ALL: [Self; 7] = [
        Self::StartTimeout,
        Self::Stable,
        Self::TimeLimit,
        Self::StopRest,
        Self::StopGrace,
        Self::KillWait,
        Self::Backoff,
    ];
}

/// One step of a stop sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StopSignal {
    /// The configured stop signal, SIGTERM by default, to the leader: it ends its tree in its own
    /// order. Where so configured, to the whole tree.
    Terminate,
    /// The stop signal to each process of the tree that has not received it yet.
    TerminateRest,
    /// SIGKILL to the whole group.
    Kill,
}

/// An action for the driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Report [`Fact::DependenciesReady`] as soon as the dependencies allow the next generation, and
    /// [`Fact::DependencyFailed`] if it turns out that they do not; after that,
    /// [`Fact::DependencyRecovered`] once they may.
    AwaitDependencies,
    /// Resolve the command and install packages for the next generation.
    Prepare,
    /// Cancel what [`Effect::AwaitDependencies`] or [`Effect::Prepare`] started.
    CancelStart,
    /// Start the process of this generation.
    Spawn {
        /// Its number; never used before.
        generation: u64,
    },
    /// Send a signal to the group of the current generation.
    Signal(StopSignal),
    /// Start a timer, which is not running.
    Arm(Timer, Duration),
    /// Stop a timer, which is running.
    Disarm(Timer),
}

/// Why a generation ended, or a start failed, without a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The process exited by itself.
    Exited,
    /// The process did not become ready in time.
    StartTimeout,
    /// The process ran longer than its time limit.
    TimeLimit,
    /// The process was unresponsive, failed its probes or exceeded a limit; the text gives the
    /// reason.
    Unhealthy(String),
    /// The process did something that cannot be accepted.
    Rejected(StartError),
    /// The process could not be prepared or spawned.
    StartFailed(StartError),
}

/// The part of the grace after which the rest of the tree gets the stop signal, whether or not the
/// leader has exited: one divided by this number.
pub const STOP_REST_SHARE: u32 = 2;

/// How long after the exit of the leader the rest of the tree gets the stop signal, unless it is due
/// before.
pub const STOP_REST_DELAY: Duration = Duration::from_millis(300);

/// The lengths of a domain's timers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// From spawn to ready.
    pub start_timeout: Duration,
    /// The longest run, from the phase running on; without one a domain runs for any time.
    pub time_limit: Option<Duration>,
    /// From the stop signal to SIGKILL.
    pub stop_grace: Duration,
    /// From SIGKILL to phase stuck.
    pub kill_wait: Duration,
}

/// A command that is not possible now; the text gives the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandRejected(pub String);
