//! Builds the command of a generation from its domain's settings.

use std::ffi::OsStr;
use std::sync::Arc;

use fulcrum_config::{Domain, JsRuntime, Program};
use fulcrum_logs::FULCRUM_SOURCE;
use fulcrum_spawn::prepare::{
    Environment, NodeProgram, OtherRuntime, PrepareContext, StartWarning, command_runs_javascript,
    plan_command, plan_node, plan_other_runtime, report_file,
};
use fulcrum_spawn::{CommandSpec, StartError};

use crate::command::environment::{EnvironmentBase, ForProcess, environment};
use crate::state::desired::DesiredStateReceiver;
use crate::state::inspect::Inspectors;

/// What commands are built from, besides the settings of a domain.
#[derive(Clone)]
pub(crate) struct CommandContext {
    pub(crate) environment: Arc<EnvironmentBase>,
    pub(crate) prepare: Arc<PrepareContext>,
    pub(crate) desired: DesiredStateReceiver,
    /// The domains that are started with an inspector.
    pub(crate) inspectors: Inspectors,
}

/// Builds the command of a generation. May block.
///
/// # Errors
/// The domain has no entry point, its program is not found, or its environment cannot be read.
pub(crate) fn build_command(
    domain: &Domain,
    context: &CommandContext,
    process: ForProcess<'_>,
) -> Result<(CommandSpec, Vec<StartWarning>), StartError> {
    let base = &context.environment;
    let desired = context.desired.current();
    let env = environment(base, domain, &desired.app, process)?;
    let terminal = domain.process.tty.then(|| {
        let names = desired.app.domains.iter().map(|domain| &*domain.name);
        let columns = names.chain([FULCRUM_SOURCE]).map(str::len).max();
        base.terminal_size(columns.unwrap_or_default())
    });
    drop(desired);
    let (spec, warnings) = plan(domain, context, env)?;
    Ok((CommandSpec { terminal, ..spec }, warnings))
}

fn plan(
    domain: &Domain,
    context: &CommandContext,
    env: Environment,
) -> Result<(CommandSpec, Vec<StartWarning>), StartError> {
    let base = &context.environment;
    let process = &domain.process;
    // After the domain's own flags: of two addresses, Node takes the last.
    let inspect = context.inspectors.flag(domain)?;
    match &domain.program {
        Program::Node { entry } => {
            let reports = base.modules.as_ref();
            let report = reports.map(|dir| report_file(dir, &domain.name));
            let node_args = process.node_args.iter().cloned();
            let node_args: Vec<String> = node_args.chain(inspect).collect();
            let program = NodeProgram {
                name: &domain.name,
                entry,
                dir: &domain.dir,
                app_root: &base.app,
                node: process.node.as_deref(),
                node_args: &node_args,
                args: &process.args,
                cwd: &process.cwd,
                env,
                parent: std::process::id(),
                modules: report.as_deref(),
            };
            match other_runtime(process.runtime) {
                None => plan_node(&program, &context.prepare),
                Some(other) => plan_other_runtime(&program, other, &context.prepare),
            }
        }
        Program::Command(argv) => {
            let mut argv: Vec<String> = argv.iter().chain(&process.args).cloned().collect();
            if let Some(flag) = inspect {
                argv.insert(1, flag);
            }
            let path = env.get(OsStr::new("PATH")).cloned().unwrap_or_default();
            if command_runs_javascript(&argv) {
                // Where it cannot be written, the program says that it finds no such package.
                let _location = context
                    .prepare
                    .sdk
                    .provide(&base.app, &context.prepare.cache);
            }
            plan_command(&argv, &process.cwd, env, &path)
        }
        Program::NoProcess => Err(StartError::permanent(format!(
            "domain {} has no entry point",
            domain.name
        ))
        .hint("add a domain.js or domain.ts, or set process.entry")),
    }
}

/// The runtime of the preparation; `None` for Node.
pub(crate) fn other_runtime(runtime: JsRuntime) -> Option<OtherRuntime> {
    match runtime {
        JsRuntime::Node => None,
        JsRuntime::Bun => Some(OtherRuntime::Bun),
        JsRuntime::Deno => Some(OtherRuntime::Deno),
    }
}
