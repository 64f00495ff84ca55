//! The command line of Node for a program that is no domain, such as a test runner.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use super::context::PrepareContext;
use super::install::pnp;
use super::node::find::find_node;
use super::node_plan::{
    BOOTSTRAP_VAR, bootstrap_config, has_synchronous_hooks, own_environment, provide_sdk,
    typescript_config, uses_compile_cache, write_bootstrap,
};
use super::node_program::NodeProgram;
use super::runner::Runner;
use super::warning::StartWarning;
use crate::{CommandSpec, StartError};

/// Node with any arguments, in an app. All paths are absolute.
#[derive(Debug, Clone)]
pub struct NodeCommand<'a> {
    /// The app's root, whose version of Node is used.
    pub app_root: &'a Path,
    /// The arguments of Node, and of what it runs.
    pub args: &'a [OsString],
    /// The working directory.
    pub cwd: &'a Path,
    /// The whole environment; a Node is looked up in its `PATH` and `HOME`.
    pub env: BTreeMap<OsString, OsString>,
}

/// Plans the command of Node as domains are run: with the app's version of it, TypeScript and
/// `@fulcrum/domain`, in this process and in those that it starts. Nothing is compiled in advance, as it
/// is not known what will be loaded.
///
/// # Errors
/// No suitable Node is found, or the cache cannot be written.
pub fn plan_node_command(
    command: &NodeCommand<'_>,
    context: &PrepareContext,
) -> Result<(CommandSpec, Vec<StartWarning>), StartError> {
    let program = NodeProgram {
        name: "fulcrum node",
        // No file: a process recognizes itself as the domain by its entry, and none is to.
        entry: command.app_root,
        dir: command.app_root,
        app_root: command.app_root,
        node: None,
        node_args: &[],
        args: &[],
        cwd: command.cwd,
        env: command.env.clone(),
        modules: None,
        parent: 0,
    };
    let node = find_node(&program.node_request(), context)?;
    let pnp_options = pnp::node_options(program.dir);
    let program = NodeProgram {
        env: own_environment(&program, &node, pnp_options.as_deref(), context),
        ..program
    };
    let bootstrap = write_bootstrap(&program, context)?;
    let (sdk, warning) = if pnp_options.is_some() {
        let dir = context.sdk.cached_dir(&context.cache).ok();
        (dir.map(|dir| dir.to_string_lossy().into_owned()), None)
    } else {
        provide_sdk(&program, context)
    };
    let runner = Runner::TypeScript {
        // The bootstrap asks for every file.
        manifest: context.cache.join("no-manifest"),
        all_commonjs: false,
        has_maps: true,
    };
    let mut args: Vec<OsString> = Vec::new();
    if !has_synchronous_hooks(&node) {
        args.push("--expose-internals".into());
    }
    args.extend(["--require".into(), bootstrap.into()]);
    args.extend(command.args.iter().cloned());
    let ts = typescript_config(&program, &node, &runner, context);
    let mut env = program.env.clone();
    let config = bootstrap_config(&program, ts, false, sdk, None);
    env.insert(BOOTSTRAP_VAR.into(), config.into());
    if uses_compile_cache(&program, &node) {
        env.insert(
            "NODE_COMPILE_CACHE".into(),
            context.cache.join("compile").into(),
        );
    }
    let spec = CommandSpec {
        terminal: None,
        runner: node.to_string(),
        program: node.path,
        args,
        cwd: command.cwd.to_path_buf(),
        env,
    };
    Ok((spec, node.warning.into_iter().chain(warning).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_follow_the_preload_and_the_package_is_there() {
        let app = tempfile::tempdir().unwrap();
        let cache = tempfile::tempdir().unwrap();
        let root = app.path().canonicalize().unwrap();
        let context = PrepareContext::new(cache.path(), vec!["fulcrum".into()]);
        let args = ["--test".into(), "a b.test.ts".into()];
        let command = NodeCommand {
            app_root: &root,
            args: &args,
            cwd: &root,
            env: std::env::vars_os().collect(),
        };
        let (spec, warnings) = plan_node_command(&command, &context).unwrap();
        assert_eq!(warnings, []);
        assert!(spec.args.ends_with(&args), "{:?}", spec.args);
        assert!(spec.args.contains(&"--require".into()));
        assert!(
            root.join("node_modules/@fulcrum/domain/dist/testing.mjs")
                .is_file()
        );
        let config = spec.env[std::ffi::OsStr::new(BOOTSTRAP_VAR)].to_string_lossy();
        assert!(config.contains(r#""helper":["fulcrum""#), "{config}");
    }
}
