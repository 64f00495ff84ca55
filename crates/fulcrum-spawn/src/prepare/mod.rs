//! What has to be decided before a process can be started: the program, its arguments and
//! environment, and the files that it needs.
//!
//! # Theory of operation
//! Everything here but [`PackageInstaller`] is synchronous, and ends either in a
//! [`CommandSpec`](crate::CommandSpec) that is executed as it is or in a
//! [`StartError`](crate::StartError) with a hint. What can be known before the spawn is found out
//! here, so that a start that cannot succeed is not attempted.
//!
//! For any program:
//!
//! - [`plan_command`] resolves a command to an executable file, without a shell.
//! - [`merge_environment`] merges the layers of the environment.
//!
//! For Node programs, with the feature `node`:
//!
//! - [`find_node`] chooses a Node by `process.node`, a version file, `package.json` or `PATH`, and
//!   runs it once to find out its version.
//! - [`choose_runner`] follows the imports of a TypeScript entry, by the `tsconfig.json` and the
//!   packages that apply to each file. Where that is enough, types are replaced by spaces, so that
//!   lines and columns stay; other code is transformed. The result is a table of the domain's files
//!   and imports, which the bootstrap reads. It asks for what it lacks
//!   ([`answer_typescript_request`]).
//! - [`Sdk`] holds the files of `@fulcrum/domain`; [`Sdk::provide`] makes them resolvable.
//! - [`plan_node`] combines these into a command line. Node loads the bootstrap before the entry,
//!   unless the embedded SDK is certain to be the first code that the entry runs: then the SDK
//!   loads it later.
//! - [`plan_other_runtime`] plans the command of a program that Bun or Deno runs.
//! - [`plan_node_command`] plans Node with any arguments, such as a test runner, as domains are run.
//! - [`StandbyCommand`] starts a standby process: Node is booted and waits for an activation.
//! - [`check_syntax`] parses a changed file, so that a running generation is not stopped for a
//!   file with a syntax error; [`SyntaxChecker`] caches the result.
//! - [`find_domain_class`] finds where a handler can be inserted into a domain's code.
//! - [`plan_install`] decides whether packages have to be installed first, and how;
//!   [`PackageInstaller`] installs them.
//! - [`sweep_cache`] keeps the cache of compiled code within its bound.
//! - [`read_report`] reads which files a process has loaded, as the bootstrap reports them.
//!
//! All that is stored goes below [`PrepareContext::cache`]. It is named by content or checked
//! against it, is written atomically, and can be deleted at any time. On a warm cache a plan runs
//! no process and parses no source.
//!
//! A plan spends milliseconds in system calls, and the first query of a Node may take seconds: an
//! asynchronous caller runs it on a blocking thread.

mod binary;
mod cache_dir;
mod cargo_run;
mod command_plan;
mod environment;
mod executable;
mod proxy;
mod warning;

#[cfg(feature = "node")]
mod context;
#[cfg(feature = "node")]
mod evaluate;
#[cfg(feature = "node")]
mod files;
#[cfg(feature = "node")]
mod install;
#[cfg(feature = "node")]
mod javascript_entry;
#[cfg(feature = "node")]
mod loaded_modules;
#[cfg(feature = "node")]
mod node;
#[cfg(feature = "node")]
mod node_command;
#[cfg(feature = "node")]
mod node_options;
#[cfg(feature = "node")]
mod node_plan;
#[cfg(feature = "node")]
mod node_program;
#[cfg(feature = "node")]
mod other_plan;
#[cfg(feature = "node")]
mod own_writes;
#[cfg(feature = "node")]
mod package_json;
#[cfg(feature = "node")]
mod query;
#[cfg(feature = "node")]
mod runner;
#[cfg(feature = "node")]
mod sdk;
#[cfg(feature = "node")]
mod sdk_install;
#[cfg(feature = "node")]
mod sdk_preload;
#[cfg(feature = "node")]
mod standby_command;
#[cfg(feature = "node")]
mod typescript;

pub use cache_dir::CacheDir;
pub use cargo_run::without_cargo;
pub use command_plan::{command_runs_javascript, command_script, plan_command};
pub use environment::{
    DomainVariables, Environment, NodeEnv, app_variables, color_level, find_free_port,
    is_port_free, merge_environment,
};
pub use proxy::{exempt_loopback, proxy_variables};
pub use warning::StartWarning;

#[cfg(feature = "node")]
pub use self::{
    context::PrepareContext,
    evaluate::evaluate_module,
    install::{
        InstallEvent, InstallOutput, InstallPlan, InstallRequest, PackageInstaller, PackageManager,
        PackageQuery, YamlReader, plan_install,
    },
    loaded_modules::{
        LoadedModules, create_report_dir, read_report, remove_report_dir, report_file,
    },
    node::{MIN_VERSION, NodeOrigin, NodeRequest, NodeRuntime, OtherRuntime, find_node},
    node_command::{NodeCommand, plan_node_command},
    node_plan::plan_node,
    node_program::NodeProgram,
    other_plan::plan_other_runtime,
    own_writes::{is_own_write, own_writes_file},
    runner::{Runner, choose_runner},
    sdk::Sdk,
    sdk_install::SdkLocation,
    standby_command::StandbyCommand,
    typescript::{
        CheckedImports, ClassBody, Format, StripError, StripErrorKind, Stripped, SweepReport,
        SyntaxChecker, SyntaxError, TypeScriptRequestOptions, answer_typescript_request,
        check_syntax, find_domain_class, run_typescript_helper, strip_file, sweep_cache,
        sweep_in_background,
    },
};
#[cfg(feature = "node")]
pub use nodejs_semver::Version;
