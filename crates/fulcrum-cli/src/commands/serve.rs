//! `fulcrum serve`

use fulcrum_config::Mode;

use super::development::DevelopmentArgs;
use super::start::{self, Foreground};
use super::start_args::StartArgs;
use super::targets::TargetArgs;
use crate::commands::context::Context;
use crate::exit::CliError;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) targets: TargetArgs,
    #[command(flatten)]
    pub(crate) start: StartArgs,
}

pub(crate) fn run(mut args: Args, mut context: Context) -> Result<(), CliError> {
    args.targets
        .apply(&mut args.start.selection, &mut context)?;
    let (development, foreground) = (DevelopmentArgs::default(), Foreground::default());
    start::run(Mode::Serve, args.start, development, foreground, context)
}
