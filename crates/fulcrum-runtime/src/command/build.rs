//! Builds the command of a generation from its domain's settings.

use std::ffi::OsStr;
use std::sync::Arc;

use fulcrum_config::{Domain, Program};
use fulcrum_spawn::prepare::{
    NodeProgram, PrepareContext, StartWarning, plan_command, plan_node, report_file,
};
use fulcrum_spawn::{CommandSpec, StartError};

use crate::command::environment::{EnvironmentBase, environment};
use crate::state::desired::DesiredStateReceiver;

/// What commands are built from, besides the settings of a domain.
#[derive(Clone)]
pub(crate) struct CommandContext {
    pub(crate) environment: Arc<EnvironmentBase>,
    pub(crate) prepare: Arc<PrepareContext>,
    pub(crate) desired: DesiredStateReceiver,
}

/// Builds the command of a generation that presents this token. May block.
///
/// # Errors
/// The domain has no entry point, its program is not found, or its environment cannot be read.
pub(crate) fn build_command(
    domain: &Domain,
    context: &CommandContext,
    token: &str,
) -> Result<(CommandSpec, Vec<StartWarning>), StartError> {
    let base = &context.environment;
    let desired = context.desired.current();
    let env = environment(base, domain, &desired.app.runtime, token)?;
    drop(desired);
    let process = &domain.process;
    match &domain.program {
        Program::Node { entry } => {
            let reports = base.modules.as_ref();
            let report = reports.map(|dir| report_file(dir, &domain.name));
            let program = NodeProgram {
                name: &domain.name,
                entry,
                dir: &domain.dir,
                app_root: &base.app,
                node: process.node.as_deref(),
                node_args: &process.node_args,
                args: &process.args,
                cwd: &process.cwd,
                env,
                parent: std::process::id(),
                modules: report.as_deref(),
            };
            plan_node(&program, &context.prepare)
        }
        Program::Command(argv) => {
            let argv: Vec<String> = argv.iter().chain(&process.args).cloned().collect();
            let path = env.get(OsStr::new("PATH")).cloned().unwrap_or_default();
            plan_command(&argv, &process.cwd, env, &path)
        }
        Program::NoProcess => Err(StartError::permanent(format!(
            "domain {} has no entry point",
            domain.name
        ))
        .hint("add a domain.js or domain.ts, or set process.entry")),
    }
}
