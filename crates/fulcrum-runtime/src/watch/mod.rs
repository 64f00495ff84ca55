//! File watching: reloads on changes of code and configuration.
//!
//! One task owns the file watcher, and decides when to act. What a change means is a pure function
//! in `classify`; what is watched is another in `spec`. Reloads are the same as those of clients,
//! each in a task of its own, so that later changes are noticed meanwhile.
//!
//! Before a domain is restarted its changed files are parsed: a syntax error leaves the running
//! process as it is. A later change supersedes an earlier one: its reload is aborted, and its files
//! are part of the next.

pub(crate) mod assets;
mod checkouts;
pub(crate) mod classify;
pub(crate) mod code_reload;
pub(crate) mod config_reload;
mod facts;
mod file_time;
mod links;
mod load_state;
mod loops;
mod messages;
mod missed;
mod pending;
mod spec;
mod status;
pub(crate) mod task;
