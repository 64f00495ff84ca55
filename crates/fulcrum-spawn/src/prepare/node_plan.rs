//! The command line and environment of a Node program.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use serde::Serialize;

use super::command_plan::check_cwd;
use super::context::PrepareContext;
use super::node::find::{NodeRequest, NodeRuntime, find_node};
use super::node_program::NodeProgram;
use super::runner::{Runner, choose_runner};
use super::sdk_install::SdkLocation;
use super::sdk_preload::sdk_loads_first;
use super::tsx::file_url;
use super::warning::StartWarning;
use crate::{CommandSpec, StartError};

/// The variable in which the bootstrap finds what it is told.
pub(super) const BOOTSTRAP: &str = "FULCRUM_BOOTSTRAP";

/// What the bootstrap is told through `FULCRUM_BOOTSTRAP`.
#[derive(Serialize)]
struct BootstrapConfig<'a> {
    v: u32,
    parent: u32,
    entry: std::borrow::Cow<'a, str>,
    /// The entry's text says `.start(`, so most likely it starts itself.
    starts: bool,
    ts: Option<BootstrapTypes<'a>>,
    sdk: Option<String>,
    /// The bootstrap's URL, where it isn't preloaded: the SDK loads it later.
    #[serde(skip_serializing_if = "Option::is_none")]
    later: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    modules: Option<std::borrow::Cow<'a, str>>,
}

#[derive(Serialize)]
struct BootstrapTypes<'a> {
    manifest: std::borrow::Cow<'a, str>,
    strip: Vec<std::borrow::Cow<'a, str>>,
    commonjs: bool,
}

/// Makes the command that runs a Node program: Node itself, never `npm`, `npx`, a shim or a shell.
///
/// Finds the Node ([`find_node`]), chooses the runner ([`choose_runner`]), makes the SDK resolvable
/// ([`Sdk::provide`](crate::prepare::Sdk::provide)) and writes what the bootstrap needs into the cache. On a
/// warm cache nothing is run and nothing parsed.
///
/// # Errors
/// Everything that keeps the program from running and can be known before: see the functions named.
pub fn plan_node(
    program: &NodeProgram<'_>,
    toolbox: &PrepareContext,
) -> Result<(CommandSpec, Vec<StartWarning>), StartError> {
    check_cwd(program.cwd)?;
    let empty = OsString::new();
    let variable = |name: &str| program.env.get(OsStr::new(name));
    let request = NodeRequest {
        configured: program.node,
        domain_dir: program.dir,
        app_root: program.app_root,
        path: variable("PATH").unwrap_or(&empty),
        home: variable("HOME").map(Path::new),
    };
    let node = find_node(&request, toolbox)?;
    let (runner, mut notices) = choose_runner(program, &node, toolbox)?;
    let bootstrap = toolbox.sdk.bootstrap(&toolbox.cache).map_err(|error| {
        let cache = toolbox.cache.display();
        StartError::transient(format!(
            "{}: the cache folder {cache} can't be written: {error}",
            program.name
        ))
        .hint("make room or correct its permissions, or set XDG_CACHE_HOME to another folder")
    })?;
    let (sdk, sdk_notice) = provide_sdk(program, toolbox);
    notices.extend(sdk_notice);
    let starts = mentions_start(program.entry);
    // An entry that doesn't start itself is looked at as soon as it is evaluated: preloading is
    // the quickest way to do that.
    let later = (starts
        && sdk.is_none()
        && sdk_loads_first(&toolbox.sdk, program, &runner, &toolbox.cache))
    .then(|| file_url(&bootstrap));
    let mut args = Vec::new();
    if needs_internals_flag(&runner, &node, program) {
        args.push("--expose-internals".into());
    }
    if later.is_none() {
        args.extend(preloads(&runner, program, &bootstrap));
    }
    let mut env = program.env.clone();
    env.insert(
        BOOTSTRAP.into(),
        bootstrap_config(program, &runner, toolbox, starts, sdk, later).into(),
    );
    if node.at_least(22, 1)
        && variable("NODE_COMPILE_CACHE").is_none()
        && variable("NODE_DISABLE_COMPILE_CACHE").is_none()
    {
        env.insert(
            "NODE_COMPILE_CACHE".into(),
            toolbox.cache.join("compile").into_os_string(),
        );
    }
    args.push(program.entry.into());
    args.extend(program.args.iter().map(OsString::from));
    let how = match &runner {
        Runner::JavaScript => "",
        Runner::NativeTypes => ", types stripped by node",
        Runner::StrippedTypes { .. } => ", types stripped by fulcrum",
        Runner::Tsx { .. } => ", by tsx",
    };
    let description = format!("{node}{how}");
    let cwd = program.cwd.to_path_buf();
    Ok((
        CommandSpec {
            program: node.path,
            args,
            cwd,
            env,
            runner: description,
        },
        notices,
    ))
}

