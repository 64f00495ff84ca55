//! What the checks are about, as plain values.

use std::path::PathBuf;
use std::time::SystemTime;

/// Everything that was read.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The machine and where Fulcrum runs on it.
    pub machine: MachineFacts,
    /// Limits of the system and the user.
    pub limits: LimitFacts,
    /// The control groups of this process.
    pub cgroup: CgroupFacts,
    /// The environment of this process.
    pub environment: EnvironmentFacts,
    /// Clocks and times of files.
    pub clock: ClockFacts,
    /// Free space where Fulcrum writes.
    pub disks: Vec<DiskFacts>,
    /// The cache of compiled code.
    pub cache: SizeFacts,
    /// The app; none if there is none here.
    pub app: Option<AppFacts>,
}

/// What belongs to the app.
#[derive(Debug, Clone, Default)]
pub struct AppFacts {
    /// Its directory.
    pub root: PathBuf,
    /// Errors of its configuration.
    pub errors: Vec<String>,
    /// Warnings of its configuration.
    pub warnings: Vec<String>,
    /// Its domains, if the configuration is valid.
    pub domains: Vec<DomainFacts>,
    /// Where domains register.
    pub port: Option<PortFacts>,
    /// Its instance.
    pub instance: InstanceFacts,
    /// Its log store; none if it is off.
    pub logs: Option<LogFacts>,
    /// Copies of the SDK.
    pub sdk: Vec<SdkCopy>,
    /// Why files and directories cannot be used as they must be.
    pub denied: Vec<String>,
    /// The number of directories that would be watched.
    pub directories: u64,
    /// The type of its file system.
    pub file_system: String,
    /// Why changes of its files are not reported.
    pub polling_hint: Option<String>,
    /// Whether it polls already.
    pub polls: bool,
}

/// A problem of a start: text and hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What happened and where.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// A Node that a domain runs with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeFacts {
    /// Such as `node 22.1.0 (.nvmrc)`.
    pub description: String,
    /// The executable.
    pub path: PathBuf,
    /// Why it may be the wrong one.
    pub warning: Option<String>,
}

/// How a domain's code is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeFacts {
    /// Whether Fulcrum compiles TypeScript for it.
    pub is_compiled: bool,
    /// Warnings about its imports.
    pub warnings: Vec<String>,
}

/// One domain.
#[derive(Debug, Clone, Default)]
pub struct DomainFacts {
    /// Its name.
    pub name: String,
    /// Its Node; none if it is no program for Node.
    pub node: Option<Result<NodeFacts, Problem>>,
    /// Its code; none without a Node.
    pub code: Option<Result<CodeFacts, Problem>>,
    /// Its fixed port, and the process that listens on it.
    pub port: Option<(u16, Option<Holder>)>,
    /// Whether it has limits of memory or CPU.
    pub has_limits: bool,
    /// What is in its `NODE_OPTIONS`.
    pub node_options: NodeOptionsFacts,
}

/// A process that holds something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its process id.
    pub pid: u32,
    /// Its command line.
    pub command: String,
    /// Whether it belongs to this app's instance.
    pub is_own: bool,
}

/// The address where domains register.
#[derive(Debug, Clone, Default)]
pub struct PortFacts {
    /// Such as `127.0.0.1:50051`.
    pub address: String,
    /// Whether it was configured.
    pub is_explicit: bool,
    /// The process that listens there.
    pub holder: Option<Holder>,
}

/// The app's instance, and what an earlier one left.
#[derive(Debug, Clone, Default)]
pub struct InstanceFacts {
    /// The process id of the running one.
    pub pid: Option<u32>,
    /// Why it cannot be asked.
    pub connect_error: Option<String>,
    /// An earlier one has not cleaned up.
    pub has_stale_record: bool,
    /// Processes of an earlier one: pid and command line.
    pub stale: Vec<Holder>,
}

/// The log store.
#[derive(Debug, Clone, Default)]
pub struct LogFacts {
    /// Its size and limit.
    pub size: SizeFacts,
    /// Damaged segments, described.
    pub damaged: Vec<String>,
}

