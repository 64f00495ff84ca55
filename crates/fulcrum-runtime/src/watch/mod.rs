//! Hot reload: files change, and what that means is done.
//!
//! One task holds the watcher of files, and with it what decides when to act: the coalescer, the
//! guard against loops. What a change *means* is a pure function (`classify`), what is watched
//! another (`spec`). Acting goes the ways that clients have, too: settings are read anew as a
//! whole ([`reload::apply`](crate::reload::request::apply)), a domain whose code has changed is renewed
//! ([`reload::restart_for`](crate::reload::request::restart_for)), each in a task of its own, so that the
//! next save is heard meanwhile.
//!
//! Before a life is given up its successor's changed files are parsed (`syntax_cache`): what is no
//! code leaves the running one as it is. A later save overtakes an earlier one: its reload is given
//! up where it is, and what wasn't started from yet is part of the next.

pub mod assets;
pub mod classify;
pub mod code_reload;
pub mod config_reload;
pub mod display;
pub mod load_state;
pub mod loops;
pub mod pending;
pub mod spec;
pub mod status;
pub mod syntax_cache;
pub mod task;