/// What stands before the entry: what Node loads ahead of it, and the user's `node_args`.
fn preloads(runner: &Runner, program: &NodeProgram<'_>, bootstrap: &Path) -> Vec<OsString> {
    let mut args: Vec<OsString> = Vec::new();
    let import = |path: &Path| ["--import".into(), file_url(path).into()];
    let own = program.node_args.iter().map(OsString::from);
    match runner {
        // Node awaits what it is told to --import, and its event loop turns meanwhile: a bootstrap
        // loaded ahead of that would look at the entry before hooks and instruments are there.
        Runner::Tsx { loader } => {
            args.extend(own);
            args.extend(import(loader));
            args.extend(import(bootstrap));
        }
        _ if imports(program) => {
            args.extend(own);
            args.extend(import(bootstrap));
        }
        Runner::JavaScript | Runner::NativeTypes | Runner::StrippedTypes { .. } => {
            args.extend(["--require".into(), bootstrap.into()]);
            args.extend(own);
        }
    }
    args
}

/// Whether the bootstrap needs Node's own loader, which it hides again before the domain's code runs.
fn needs_internals_flag(runner: &Runner, node: &NodeRuntime, program: &NodeProgram<'_>) -> bool {
    let modules = matches!(
        runner,
        Runner::StrippedTypes {
            all_commonjs: false,
            ..
        }
    );
    // Without it a module loader costs a thread and 29 ms, and which ES modules are loaded is known
    // to nobody else.
    (modules && !has_synchronous_hooks(node)) || program.modules.is_some()
}

/// Whether the user has Node load modules ahead of the entry.
fn imports(program: &NodeProgram<'_>) -> bool {
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

/// `module.registerHooks` came with 22.15 and 23.5.
fn has_synchronous_hooks(node: &NodeRuntime) -> bool {
    if node.version.major() == 23 {
        node.at_least(23, 5)
    } else {
        node.at_least(22, 15)
    }
}

/// Where the bootstrap has to find the SDK, if Node can't by itself.
fn provide_sdk(
    program: &NodeProgram<'_>,
    toolbox: &PrepareContext,
) -> (Option<String>, Option<StartWarning>) {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    match toolbox.sdk.provide(program.app_root, &toolbox.cache) {
        SdkLocation::InNodeModules => {
            // Node looks from where the entry really is; behind a link out of the app it doesn't
            // pass the app's node_modules.
            let root = program.app_root.canonicalize();
            let inside = match (program.entry.canonicalize(), root) {
                (Ok(entry), Ok(root)) => entry.starts_with(root),
                _ => true,
            };
            let copy = if inside {
                None
            } else {
                toolbox.sdk.folder(&toolbox.cache).ok()
            };
            (copy.as_deref().map(text), None)
        }
        SdkLocation::Fallback(folder, error) => {
            let notice = StartWarning::new(format!(
                "{}: @fulcrum/domain can't be put into {}: {error}; domains get a copy by a loader hook, \
                 which starts slower and which editors don't see",
                program.name,
                program.app_root.join("node_modules").display()
            ));
            (Some(text(&folder)), Some(notice))
        }
    }
}

/// Whether the entry's text says that it starts something; what can't be read, Node will complain
/// about.
fn mentions_start(entry: &Path) -> bool {
    std::fs::read(entry).is_ok_and(|text| text.windows(7).any(|window| window == b".start("))
}

fn bootstrap_config(
    program: &NodeProgram<'_>,
    runner: &Runner,
    toolbox: &PrepareContext,
    starts: bool,
    sdk: Option<String>,
    later: Option<String>,
) -> String {
    let ts = match runner {
        Runner::StrippedTypes {
            manifest,
            all_commonjs,
        } => Some(BootstrapTypes {
            manifest: manifest.to_string_lossy(),
            strip: toolbox
                .strip_command
                .iter()
                .map(|word| word.to_string_lossy())
                .collect(),
            commonjs: *all_commonjs,
        }),
        Runner::JavaScript | Runner::NativeTypes | Runner::Tsx { .. } => None,
    };
    let entry = program.entry.to_string_lossy();
    let bootstrap = BootstrapConfig {
        v: 1,
        parent: program.parent,
        entry,
        starts,
        ts,
        sdk,
        later,
        modules: program.modules.map(Path::to_string_lossy),
    };
    serde_json::to_string(&bootstrap).expect("texts and numbers can be written as JSON")
}
