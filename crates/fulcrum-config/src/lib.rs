//! What should run: app root, discovery, layered settings, diagnostics, selection, reload plans.
//!
//! [`load`] turns [`LoadOptions`] into an [`App`] with its [`Domain`]s, and into [`Diagnostic`]s:
//! all of them at once, each with file, line, column and a hint.
//!
//! ```
//! use std::collections::BTreeMap;
//! use fulcrum_config::{LoadOptions, Mode, Program, load};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let dir = tempfile::tempdir()?;
//! let users = dir.path().join("domains/users");
//! std::fs::create_dir_all(&users)?;
//! std::fs::write(users.join("domain.js"), "")?;
//! std::fs::write(dir.path().join("fulcrum.yml"), "runtime: {defaults: {stop: {grace: 6s}}}\n")?;
//!
//! let options = LoadOptions {
//!     app: None,
//!     cwd: dir.path().canonicalize()?,
//!     env: BTreeMap::new(),
//!     flags: vec![("process.replicas".into(), "2".into())],
//!     mode: Mode::Dev,
//!     auto_ports: None,
//! };
//! let loaded = load(&options);
//! assert!(loaded.diagnostics.is_empty());
//!
//! let app = loaded.app.ok_or("no app")?;
//! let users = app.domain("users").ok_or("no domain")?;
//! assert!(matches!(users.program, Program::Node { .. }));
//! assert_eq!(users.process.stop.grace.as_secs(), 6);
//!
//! // Each value has an origin.
//! let effective = app.effective();
//! let grace = &effective["domains"]["users"]["process"]["stop"]["grace"];
//! assert_eq!(grace["value"], "6s");
//! assert_eq!(grace["origin"], "fulcrum.yml:1:36");
//!
//! // An error has a location and a hint.
//! std::fs::write(dir.path().join("fulcrum.yml"), "runtime:\n  grcp: {}\n")?;
//! assert_eq!(
//!     load(&options).diagnostics[0].to_string(),
//!     "fulcrum.yml:2:3: error[FUL0120]: `runtime`: unknown key `grcp`\n  hint: did you mean `grpc`?"
//! );
//! # Ok(())
//! # }
//! ```
//!
//! # Theory of operation
//! 1. **Root** ([`find_app_root`]): a flag, a variable, or the nearest `fulcrum.yml` upward that is
//!    not a domain's.
//! 2. **Files** are parsed once, within bounds of time and memory, into a tree in which every key
//!    and value has its position and every scalar is still text.
//! 3. **Layers**: each source (defaults, the app's file, a domain's file, `FULCRUM_…` variables,
//!    flags) is checked against one table of settings on its own. An invalid value is reported and
//!    left out of its layer, so that no mistake causes a second diagnostic. The layers are merged
//!    by figment; each setting keeps its origin, which [`App::effective`] shows.
//! 4. **Domains** are the directories that `runtime.domains` matches. Their settings become types,
//!    without options where a default exists. Then follow the checks of more than one value: entry
//!    points, dependencies and their cycles, groups, ports.
//! 5. **Selection** ([`Selection`]): names and globs become the domains to run, with their
//!    dependencies.
//! 6. **Reload** ([`ReloadPlan::new`]): a changed configuration is compared with the running one,
//!    which determines the domains to start, stop, restart or update in place.
//!    [`load_if_stable`] loads only while no file is being written, and [`SettingsCache`] loads the
//!    settings of one domain again before a start.
//!
//! # Scope
//! The crate starts nothing, listens nowhere and reads nothing but the file system: environment,
//! working directory and the current time are arguments. Environment files are checked when the
//! configuration is loaded, and read again at each start, with [`read_env_file`]. Node is searched
//! by the process that starts it.

mod accepted_values;
mod app;
mod code;
mod defaults;
mod dependency_graph;
mod diagnostic;
mod discover;
mod discovered;
mod domain_builder;
mod domain_reader;
mod effective;
mod entry_point;
mod env_file;
mod env_files;
mod file;
mod file_stamp;
mod file_watch;
mod group_checks;
mod groups;
mod import;
mod interpolate;
mod job_defaults;
mod jobs;
mod json_schema;
mod layer_parser;
mod layers;
mod listen;
mod load;
mod mode;
mod node;
mod notify;
mod options;
mod other_tools;
mod otlp;
mod overrides;
mod plan;
mod port_checks;
mod ports;
mod probe;
mod process;
mod redact;
mod reference;
mod resolve;
mod root;
mod runtime;
mod scalars;
mod schedule;
mod schema;
mod selection;
mod setting;
mod setting_descriptions;
mod settings_cache;
mod spaces;
mod stable_load;
mod suggest;
mod toplevel;
mod units;
mod unsupported;
mod value;
mod value_error;
mod yaml;
mod yaml_error;
mod yaml_value;

pub use app::{App, Domain, Program};
pub use code::Code;
pub use diagnostic::{Diagnostic, Location, Severity};
pub use discover::check_domain_name;
pub use env_file::read_env_file;
pub use file_watch::FileWatchOptions;
pub use import::{Import, ImportKind, ImportRequest, ImportedDomain, ImportedFile, import};
pub use json_schema::{app_json_schema, domain_json_schema};
pub use load::load;
pub use mode::Mode;
pub use options::{LoadOptions, LoadResult, PortSource};
pub use plan::{
    Action, Difference, DomainChange, ReloadPlan, RunningState, describe_changes, restart_reason,
};
pub use ports::{automatic_port, port_variable};
pub use process::{
    BackoffSettings, DependencyCondition, HeartbeatSettings, HookSettings, JsRuntime, PortSetting,
    ProbeCheck, ProbeSettings, ProcessKind, ProcessSettings, ResourceLimits, RestartMode,
    RestartSettings, StopRecipient, StopSettings, WatchSettings,
};
pub use redact::{redact_arguments, redact_command_line, redact_url_path, redact_value};
pub use reference::{SettingReference, setting_reference};
pub use root::find_app_root;
pub use runtime::{
    AppWatchSettings, CollectorSettings, FailureNotice, GrpcSettings, HttpSettings, ListenAddress,
    LogFormat, LogSettings, LogStoreSettings, NotifyEvent, OtlpExportSettings, RegistrationMode,
    RestartStrategy, RuntimeSettings, SupervisionGroup, TelemetrySettings, TerminalSettings,
    TlsSettings, WebOrigins, WebhookFormat, WebhookSettings,
};
pub use schedule::{CronExpression, MissedRuns, Overlap, Schedule};
pub use selection::{Selection, UnknownDomain, select, select_among, unknown_domain};
pub use settings_cache::SettingsCache;
pub use stable_load::load_if_stable;
pub use suggest::closest;
pub use unsupported::unsupported_settings;
pub use yaml_value::parse_yaml_value;
