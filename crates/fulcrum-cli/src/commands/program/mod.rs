//! `fulcrum run` and `fulcrum test`: a program that is run while the app is.

mod args;
mod failures;
mod run;
mod signals;

use crate::commands::context::Context;
use crate::commands::executor;
use crate::exit::CliError;

pub(crate) use args::Args;

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
