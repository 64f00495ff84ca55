//! The settings of one domain's process: `process:` in its `fulcrum.yml`, on top of the app's
//! `runtime.defaults`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::schedule::Schedule;

/// What runs the entry point of a domain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JsRuntime {
    /// Node.
    #[default]
    Node,
    /// Bun.
    Bun,
    /// Deno.
    Deno,
}

impl JsRuntime {
    /// The word of the setting, which is the program's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Bun => "bun",
            Self::Deno => "deno",
        }
    }
}

/// How a domain's process is started, supervised and stopped. Defaults are in `defaults.yml`.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessSettings {
    /// The program that runs the entry point.
    pub runtime: JsRuntime,
    /// Whether it runs until it is stopped, or until it is done.
    pub kind: ProcessKind,
    /// The Node executable, or that of `runtime`: an absolute path, or a name that is searched in `PATH`.
    pub node: Option<PathBuf>,
    /// Arguments of Node itself.
    pub node_args: Vec<String>,
    /// Arguments of the program.
    pub args: Vec<String>,
    /// The working directory, absolute; the domain's directory by default.
    pub cwd: PathBuf,
    /// Variables to set, with `${…}` expanded. They take precedence over `env_files`.
    pub env: BTreeMap<String, String>,
    /// Environment files; later ones take precedence. To be read at each start with
    /// [`read_env_file`](crate::read_env_file).
    pub env_files: Vec<EnvFile>,
    /// The variables of these files when the configuration was loaded, so that two configurations
    /// can be compared.
    pub file_env: BTreeMap<String, String>,
    /// The domains that this one waits for, and the condition for each.
    pub depends_on: BTreeMap<String, DependencyCondition>,
    /// Whether and when it is restarted.
    pub restart: RestartSettings,
    /// The time within which it must become ready.
    pub start_timeout: Duration,
    /// The time within which a job must be done.
    pub timeout: Option<Duration>,
    /// When a job runs by itself; then it does not start with the instance.
    pub schedule: Option<Schedule>,
    /// Commands that run at moments of its life.
    pub hooks: HookSettings,
    /// The readiness probe.
    pub ready: ProbeSettings,
    /// The liveness probe.
    pub alive: ProbeSettings,
    /// The heartbeats of clients that support them.
    pub heartbeat: HeartbeatSettings,
    /// How it is stopped.
    pub stop: StopSettings,
    /// Limits of its resource usage.
    pub limits: ResourceLimits,
    /// The number of processes.
    pub replicas: u32,
    /// The value of the variable `PORT`.
    pub port: Option<PortSetting>,
    /// The files that are watched for changes.
    pub watch: WatchSettings,
    /// Whether missing packages are installed before a start.
    pub install: bool,
    /// Whether it is started with the instance. Otherwise it is started by a request, or because
    /// another domain depends on it.
    pub autostart: bool,
    /// Whether its output is a pseudo-terminal.
    pub tty: bool,
    /// The system user to run as.
    pub user: Option<String>,
}

/// What a process is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessKind {
    /// It runs until it is stopped; the default.
    Service,
    /// It runs until it is done: its exit with a success code completes it.
    Job,
}

/// An environment file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvFile {
    /// Its path, absolute.
    pub path: PathBuf,
    /// Whether it must exist.
    pub required: bool,
}

impl EnvFile {
    /// Whether it is left out, since it does not exist and need not.
    pub fn is_left_out(&self) -> bool {
        !self.required && self.path.symlink_metadata().is_err()
    }
}

/// Commands that run at moments of a process's life; an empty one is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HookSettings {
    /// Before each start. If it fails, so does the start.
    pub before_start: Vec<String>,
    /// When the process has become ready for the first time.
    pub after_ready: Vec<String>,
    /// When it has failed.
    pub on_failure: Vec<String>,
    /// When it and its tree are gone.
    pub after_exit: Vec<String>,
    /// The time limit of each.
    pub timeout: Duration,
}

