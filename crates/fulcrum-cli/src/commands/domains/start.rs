//! `fulcrum domains start`

use super::lifecycle;
use crate::commands::context::Context;
use crate::exit::CliError;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    change: lifecycle::LifecycleArgs,
    /// Do not start dependencies that are stopped
    #[arg(long)]
    no_deps: bool,
}

pub(super) async fn run(args: Args, context: Context) -> Result<(), CliError> {
    lifecycle::run_start(args.change, args.no_deps, context).await
}
