//! `fulcrum dev`

use fulcrum_config::Mode;

use super::start;
use super::start_args::StartArgs;
use super::targets::TargetArgs;
use super::watch::WatchArgs;
use crate::commands::context::Context;
use crate::exit::CliError;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) targets: TargetArgs,
    #[command(flatten)]
    pub(crate) start: StartArgs,
    #[command(flatten)]
    pub(crate) watch: WatchArgs,
    /// Start with the full-screen view
    #[arg(long, conflicts_with = "detach")]
    pub(crate) tui: bool,
}

pub(crate) fn run(mut args: Args, mut context: Context) -> Result<(), CliError> {
    args.targets
        .apply(&mut args.start.selection, &mut context)?;
    start::run(Mode::Dev, args.start, args.watch, args.tui, context)
}
