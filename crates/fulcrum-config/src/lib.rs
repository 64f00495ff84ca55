//! What should run: discovery, layered settings, diagnostics.
//!
//! [`load`] turns a [`Request`] into an [`App`] with its [`Domain`]s and into [`Problem`]s: all of
//! them at once, each with file, line, column and a hint.
//!
//! # Theory of operation
//! 1. **Root** ([`find_app_root`]): a flag, a variable, or the nearest `fulcrum.yml` upward that
//!    isn't a domain's.
//! 2. **Files** are parsed once, within bounds, into a tree in which every key and value knows its
//!    place and every scalar is still the text that was written.
//! 3. **Layers**: each source (defaults, the app's file, a domain's file, `FULCRUM_…` variables,
//!    flags) is checked against one schema table, by itself. What is refused is reported and left
//!    out of its layer, so no mistake causes a second finding. figment puts the layers on top of
//!    each other; each setting keeps its origin, which [`App::show`] tells.
//! 4. **Domains** are the folders that `runtime.domains` matches. Their settings become types
//!    without options where a default exists, and what needs more than one value is checked:
//!    entry points, dependencies and their cycles, ports.
//! 5. **A changed configuration** is compared with the one that runs: [`Plan::new`] says which
//!    domains are started, stopped or restarted for it, and which only adopt it.
//!
//! # What it isn't for
//! It starts nothing, listens nowhere and looks at nothing but the file system: the environment
//! and the working directory are in the [`Request`]. Files of variables are only checked; they are
//! read at each start, with [`read_env_file`]. Whether a Node can be found is for whoever starts
//! it.

mod app;
mod complete;
mod defaults;
mod depends;
mod discover;
mod draft;
mod entry;
mod env_file;
mod fault;
mod file;
mod groups;
mod interpolate;
mod layers;
mod listen;
mod load;
mod lower;
mod node;
mod overrides;
mod plan;
mod probe;
mod problem;
mod process;
mod receiver;
mod reference;
mod request;
mod root;
mod runtime;
mod schema;
mod setting;
mod suggest;
mod toplevel;
mod units;
mod value;
mod yaml;

pub use app::{App, Domain, Program};
pub use draft::is_secret_name;
pub use env_file::read_env_file;
pub use load::load;
pub use plan::{Action, Difference, Entry, Plan, Running};
pub use problem::{Place, Problem, Severity};
pub use process::{
    Backoff, Check, Condition, Heartbeat, Limits, Policy, Port, Probe, Process, Restart, Stop,
    Watch,
};
pub use reference::{SettingReference, setting_reference};
pub use request::{Loaded, Mode, Request};
pub use root::find_app_root;
pub use runtime::{
    Forward, Group, Grpc, Listen, LogFormat, LogStore, Logs, Registration, Runtime, Strategy, Tls,
    WatchAll,
};
