//! The commands: a file for each, with its arguments and its implementation.

mod background;
pub(crate) mod background_instance;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod context;
mod detach;
pub(crate) mod dev;
mod development;
pub(crate) mod domains;
pub(crate) mod down;
mod executor;
pub(crate) mod explain;
pub(crate) mod guard;
pub(crate) mod import;
mod inspect;
mod instance_exit;
mod instance_options;
mod log_file;
pub(crate) mod program;
pub(crate) mod reload;
pub(crate) mod serve;
mod start;
mod start_args;
mod targets;
pub(crate) mod typescript;
mod watch;
