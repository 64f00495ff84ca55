//! The command line and environment of a Node program.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::command_plan::check_cwd;
use super::context::PrepareContext;
use super::files::file_url;
use super::install::pnp;
use super::node::find::{NodeRuntime, find_node};
use super::node::path::path_with_node;
use super::node_options::{helper_options, node_resolution};
use super::node_program::NodeProgram;
use super::runner::{Runner, choose_runner};
use super::sdk_install::SdkLocation;
use super::sdk_preload::sdk_loads_first;
use super::warning::StartWarning;
use crate::{CommandSpec, StartError};

/// The variable with the configuration of the bootstrap, as JSON.
pub(super) const BOOTSTRAP_VAR: &str = "FULCRUM_BOOTSTRAP";

/// The configuration of the bootstrap, which `sdk/node/src/bootstrap/plan.ts` reads.
#[derive(Serialize)]
struct BootstrapConfig<'a> {
    v: u32,
    parent: u32,
    entry: std::borrow::Cow<'a, str>,
    /// The entry's text contains `.start(`, so it most likely starts itself.
    starts: bool,
    ts: Option<BootstrapTypeScript<'a>>,
    sdk: Option<String>,
    /// The bootstrap's URL, if it is not preloaded: the SDK loads it later.
    #[serde(rename = "later", skip_serializing_if = "Option::is_none")]
    deferred: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    modules: Option<std::borrow::Cow<'a, str>>,
}

#[derive(Serialize)]
pub(super) struct BootstrapTypeScript<'a> {
    /// The file with the table.
    manifest: std::borrow::Cow<'a, str>,
    /// The command that answers requests for files that are not in the table.
    helper: Vec<String>,
    /// No ECMAScript module is among the files.
    commonjs: bool,
    /// Some file has a source map.
    maps: bool,
}

/// Plans the command of a Node program. It runs Node itself, never `npm`, `npx`, a shim or a shell.
///
/// Finds the Node ([`find_node`]), chooses the runner ([`choose_runner`]), makes the SDK resolvable
/// ([`Sdk::provide`](crate::prepare::Sdk::provide)) and writes the bootstrap to the cache. On a warm
/// cache no program is run and no source is parsed.
///
/// # Errors
/// Those of these functions, a missing working directory, and a cache that cannot be written.
pub fn plan_node(
    program: &NodeProgram<'_>,
    context: &PrepareContext,
) -> Result<(CommandSpec, Vec<StartWarning>), StartError> {
    check_cwd(program.cwd)?;
    let node = find_node(&program.node_request(), context)?;
    let pnp_options = pnp::node_options(program.dir);
    let program = &NodeProgram {
        env: own_environment(program, &node, pnp_options.as_deref(), context),
        ..program.clone()
    };
    let (runner, mut warnings) = choose_runner(program, &node, context)?;
    warnings.extend(node.warning.clone());
    let bootstrap = write_bootstrap(program, context)?;
    let (sdk, sdk_warning) = if pnp_options.is_some() {
        // It knows only packages of its table.
        let dir = context.sdk.cached_dir(&context.cache).ok();
        (dir.map(|dir| dir.to_string_lossy().into_owned()), None)
    } else {
        provide_sdk(program, context)
    };
    warnings.extend(sdk_warning);
    let starts = mentions_start(program.entry);
    // If the entry does not start itself, the bootstrap has to start it as soon as it is evaluated,
    // and a preloaded bootstrap does that first.
    let deferred = (starts
        && sdk.is_none()
        && sdk_loads_first(&context.sdk, program, &runner, &context.cache))
    .then(|| file_url(&bootstrap));
    let mut args = Vec::new();
    if needs_internals_flag(&runner, &node, program) {
        args.push("--expose-internals".into());
    }
    if deferred.is_none() {
        args.extend(preloads(program, &bootstrap));
    }
    args.push(program.entry.into());
    args.extend(program.args.iter().map(OsString::from));
    let mut env = program.env.clone();
    let ts = typescript_config(program, &node, &runner, context);
    let config = bootstrap_config(program, ts, starts, sdk, deferred);
    env.insert(BOOTSTRAP_VAR.into(), config.into());
    if uses_compile_cache(program, &node) {
        let compile_cache = context.cache.join("compile");
        env.insert("NODE_COMPILE_CACHE".into(), compile_cache.into());
    }
    let spec = CommandSpec {
        terminal: None,
        runner: describe(&node, &runner),
        program: node.path,
        args,
        cwd: program.cwd.to_path_buf(),
        env,
    };
    Ok((spec, warnings))
}

