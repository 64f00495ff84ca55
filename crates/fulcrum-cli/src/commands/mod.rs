//! The commands: a file for each, with its arguments and its implementation.

pub(crate) mod background_instance;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod context;
mod detach;
pub(crate) mod dev;
pub(crate) mod domains;
pub(crate) mod down;
pub(crate) mod executor;
pub(crate) mod explain;
pub(crate) mod guard;
pub(crate) mod import;
mod instance_exit;
mod instance_options;
mod log_file;
pub(crate) mod metrics;
pub(crate) mod reload;
pub(crate) mod serve;
mod start;
mod start_args;
mod targets;
pub(crate) mod top;
pub(crate) mod traces;
pub(crate) mod typescript;
mod watch;
