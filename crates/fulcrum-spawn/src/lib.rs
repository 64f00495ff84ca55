//! Runs programs as supervised process trees: command resolution, spawning, lifecycle, restarts.
//!
//! A program is started in its own process group by a [`process::Spawner`]. All processes that it
//! starts form its tree, which is signaled and awaited as a whole:
//!
//! ```
//! use fulcrum_spawn::process::{ProcessTracker, Spawner};
//! use fulcrum_spawn::{CommandSpec, signal_number};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let tracker = ProcessTracker::open("example", "EXAMPLE_TOKEN");
//! let spawner = Spawner::start(tracker)?;
//! let spec = CommandSpec {
//!     terminal: None,
//!     program: "/bin/sh".into(),
//!     args: vec!["-c".into(), "sleep 60 & exit 3".into()],
//!     cwd: "/".into(),
//!     env: [("EXAMPLE_TOKEN".into(), "1".into())].into(),
//!     runner: "sh".to_owned(),
//! };
//! let process = spawner.spawn(spec, "example.1").await?;
//! assert_eq!(process.exited().await.code, Some(3));
//!
//! // The leader has exited, `sleep` is left.
//! assert_eq!(process.survivors().len(), 1);
//! process.signal(signal_number("SIGTERM").expect("a signal name"));
//! process.group_empty().await;
//! # Ok(())
//! # }
//! ```
//!
//! `examples/restart_policy.rs` runs two programs under a restart policy.
//!
//! # Theory of operation
//!
//! [`prepare`] resolves *what* to start: for a Node program, which version of Node and how,
//! whether types have to be stripped, whether packages are missing. The result is a
//! [`CommandSpec`], in which nothing is left to look up.
//!
//! [`process`] starts it in its own group, from the one thread that runs as long as the program,
//! and holds it by a pidfd. The leader stays unreaped until its whole tree is gone, wherever that
//! went, so that the group's number is not reused and no signal reaches unrelated processes. A
//! [`process::ProcessTracker`] attributes processes to the generation that started them. A cleanup
//! guard ([`process::GuardHandle`]) kills what is left if this program dies.
//!
//! [`lifecycle`] decides. [`lifecycle::Machine`] is a pure function of state, input and time; it has
//! no process, no clock and no task. [`supervisor`] executes the decisions, one task per domain, and
//! publishes states and transitions. A [`lifecycle::RestartPolicy`], which the caller provides,
//! decides whether and when a domain that ended is restarted. [`standby`] keeps processes that were
//! started ahead of time.
//!
//! Dropping the last [`supervisor::DomainHandle`] of a domain ends its driver, which kills the
//! process group that it holds. This crate contains no configuration files, no gRPC, no CPU or
//! memory limits by sampling, and no log format. Messages about its own work go through `tracing`.
//!
//! # Features
//!
//! - `node` (default): preparation of Node programs: versions of Node, TypeScript, package
//!   installation, the SDK.
//! - `inspect`: what an unresponsive Node process executes, by its inspector.
//!
//! # Platform
//!
//! Linux 5.4 or later: pidfds and `/proc`. With cgroup v2 (Linux 5.14) attribution is exact and
//! memory and CPU limits are available.

mod code;
mod command;
mod exit;
#[cfg(feature = "inspect")]
pub mod inspect;
pub mod lifecycle;
pub mod prepare;
pub mod process;
mod signals;
pub mod standby;
mod start_error;
pub mod supervisor;

pub use code::Code;
pub use command::{CommandSpec, TerminalSize};
pub use exit::ExitReport;
pub use signals::{signal_name, signal_number};
pub use start_error::StartError;
