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
mod defaults;
mod dependency_graph;
mod diagnostic;
mod discover;
mod discovered;
mod domain_builder;
mod entry_point;
mod env_file;
mod file;
mod file_stamp;
mod file_watch;
mod group_checks;
mod groups;
mod interpolate;
mod layer_parser;
mod layers;
mod listen;
mod load;
mod mode;
mod node;
mod otlp;
mod overrides;
mod plan;
mod probe;
mod process;
mod redact;
mod reference;
mod request;
mod resolve;
mod root;
mod runtime;
mod scalars;
mod schema;
mod selection;
mod setting;
mod settings_cache;
mod stable_load;
mod suggest;
mod toplevel;
mod units;
mod unsupported;
mod value;
mod value_error;
mod yaml;
mod yaml_error;

pub use app::{App, Domain, Program};
pub use diagnostic::{Diagnostic, Location, Severity};
pub use env_file::read_env_file;
pub use file_watch::FileWatchOptions;
pub use load::load;
pub use mode::Mode;
pub use plan::{
    Action, Difference, DomainChange, ReloadPlan, RunningState, describe_changes, restart_reason,
};
pub use process::{
    BackoffSettings, DependencyCondition, HeartbeatSettings, PortSetting, ProbeCheck,
    ProbeSettings, ProcessSettings, ResourceLimits, RestartMode, RestartSettings, StopSettings,
    WatchSettings,
};
pub use redact::{is_secret_name, redact_arguments, redact_command_line, redact_value};
pub use reference::{SettingReference, setting_reference};
pub use request::{LoadOptions, LoadResult};
pub use root::find_app_root;
pub use runtime::{
    AppWatchSettings, GrpcSettings, ListenAddress, LogFormat, LogSettings, LogStoreSettings,
    OtlpExportSettings, RegistrationMode, RestartStrategy, RuntimeSettings, SupervisionGroup,
    TlsSettings,
};
pub use selection::{Selection, UnknownDomain, select, select_among, unknown_domain};
pub use settings_cache::SettingsCache;
pub use stable_load::load_if_stable;
pub use unsupported::unsupported_settings;
