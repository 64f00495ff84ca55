//! What a changed configuration means for a running instance: one [`DomainChange`] a domain.
//!
//! Two apps are compared by their normalized settings, whatever the files look like. What a process
//! gets at its start changes with a restart; what the supervisor decides by is updated in place:
//!
//! | restart | update in place |
//! |---|---|
//! | the directory, `entry`, `command`, `runtime`, `node`, `node_args`, `args`, `cwd`, `port`, `install`, `tty`, `user` | `depends_on`, `restart`, `start_timeout`, `stop`, `autostart` |
//! | `env`, and the variables in the files under `env_file` | the list of these files |
//! | the `port` of a dependency, which is in the environment | |
//! | `limits`, which are set at the start | `ready`, `alive`, `heartbeat` |
//! | `runtime.logs.level`, which is in the environment | `watch`, `replicas`, `runtime.groups` |
//!
//! A changed heartbeat applies from the next registration on.
//!
//! Settings of the instance as a whole (its port, registration, log format, watching) need a restart
//! of the instance, and are only reported.

mod change;
mod compare;
mod describe;
mod diff;
mod settings;
mod telemetry;
#[cfg(test)]
mod tests;

pub use change::{Action, Difference, DomainChange, ReloadPlan, RunningState};
pub use describe::{describe_changes, restart_reason};