/// The environment of the program. `node` in its `PATH` is the chosen one, for processes that it starts,
/// and packages are found by Yarn's Plug'n'Play where that is used.
pub(super) fn own_environment(
    program: &NodeProgram<'_>,
    node: &NodeRuntime,
    pnp_options: Option<&str>,
    context: &PrepareContext,
) -> BTreeMap<OsString, OsString> {
    let mut env = program.env.clone();
    let path = env.get(OsStr::new("PATH")).cloned().unwrap_or_default();
    let path = path_with_node(&path, &node.path, &context.cache);
    env.insert("PATH".into(), path);
    if let Some(options) = pnp_options {
        let own = env.get(OsStr::new("NODE_OPTIONS"));
        let own = own.map(|own| own.to_string_lossy()).unwrap_or_default();
        // Before all else that Node loads, which may be a package.
        let all = format!("{options} {own}");
        env.insert("NODE_OPTIONS".into(), all.trim_end().into());
    }
    env
}

pub(super) fn write_bootstrap(
    program: &NodeProgram<'_>,
    context: &PrepareContext,
) -> Result<PathBuf, StartError> {
    let bootstrap = context.sdk.bootstrap(&context.cache);
    bootstrap.map_err(|error| program.cache_error(&context.cache, &error))
}

/// Whether Node is given a directory for its compile cache: it has one since 22.1, and the user's
/// own setting takes precedence.
pub(super) fn uses_compile_cache(program: &NodeProgram<'_>, node: &NodeRuntime) -> bool {
    let is_set = |name: &str| program.env.contains_key(OsStr::new(name));
    node.at_least(22, 1) && !is_set("NODE_COMPILE_CACHE") && !is_set("NODE_DISABLE_COMPILE_CACHE")
}

/// How the program is run, such as `node 20.20.2 (PATH), TypeScript by fulcrum`.
fn describe(node: &NodeRuntime, runner: &Runner) -> String {
    let types = match runner {
        Runner::JavaScript => "",
        Runner::TypeScript { .. } => ", TypeScript by fulcrum",
    };
    format!("{node}{types}")
}

/// The arguments before the entry: what Node preloads, and the user's `node_args`.
fn preloads(program: &NodeProgram<'_>, bootstrap: &Path) -> Vec<OsString> {
    let mut args: Vec<OsString> = Vec::new();
    let node_args = program.node_args.iter().map(OsString::from);
    if has_imports(program) {
        // Node awaits each --import, and its event loop runs meanwhile. A bootstrap that is loaded
        // before them would evaluate the entry before their hooks are installed.
        args.extend(node_args);
        args.extend(["--import".into(), file_url(bootstrap).into()]);
    } else {
        args.extend(["--require".into(), bootstrap.into()]);
        args.extend(node_args);
    }
    args
}

/// Whether the bootstrap needs Node's internal loader (`--expose-internals`), which it hides again
/// before the domain's code runs.
fn needs_internals_flag(runner: &Runner, node: &NodeRuntime, program: &NodeProgram<'_>) -> bool {
    let loads_modules = matches!(
        runner,
        Runner::TypeScript {
            all_commonjs: false,
            ..
        }
    );
    // Without it, hooks for modules cost a thread and 29 ms. The loaded ES modules are known to the
    // internal loader only.
    (loads_modules && !has_synchronous_hooks(node)) || program.modules.is_some()
}

