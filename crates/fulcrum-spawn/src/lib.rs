//! How a process lives: command resolution, process groups, signals, the lifecycle machine.
//!
//! # Theory of operation
//!
//! [`prepare`] finds out *what* to start: which Node and how, whether TypeScript has to be
//! stripped, whether packages are missing. The result is a [`CommandSpec`] in which nothing is
//! left to look up.
//!
//! [`process`] starts it, in a group of its own, from the one thread that lives as long as the
//! program, and holds it by a pidfd. The direct child stays unreaped until all that it started is
//! gone, wherever that went, so that the group's number can't be given to strangers and no signal
//! goes astray. A [`process::Containment`] knows whose process is whose.
//!
//! [`lifecycle`] decides. Its machine is a pure function of state, input and time; it knows no
//! process, no clock and no task. [`supervisor`] carries the decisions out, one task a domain, and
//! publishes what is so. Whether a domain that ended starts again is asked of a
//! [`lifecycle::RestartPolicy`], which lives elsewhere.
//!
//! Dropping the last [`supervisor::Handle`] of a domain ends its driver, and with it, by SIGKILL,
//! whatever process group it holds. This crate knows no configuration files, no gRPC, no CPU or
//! memory figures, and nothing about what a log line looks like.

mod command;
#[cfg(feature = "inspect")]
pub mod inspect;
pub mod lifecycle;
pub mod prepare;
pub mod process;
pub mod standby;
mod start_error;
pub mod supervisor;

pub use command::CommandSpec;
pub use start_error::StartError;
