//! What Fulcrum does, seen from outside: a module a behaviour.

mod background;
mod bad_configuration;
mod configuration;
mod restart_policy;
mod foreground_exit;
mod entry_points;
mod environment;
mod faults;
mod forwarding;
mod log_store;
mod log_lines;
mod modules;
mod names;
mod node;
mod production;
mod readiness;
mod reloading;
mod restarting;
mod standby;
mod stubs;
mod terminal;
mod typescript;
