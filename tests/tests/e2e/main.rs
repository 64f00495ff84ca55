//! Fulcrum's behavior, observed from outside: a module for each subject.

mod background;
mod bad_configuration;
mod configuration;
mod dependencies;
mod entry_points;
mod environment;
mod faults;
mod foreground_exit;
mod forwarding;
mod log_lines;
mod log_store;
mod modules;
mod names;
mod node;
mod production;
mod readiness;
mod reloading;
mod restart_policy;
mod restarting;
mod standby;
mod stubs;
mod terminal;
mod type_checks;
mod typescript;
mod typescript_reloading;
