//! `fulcrum node`

use std::ffi::OsString;

use fulcrum_spawn::prepare::{NodeCommand, plan_node_command};
use fulcrum_spawn::process::replace_process;

use crate::commands::context::Context;
use crate::error_code::ErrorCode;
use crate::exit::CliError;
use crate::{load, prepare};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Pass these arguments to Node
    #[arg(
        value_name = "ARG",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    args: Vec<OsString>,
}

/// Becomes Node.
pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let root = load::app_root(context.app())?;
    let cwd = std::env::current_dir().map_err(|error| CliError::cannot_run(&error))?;
    let (prepare, cache_warning) = prepare::context()?;
    let command = NodeCommand {
        app_root: &root,
        args: &args.args,
        cwd: &cwd,
        env: std::env::vars_os().collect(),
    };
    let (spec, warnings) = plan_node_command(&command, &prepare).map_err(|error| {
        let hint = error.hint.map(|hint| format!("\n  hint: {hint}"));
        CliError::new(
            ErrorCode::NodeFailed,
            format!("{}{}", error.message, hint.unwrap_or_default()),
        )
    })?;
    let warnings = warnings.iter().map(ToString::to_string);
    for warning in warnings.chain(cache_warning) {
        context.output.eprint(&format!("warning: {warning}"));
    }
    let error = replace_process(&spec);
    Err(CliError::new(
        ErrorCode::NodeFailed,
        format!("cannot run {}: {error}", spec.program.display()),
    ))
}