/// The size of a directory that has a limit.
#[derive(Debug, Clone, Default)]
pub struct SizeFacts {
    /// The directory.
    pub dir: PathBuf,
    /// In bytes.
    pub bytes: u64,
    /// In bytes.
    pub limit: u64,
    /// Why another directory than the usual one is used.
    pub warning: Option<String>,
}

/// A copy of `@fulcrum/domain` in the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SdkCopy {
    /// Its directory, relative to the app.
    pub dir: PathBuf,
    /// By its `package.json`.
    pub version: String,
    /// Whether Fulcrum has installed it and keeps it current.
    pub is_managed: bool,
    /// Whether it is of the version that this Fulcrum has embedded.
    pub is_current: bool,
}

/// The machine.
#[derive(Debug, Clone, Default)]
pub struct MachineFacts {
    /// Such as `Debian GNU/Linux 12`.
    pub system: String,
    /// The kernel's release.
    pub kernel: String,
    /// Such as `x86_64`.
    pub architecture: String,
    /// The number of CPUs.
    pub cpus: usize,
    /// Memory, in bytes.
    pub memory: u64,
    /// The kind of container, such as `docker`.
    pub container: Option<String>,
    /// Whether it is the Windows Subsystem for Linux.
    pub is_wsl: bool,
    /// Whether this process would be the first of its container.
    pub is_first_process: bool,
}

/// Limits; none if the system has none or does not tell.
#[derive(Debug, Clone, Default)]
pub struct LimitFacts {
    /// Directories that one user may watch.
    pub inotify_watches: Option<u64>,
    /// How many of them are in use.
    pub used_watches: u64,
    /// Watchers that one user may have.
    pub inotify_instances: Option<u64>,
    /// How many of them are in use.
    pub used_instances: u64,
    /// Open files of a process, which Fulcrum raises to this by itself.
    pub open_files: Option<u64>,
    /// Processes and threads of the user.
    pub processes: Option<u64>,
    /// Processes and threads of the control group, and how many there are.
    pub cgroup_processes: Option<(u64, u64)>,
}

/// Control groups.
#[derive(Debug, Clone, Default)]
pub struct CgroupFacts {
    /// Why domains cannot have a control group of their own.
    pub no_group: Option<String>,
    /// Why the kernel cannot limit memory.
    pub no_memory_limit: Option<String>,
    /// Why the kernel cannot limit CPU time.
    pub no_cpu_limit: Option<String>,
}

/// The environment.
#[derive(Debug, Clone, Default)]
pub struct EnvironmentFacts {
    /// Variables that name a proxy.
    pub proxies: Vec<String>,
    /// Whether the loopback is exempt from it.
    pub loopback_is_exempt: bool,
    /// Why `XDG_RUNTIME_DIR` is not used.
    pub runtime_dir_problem: Option<String>,
}

/// `NODE_OPTIONS` of a domain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeOptionsFacts {
    /// The value.
    pub value: String,
    /// Preloaded files that do not exist: option and file.
    pub missing_preloads: Vec<(String, String)>,
    /// The option that opens a debugger, if there is one.
    pub inspector: Option<String>,
    /// A quote that is not closed.
    pub is_unclosed: bool,
}

/// Clocks.
#[derive(Debug, Clone)]
pub struct ClockFacts {
    /// The present time, by the system.
    pub now: SystemTime,
    /// When this program was built, or installed.
    pub program: Option<SystemTime>,
    /// The newest of the app's files.
    pub newest: Option<(PathBuf, SystemTime)>,
}

impl Default for ClockFacts {
    fn default() -> Self {
        Self {
            now: SystemTime::UNIX_EPOCH,
            program: None,
            newest: None,
        }
    }
}

/// A place where Fulcrum writes.
#[derive(Debug, Clone, Default)]
pub struct DiskFacts {
    /// What is written there, such as `the app`.
    pub purpose: &'static str,
    /// The directory.
    pub dir: PathBuf,
    /// Bytes that this user can write.
    pub available: u64,
    /// Files that can be created; none if the file system has no limit.
    pub files: Option<u64>,
    /// Whether it is mounted read-only.
    pub is_read_only: bool,
}
