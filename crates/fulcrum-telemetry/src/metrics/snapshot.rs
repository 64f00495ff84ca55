//! The plain values that are read when metrics are asked for.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, SystemTime};

/// Reads the values of a moment.
pub trait MetricSource: Send + Sync + 'static {
    /// Takes a snapshot. It may wait until resource usage was sampled.
    fn snapshot(&self) -> Pin<Box<dyn Future<Output = Snapshot> + Send + '_>>;
}

/// The values of a moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// The instance itself.
    pub instance: InstanceFacts,
    /// Its domains, each once.
    pub domains: Vec<DomainFacts>,
}

/// The instance at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InstanceFacts {
    /// Its version.
    pub version: &'static str,
    /// `dev` or `serve`.
    pub mode: &'static str,
    /// Whether every selected domain is ready and no shutdown was requested.
    pub ready: bool,
    /// When it was started.
    pub started_at: Option<SystemTime>,
    /// Its own process, where that can be read.
    pub process: Option<ProcessFacts>,
    /// Open connections, by listener.
    pub connections: Vec<(&'static str, u64)>,
    /// Lines that were dropped, by sink.
    pub dropped_lines: Vec<(&'static str, u64)>,
    /// Readers of log lines.
    pub log_followers: u64,
}

/// A process, or several of them together, at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProcessFacts {
    /// CPU time so far.
    pub cpu_time: Duration,
    /// Resident memory in bytes.
    pub resident_bytes: u64,
    /// Open file descriptors.
    pub open_files: u64,
    /// Threads.
    pub threads: u64,
}

/// A domain at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DomainFacts {
    /// Its name.
    pub name: String,
    /// Its phase.
    pub phase: &'static str,
    /// Whether its process was started and has not been asked to stop.
    pub up: bool,
    /// Whether it takes work.
    pub ready: bool,
    /// Whether it is meant to run.
    pub wanted: bool,
    /// The number of its current or last process.
    pub generation: u64,
    /// When that was started; none if it does not run.
    pub started_at: Option<SystemTime>,
    /// Time since the last heartbeat, if it sends any.
    pub heartbeat_age: Option<Duration>,
    /// The used part of the JavaScript heap, if it is known.
    pub heap_used: Option<u64>,
    /// The size of the JavaScript heap, if it is known.
    pub heap_total: Option<u64>,
    /// Its processes, while there are any.
    pub usage: Option<UsageFacts>,
    /// CPU time of all its processes so far.
    pub cpu_time: Duration,
    /// Lines and bytes of output, by stream.
    pub output: Vec<(&'static str, OutputFacts)>,
    /// Whether the last check of a probe succeeded, by probe.
    pub probes: Vec<(&'static str, bool)>,
    /// Calls that wait until it reads them.
    pub calls_waiting: u64,
    /// Calls that it has not responded to.
    pub calls_in_flight: u64,
}

/// Resource usage of all processes of a domain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UsageFacts {
    /// Memory that their end would free, in bytes.
    pub memory_bytes: u64,
    /// Resident memory in bytes.
    pub resident_bytes: u64,
    /// Open file descriptors.
    pub open_files: u64,
    /// Threads.
    pub threads: u64,
    /// Processes.
    pub processes: u64,
}

/// Output of one stream so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OutputFacts {
    /// Lines.
    pub lines: u64,
    /// Bytes.
    pub bytes: u64,
}
