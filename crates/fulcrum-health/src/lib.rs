//! Health of long-running processes: restart decisions with backoff, heartbeats, probes, liveness,
//! exit diagnosis, and resource samples.
//!
//! ```
//! use std::time::{Duration, Instant};
//! use fulcrum_health::{GenerationEnd, RestartPolicy, RestartTracker, Verdict};
//!
//! let policy = RestartPolicy { budget: 1, ..RestartPolicy::default() };
//! let mut tracker = RestartTracker::new(policy, 42)?;
//! let crash = GenerationEnd { code: Some(1), was_ready: true, ..GenerationEnd::default() };
//! let now = Instant::now();
//!
//! assert!(matches!(tracker.on_exit(&crash, now), Verdict::Restart { attempt: 1, .. }));
//! assert_eq!(
//!     tracker.on_exit(&crash, now + Duration::from_secs(1)),
//!     Verdict::GiveUp { reason: "crash loop: 1 restart in 1m".into() },
//! );
//! # Ok::<(), fulcrum_health::BackoffError>(())
//! ```
//!
//! # Theory of operation
//!
//! The words are those of a supervisor: a *domain* is a program that is kept running, a *generation*
//! is one lifetime of its process.
//!
//! The monitors decide and do not act. Time is an argument of each call, and where something has to
//! happen later, the deadline is a return value. The randomness of [`Backoff`] follows from a seed.
//! So the same inputs always give the same decisions, and an hour of them is tested in milliseconds.
//!
//! | question | input | decision |
//! |---|---|---|
//! | [`RestartTracker`]: is it restarted? | [`GenerationEnd`] | [`Verdict`] |
//! | [`ProbeMonitor`]: is it up? | results of a check | [`ProbeChange`] |
//! | [`HeartbeatMonitor`]: does it still send? | heartbeats | [`HeartbeatStatus`] |
//! | [`LivenessMonitor`]: is it hung? | heartbeats or traffic, and [`ProcessActivity`] | [`InspectionResult`] |
//! | [`MemoryLimitMonitor`]: does it use too much? | samples | [`LimitExceeded`] |
//! | [`diagnose`]: why did it exit? | [`ExitContext`] | [`Diagnosis`] |
//!
//! A caller drives a monitor as follows: it waits until the deadline or until there is an input,
//! passes the input with the present time, and acts on the decision. A deadline that is served late,
//! since the caller itself was suspended, is not counted against the process. A silent process is
//! declared hung only after [`ProcessActivity`] showed that it is neither traced nor without a CPU.
//!
//! [`Sampler`] is the only part that reads from the operating system. With the feature `checks`, the
//! module `checks` connects to TCP and HTTP ports; the caller sets the time limit.
//!
//! # Features
//!
//! - `checks`: TCP and HTTP checks over tokio and hyper. Off by default; without it there is no
//!   async runtime in the dependency graph.
//!
//! # Not part of this crate
//!
//! It does not start or stop processes, and does not receive heartbeats.

mod backoff;
#[cfg(feature = "checks")]
pub mod checks;
mod code;
mod diagnosis;
mod exit;
mod exit_record;
mod format;
mod heartbeat;
mod liveness;
mod memory;
mod memory_limit;
mod policy;
mod probe;
mod probe_status;
mod process_files;
mod random;
mod restart_tracker;
mod sampler;

pub use backoff::{Backoff, BackoffConfig, BackoffError};
pub use code::Code;
pub use diagnosis::{DIAGNOSED_LINES, Diagnosis, ExitContext, diagnose};
pub use exit::{ProgramKind, describe_exit, signal_name};
pub use exit_record::{ExitRecord, OomKill, truncate_line};
pub use heartbeat::{HeartbeatConfig, HeartbeatMonitor, HeartbeatStatus};
pub use liveness::{
    CheckResult, InspectionResult, LivenessMonitor, LivenessSource, LivenessTimeouts,
    MemberActivity, ProcessActivity,
};
pub use memory_limit::{LimitExceeded, MemoryLimitMonitor};
pub use policy::{Failure, GenerationEnd, RestartMode, RestartPolicy, Verdict};
pub use probe::{ProbeChange, ProbeConfig, ProbeMonitor, ProbeState};
pub use probe_status::{ProbeFailure, ProbeStatus};
pub use process_files::ProcessUsage;
pub use random::SplitMix64;
pub use restart_tracker::RestartTracker;
pub use sampler::{Sample, Sampler, SamplerError};