/// Whether the user has Node import modules before the entry.
fn has_imports(program: &NodeProgram<'_>) -> bool {
    const OPTIONS: [&str; 3] = ["--import", "--loader", "--experimental-loader"];
    let options = program.env.get(OsStr::new("NODE_OPTIONS"));
    let options = options
        .map(|text| text.to_string_lossy())
        .unwrap_or_default();
    options
        .split_ascii_whitespace()
        .chain(program.node_args.iter().map(String::as_str))
        .any(|word| OPTIONS.iter().any(|option| word.starts_with(option)))
}

/// Whether Node has `module.registerHooks`, which was added in 22.15 and 23.5.
pub(super) fn has_synchronous_hooks(node: &NodeRuntime) -> bool {
    if node.version.major() == 23 {
        node.at_least(23, 5)
    } else {
        node.at_least(22, 15)
    }
}

/// Provides the SDK. Returns the directory from which the bootstrap resolves it, if Node does not
/// resolve it by itself.
pub(super) fn provide_sdk(
    program: &NodeProgram<'_>,
    context: &PrepareContext,
) -> (Option<String>, Option<StartWarning>) {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    match context.sdk.provide(program.app_root, &context.cache) {
        SdkLocation::InNodeModules => {
            // Node resolves from the real path of the entry. If that is outside the app, the app's
            // node_modules is not found.
            let root = program.app_root.canonicalize();
            let is_inside = match (program.entry.canonicalize(), root) {
                (Ok(entry), Ok(root)) => entry.starts_with(root),
                _ => true,
            };
            let copy = if is_inside {
                None
            } else {
                context.sdk.cached_dir(&context.cache).ok()
            };
            (copy.as_deref().map(text), None)
        }
        SdkLocation::Fallback(dir, error) => {
            let warning = StartWarning::new(format!(
                "{}: cannot install @fulcrum/domain in {}: {error}; it is loaded from the cache by a \
                 hook, which starts slower and which editors do not find",
                program.name,
                program.app_root.join("node_modules").display()
            ));
            (Some(text(&dir)), Some(warning))
        }
    }
}

/// Whether the entry's text contains `.start(`. An entry that cannot be read is reported by Node.
pub(super) fn mentions_start(entry: &Path) -> bool {
    std::fs::read(entry).is_ok_and(|text| text.windows(7).any(|window| window == b".start("))
}

/// What the bootstrap has to know to load TypeScript.
pub(super) fn typescript_config<'a>(
    program: &NodeProgram<'_>,
    node: &NodeRuntime,
    runner: &'a Runner,
    context: &PrepareContext,
) -> Option<BootstrapTypeScript<'a>> {
    let Runner::TypeScript {
        manifest,
        all_commonjs,
        has_maps,
    } = runner
    else {
        return None;
    };
    let command = context.helper_command.iter();
    let command = command.map(|word| word.to_string_lossy().into_owned());
    Some(BootstrapTypeScript {
        manifest: manifest.to_string_lossy(),
        helper: command
            .chain(helper_options(
                &node_resolution(program, node),
                &context.cache,
            ))
            .collect(),
        commonjs: *all_commonjs,
        maps: *has_maps,
    })
}

pub(super) fn bootstrap_config(
    program: &NodeProgram<'_>,
    ts: Option<BootstrapTypeScript<'_>>,
    starts: bool,
    sdk: Option<String>,
    deferred: Option<String>,
) -> String {
    let config = BootstrapConfig {
        v: 2,
        parent: program.parent,
        entry: program.entry.to_string_lossy(),
        starts,
        ts,
        sdk,
        deferred,
        modules: program.modules.map(Path::to_string_lossy),
    };
    serde_json::to_string(&config).expect("strings and numbers can be serialized")
}
