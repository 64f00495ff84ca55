//! What a changed configuration means for what runs: pure, one [`Entry`] a domain.
//!
//! Two apps are compared as normalised settings, whatever the files look like. What a process is
//! given at its start can only be changed by another start; what the supervisor decides by is
//! adopted while the process lives:
//!
//! | a new process | adopted |
//! |---|---|
//! | the folder, `entry`, `command`, `node`, `node_args`, `args`, `cwd`, `port`, `install`, `user` | `depends_on`, `restart`, `start_timeout`, `stop` |
//! | `env`, and what the files under `env_file` set | which files those are |
//! | `limits`, which the kernel is told at a start | `ready`, `alive`, `heartbeat` |
//! | `runtime.logs.level`, which is in the environment | `watch`, `replicas`, `runtime.groups` |
//!
//! A heartbeat is agreed on at a registration: a changed one holds from the next on.
//!
//! What the instance as a whole was built on (its port, who may register, how it prints, whether it
//! watches) needs another instance, and is only told.

mod change;
mod compare;
mod describe;
mod diff;
mod settings;
#[cfg(test)]
mod tests;

pub use change::{Action, Difference, DomainChange, ReloadPlan, RunningState};
pub use describe::{describe_changes, restart_reason};