/// The condition of a dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DependencyCondition {
    /// The dependency is ready, or has completed; the default.
    Ready,
    /// Its process is running.
    Started,
    /// Its process has exited successfully.
    Completed,
}

/// Whether and when a process is restarted.
#[derive(Clone, Debug, PartialEq)]
pub struct RestartSettings {
    /// After which exits.
    pub policy: RestartMode,
    /// Exit codes that mean success.
    pub success_exit_codes: Vec<i32>,
    /// The delays between restarts.
    pub backoff: BackoffSettings,
    /// The running time after which earlier failures no longer count.
    pub stable_after: Duration,
    /// The number of restarts allowed within `window`; at least 1.
    pub budget: u32,
    /// The time within which restarts are counted.
    pub window: Duration,
}

/// After which exits a process is restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestartMode {
    /// After each exit.
    Always,
    /// After unsuccessful exits.
    OnFailure,
    /// After no exit.
    Never,
}

/// The delays between restarts.
#[derive(Clone, Debug, PartialEq)]
pub struct BackoffSettings {
    /// The first delay.
    pub initial: Duration,
    /// The longest delay; at least `initial`.
    pub max: Duration,
    /// The factor from one delay to the next; at least 1.
    pub factor: f64,
    /// The random share of a delay, 0 to 1.
    pub jitter: f64,
}

/// A check that is repeated at intervals.
#[derive(Clone, Debug, PartialEq)]
pub struct ProbeSettings {
    /// The check.
    pub check: ProbeCheck,
    /// The interval between two checks; more than zero.
    pub interval: Duration,
    /// The time limit of a check; more than zero.
    pub timeout: Duration,
    /// The number of consecutive failures after which the probe fails; at least 1.
    pub failures: u32,
    /// The number of consecutive successes after which the probe succeeds; at least 1.
    pub successes: u32,
}

/// The check of a [`ProbeSettings`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeCheck {
    /// The domain is registered over gRPC, and its stream is open.
    Registered,
    /// The process runs. One that registers is ready when it has, as with [`Self::Registered`].
    /// The default of programs other than Node.
    Started,
    /// An HTTP GET without TLS returns a status of 2xx or 3xx.
    Http {
        /// A host name or an IP address without brackets.
        host: String,
        /// The port; none means the domain's own `port`.
        port: Option<u16>,
        /// The path and query, starting with `/`.
        path: String,
    },
    /// A TCP connection is accepted.
    Tcp {
        /// A host name or an IP address without brackets.
        host: String,
        /// The port; none means the domain's own `port`.
        port: Option<u16>,
    },
    /// This command, run in the domain's working directory, exits with 0. Never empty.
    Exec(Vec<String>),
    /// A log line contains this text.
    Log(String),
}

/// The heartbeats of a domain's stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeartbeatSettings {
    /// The interval between two heartbeats; more than zero.
    pub interval: Duration,
    /// The number of consecutive missing heartbeats after which the process is unresponsive; at
    /// least 1.
    pub misses: u32,
}

/// How a process is stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StopSettings {
    /// The stop signal, in the form `SIGTERM`.
    pub signal: String,
    /// The time after which it is killed.
    pub grace: Duration,
    /// Which processes receive it first.
    pub to: StopRecipient,
}

/// Which processes of a tree receive the stop signal first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopRecipient {
    /// The leader, which ends its tree in its own order. The rest follows when it has exited, or
    /// after half of the grace.
    Leader,
    /// All at once.
    Tree,
}

/// Limits of a process's resource usage.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResourceLimits {
    /// The memory of its process tree, in bytes.
    pub memory: Option<u64>,
    /// The CPU time per time, in CPUs; `0.5` is half of one.
    pub cpu: Option<f64>,
}

/// The port of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortSetting {
    /// A free port.
    Auto,
    /// This port.
    Fixed(u16),
}

/// The files that are watched for changes: globs relative to the domain's directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchSettings {
    /// Files that are watched.
    pub paths: Vec<String>,
    /// Files that are not watched.
    pub ignore: Vec<String>,
}
