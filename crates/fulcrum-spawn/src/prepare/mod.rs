//! What must be so before a domain can start: which program runs it, how, and with what beside it.
//!
//! # Theory of operation
//! Everything here is synchronous, takes its time only where files are read, and ends either in a
//! [`CommandSpec`](crate::CommandSpec) that is executed as it stands or in a
//! [`Failure`](crate::Failure) that says what to do. What can be known before a process is spawned
//! is found out here, so that a start that can't succeed isn't tried.
//!
//! - [`find_node`] chooses a Node by `process.node`, `.nvmrc` and `engines`, or `PATH`, and asks it
//!   once what it is.
//! - [`choose_runner`] follows the imports of a TypeScript entry. Types are blanked out in place
//!   ([`strip_file`]), so that lines and columns stay; what needs more is left to the domain's own
//!   `tsx`, or refused with file, line and column.
//! - [`Sdk`] holds the files of `@fulcrum/domain`; [`Sdk::provide`] makes them resolvable.
//! - [`plan_node`] joins these to a command line; [`plan_command`] is its like for other programs.
//!   Node loads the bootstrap ahead of the entry, or the SDK stands in for it where Fulcrum's own
//!   copy is certain to be what the entry runs first.
//! - [`Spare`] is a Node process that is booted ahead, and says of which plans it can become the life.
//! - [`check_syntax`] says whether a changed file is code at all, before a life is given up for it.
//! - [`install_needed`] says whether packages have to be installed first, and by what.
//!
//! All that is kept goes below [`Toolbox::cache`], is named by content or checked against it, is
//! written so that a reader sees it whole, and can be deleted at any time. On a warm cache a plan
//! runs no process and parses no source.
//!
//! Some of it spends milliseconds in system calls, and the first question to a Node may take
//! seconds: an asynchronous caller gives it a blocking thread.

mod binary;
mod command_plan;
mod context;
mod environment;
mod executable;
mod files;
mod install;
mod loaded_modules;
mod node;
mod node_plan;
mod package_json;
mod runner;
mod sdk;
mod sdk_install;
mod sdk_preload;
mod standby_command;
mod tsx;
mod typescript;

pub use command_plan::plan_command;
pub use context::{PrepareContext, StartWarning};
pub use environment::{DomainVariables, Environment, NodeEnv, find_free_port, merge_environment};
pub use install::{
    InstallEvent, InstallPlan, InstallRequest, PackageInstaller, PackageManager, plan_install,
};
pub use loaded_modules::{
    LoadedModules, create_report_dir, read_report, remove_report_dir, report_file,
};
pub use node::{MIN_VERSION, NodeOrigin, NodeRequest, NodeRuntime, find_node};
pub use node_plan::{NodeProgram, plan_node};
pub use nodejs_semver::Version;
pub use runner::{Runner, choose_runner};
pub use sdk::Sdk;
pub use sdk_install::SdkLocation;
pub use standby_command::StandbyCommand;
pub use typescript::{
    Format, StripError, StripErrorKind, Stripped, SyntaxChecker, SyntaxError, check_syntax,
    strip_file,
};
