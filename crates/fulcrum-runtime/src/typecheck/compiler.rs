//! Finds the app's TypeScript compiler, and what it has to check.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use fulcrum_config::App;
use fulcrum_spawn::prepare::{NodeRequest, PrepareContext, find_node, plan_command};
use fulcrum_spawn::{CommandSpec, StartError};

const CONFIG: &str = "tsconfig.json";
const COMPILER: &str = "node_modules/typescript/bin/tsc";

/// The directories whose `tsconfig.json` is checked: the app's own, or else those of its domains.
pub(super) fn projects(app: &App) -> Vec<PathBuf> {
    if app.root.join(CONFIG).is_file() {
        return vec![app.root.clone()];
    }
    let domains = app.domains.iter().map(|domain| domain.dir.clone());
    domains.filter(|dir| dir.join(CONFIG).is_file()).collect()
}

/// The command that checks the types of a project until it is stopped.
///
/// # Errors
/// The compiler is not installed, or there is no Node for it.
pub(super) fn command(
    project: &Path,
    app_root: &Path,
    environment: &BTreeMap<OsString, OsString>,
    context: &PrepareContext,
) -> Result<CommandSpec, StartError> {
    let mut compilers = project.ancestors().map(|dir| dir.join(COMPILER));
    let Some(compiler) = compilers.find(|file| file.is_file()) else {
        return Err(StartError::permanent(format!(
            "types are not checked: {} has no TypeScript compiler",
            project.display()
        ))
        .hint("install `typescript` as a development dependency, or leave out --typecheck"));
    };
    let empty = OsString::new();
    let variable = |name: &str| environment.get(OsStr::new(name));
    let path = variable("PATH").unwrap_or(&empty);
    let node = find_node(
        &NodeRequest {
            configured: None,
            domain_dir: project,
            app_root,
            path,
            home: variable("HOME").map(Path::new),
        },
        context,
    )?;
    let runner = node.to_string();
    let options = ["--noEmit", "--watch", "--preserveWatchOutput"];
    let options = options.iter().chain(&["--pretty", "false", "--project"]);
    let mut args = vec![compiler.into_os_string()];
    args.extend(options.map(OsString::from));
    args.push(project.join(CONFIG).into_os_string());
    // A save starts a check and the reload of a domain at the same moment; the reload comes first.
    let nice = ["nice", "-n", "15"].map(str::to_owned);
    let mut command = match plan_command(&nice, project, environment.clone(), path) {
        Ok((mut nice, _)) => {
            nice.args.push(node.path.into_os_string());
            nice
        }
        // A system without it runs the compiler at the usual priority.
        Err(_) => CommandSpec {
            terminal: None,
            program: node.path,
            args: Vec::new(),
            cwd: project.to_path_buf(),
            env: environment.clone(),
            runner: String::new(),
        },
    };
    command.runner = runner;
    command.args.extend(args);
    Ok(command)
}
