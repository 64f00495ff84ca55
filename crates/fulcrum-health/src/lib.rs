//! Is it well, and what then: restart policy, backoff, heartbeats, samples.
//!
//! # How it works
//!
//! Everything here decides and nothing here acts. [`Restarts`] is told how each life of a domain
//! [`Ended`] and answers with a [`Verdict`]; [`HeartbeatMonitor`] is told of every beat and says
//! whether the domain is [`Health::Hung`]; [`ProbeMonitor`] and [`MemoryWatch`] do the same with
//! the answers to a probe and with samples of memory. The time is an argument of each, and where something
//! has to happen later the moment is a return value; the randomness of [`Backoff`] comes from a
//! seed. So the same story always has the same end, and an hour of it is tested in no time.
//!
//! [`explain_exit`] and [`diagnose`] put an end into words: what it was, what caused it, what
//! cures it. [`Sampler`] alone looks at the machine, by sysinfo.
//!
//! ```
//! use std::time::{Duration, Instant};
//! use fulcrum_health::{Ended, RestartPolicy, Restarts, Verdict};
//!
//! let policy = RestartPolicy { budget: 1, ..RestartPolicy::default() };
//! let mut restarts = Restarts::new(policy, 42)?;
//! let crash = Ended { code: Some(1), was_ready: true, ..Ended::default() };
//! let now = Instant::now();
//!
//! assert!(matches!(restarts.ended(&crash, now), Verdict::Restart { attempt: 1, .. }));
//! assert_eq!(
//!     restarts.ended(&crash, now + Duration::from_secs(1)),
//!     Verdict::GiveUp { reason: "crash loop: 1 restart in 1m".into() },
//! );
//! # Ok::<(), fulcrum_health::BackoffError>(())
//! ```
//!
//! # What this crate isn't for
//!
//! It doesn't know how a process is started or killed, nor where a heartbeat came from.

mod backoff;
#[cfg(feature = "checks")]
pub mod checks;
mod diagnosis;
mod exit;
mod exit_record;
mod format;
mod heartbeat;
mod liveness;
mod memory_limit;
mod policy;
mod probe;
mod probe_status;
mod random;
mod restart_tracker;
mod sampler;

pub use backoff::{Backoff, BackoffConfig, BackoffError};
pub use diagnosis::{DIAGNOSED_LINES, Diagnosis, ExitContext, diagnose};
pub use exit::{describe_exit, signal_name};
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
pub use random::SplitMix64;
pub use restart_tracker::RestartTracker;
pub use sampler::{Sample, Sampler, SamplerError};
