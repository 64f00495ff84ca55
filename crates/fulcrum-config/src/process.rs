//! The settings of one domain's process: `process:` in its `fulcrum.yml`, on top of the app's
//! `runtime.defaults`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// How a domain's process is started, watched and stopped. Defaults are in `defaults.yml`.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessSettings {
    /// The Node to use: an absolute path, or a bare name to look up in `PATH`.
    pub node: Option<PathBuf>,
    /// Arguments for Node itself.
    pub node_args: Vec<String>,
    /// Arguments for the program.
    pub args: Vec<String>,
    /// The working directory, absolute; the domain's folder by default.
    pub cwd: PathBuf,
    /// Variables to set, `${…}` replaced; they win over `env_files`.
    pub env: BTreeMap<String, String>,
    /// Files of variables, absolute, later ones win. To be read at each start with
    /// [`read_env_file`](crate::read_env_file).
    pub env_files: Vec<PathBuf>,
    /// What those files set when the configuration was read, so that two configurations can be
    /// compared.
    pub file_env: BTreeMap<String, String>,
    /// What must be so before this domain is started.
    pub depends_on: BTreeMap<String, DependencyCondition>,
    /// Whether and when it is started again.
    pub restart: RestartSettings,
    /// How long it may take to become ready.
    pub start_timeout: Duration,
    /// May it take work?
    pub ready: ProbeSettings,
    /// Is it not stuck?
    pub alive: ProbeSettings,
    /// The sign of life of clients that offer one.
    pub heartbeat: HeartbeatSettings,
    /// How it is stopped.
    pub stop: StopSettings,
    /// What it may use.
    pub limits: ResourceLimits,
    /// How many processes are started.
    pub replicas: u32,
    /// The port that it is given in `PORT`.
    pub port: Option<PortSetting>,
    /// What is watched for changes.
    pub watch: WatchSettings,
    /// Whether missing packages are installed before a start.
    pub install: bool,
    /// The system user to run as.
    pub user: Option<String>,
}

/// What must be so of another domain before this one is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DependencyCondition {
    /// It may take work; the default.
    Ready,
    /// Its process runs.
    Started,
    /// It has ended with success.
    Exited,
}

/// Whether and when a process is started again.
#[derive(Clone, Debug, PartialEq)]
pub struct RestartSettings {
    /// After which ends.
    pub policy: RestartMode,
    /// Exit codes that mean success.
    pub success_exit_codes: Vec<i32>,
    /// The delays.
    pub backoff: BackoffSettings,
    /// After running this long, earlier failures are forgotten.
    pub stable_after: Duration,
    /// How many restarts `window` may hold; at least 1.
    pub budget: u32,
    /// The time over which restarts are counted.
    pub window: Duration,
}

/// After which ends a process is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestartMode {
    /// After each.
    Always,
    /// After those that are no success.
    OnFailure,
    /// After none.
    Never,
}

/// The delays between restarts.
#[derive(Clone, Debug, PartialEq)]
pub struct BackoffSettings {
    /// The first.
    pub initial: Duration,
    /// The longest; at least `initial`.
    pub max: Duration,
    /// What each is multiplied with to get the next; at least 1.
    pub factor: f64,
    /// The share that is left to chance, 0 to 1.
    pub jitter: f64,
}

/// A question that is put to a process again and again.
#[derive(Clone, Debug, PartialEq)]
pub struct ProbeSettings {
    /// What is asked.
    pub check: ProbeCheck,
    /// How often; more than zero.
    pub interval: Duration,
    /// How long an answer may take; more than zero.
    pub timeout: Duration,
    /// So many bad answers in a row are a no; at least 1.
    pub failures: u32,
    /// So many good answers in a row are a yes; at least 1.
    pub successes: u32,
}

/// What a [`Probe`] asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeCheck {
    /// Is it registered over gRPC (and its stream open)?
    Registered,
    /// Does a plain HTTP GET give a 2xx or 3xx?
    Http {
        /// A host name or an IP address without brackets.
        host: String,
        /// The port; none stands for the domain's own `port`.
        port: Option<u16>,
        /// The path and query, beginning with `/`.
        path: String,
    },
    /// Is a TCP connection accepted?
    Tcp {
        /// A host name or an IP address without brackets.
        host: String,
        /// The port; none stands for the domain's own `port`.
        port: Option<u16>,
    },
    /// Does this program, run in the domain's working directory, exit with 0? Never empty.
    Exec(Vec<String>),
    /// Has a line with this text in it been printed?
    Log(String),
}

/// The sign of life of clients that offer one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeartbeatSettings {
    /// How often it is due; more than zero.
    pub interval: Duration,
    /// So many missing in a row mean that the process hangs; at least 1.
    pub misses: u32,
}

/// How a process is stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StopSettings {
    /// The signal that asks it to end, in the form `SIGTERM`.
    pub signal: String,
    /// How long it may take before it is killed.
    pub grace: Duration,
}

/// What a process may use.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResourceLimits {
    /// Memory of its whole group, in bytes.
    pub memory: Option<u64>,
    /// Processors; `0.5` is half of one.
    pub cpu: Option<f64>,
}

/// The port that a process is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortSetting {
    /// A free one.
    Auto,
    /// This one.
    Fixed(u16),
}

/// What is watched for changes: globs relative to the domain's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchSettings {
    /// Watched.
    pub paths: Vec<String>,
    /// Not watched after all.
    pub ignore: Vec<String>,
}
