//! `fulcrum run` and `fulcrum test`: a program that is run while the app is.

mod failures;
mod run;
mod signals;

use std::ffi::OsString;
use std::time::Duration;

use super::start_args::SelectionArgs;
use crate::args::duration;
use crate::commands::context::Context;
use crate::commands::executor;
use crate::exit::CliError;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    selection: SelectionArgs,
    /// Wait until all domains are ready, which is always done
    #[arg(long, hide = true)]
    wait: bool,
    /// Set the maximum wait until all domains are ready (0 = no limit)
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "60s")]
    timeout: Duration,
    /// Run this program, with its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// `fulcrum run`
pub(crate) fn run(args: Args, context: Context) -> Result<(), CliError> {
    executor::run_foreground(run::run(args, None, context))
}

/// `fulcrum test`: as `run`, with `NODE_ENV=test` for the domains and the program.
pub(crate) fn test(args: Args, context: Context) -> Result<(), CliError> {
    let is_set = std::env::var_os("NODE_ENV").is_some();
    let node_env = (!is_set).then_some("test");
    executor::run_foreground(run::run(args, node_env, context))
}
