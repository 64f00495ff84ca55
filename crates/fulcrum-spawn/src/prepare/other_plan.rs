//! The command line and environment of a program that Bun or Deno runs.

use std::ffi::OsString;

use serde_json::json;

use super::command_plan::check_cwd;
use super::context::PrepareContext;
use super::node::other::find_runtime;
use super::node::other_runtime::OtherRuntime;
use super::node_plan::mentions_start;
use super::node_program::NodeProgram;
use super::sdk_install::SdkLocation;
use super::warning::StartWarning;
use crate::{CommandSpec, StartError};

/// The variable with the configuration of the preload, as JSON.
const PRELOAD_VAR: &str = "FULCRUM_PRELOAD";

/// Plans the command of a program that Bun or Deno runs. Types are left to the runtime. A preload starts
/// the class of an entry that only exports one, as with Node.
///
/// # Errors
/// The runtime is not found or is another program, the working directory is missing, or the cache
/// cannot be written.
pub fn plan_other_runtime(
    program: &NodeProgram<'_>,
    runtime: OtherRuntime,
    context: &PrepareContext,
) -> Result<(CommandSpec, Vec<StartWarning>), StartError> {
    check_cwd(program.cwd)?;
    let found = find_runtime(runtime, &program.node_request(), context)?;
    let preload = context.sdk.preload(&context.cache);
    let preload = preload.map_err(|error| program.cache_error(&context.cache, &error))?;
    let location = context.sdk.provide(program.app_root, &context.cache);
    let warnings = match location {
        SdkLocation::InNodeModules => Vec::new(),
        SdkLocation::Fallback(_, error) => vec![StartWarning::new(format!(
            "{}: cannot install @fulcrum/domain in {}: {error}; {runtime} finds it only there",
            program.name,
            program.app_root.join("node_modules").display()
        ))],
    };
    let mut args: Vec<OsString> = match runtime {
        OtherRuntime::Bun => vec!["--preload".into(), preload.into()],
        // Packages are those of `node_modules`, and a domain may do what it may do with Node.
        OtherRuntime::Deno => vec![
            "run".into(),
            "--allow-all".into(),
            "--node-modules-dir=manual".into(),
            "--preload".into(),
            preload.into(),
        ],
    };
    args.extend(program.node_args.iter().map(OsString::from));
    args.push(program.entry.into());
    args.extend(program.args.iter().map(OsString::from));
    let mut env = program.env.clone();
    let config = json!({
        "entry": program.entry.to_string_lossy(),
        "starts": mentions_start(program.entry),
    });
    env.insert(PRELOAD_VAR.into(), config.to_string().into());
    let spec = CommandSpec {
        terminal: None,
        runner: found.to_string(),
        program: found.path,
        args,
        cwd: program.cwd.to_path_buf(),
        env,
    };
    Ok((spec, warnings))
}
