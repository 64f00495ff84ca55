//! `fulcrum dev`

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
    #[command(flatten)]
    pub(crate) development: DevelopmentArgs,
    /// Start with the full-screen view
    #[arg(long, conflicts_with = "detach")]
    pub(crate) tui: bool,
    /// Fail with code 10 as soon as a domain fails for good, without watching files
    #[arg(long, conflicts_with_all = ["detach", "tui"])]
    pub(crate) ci: bool,
}

pub(crate) fn run(mut args: Args, mut context: Context) -> Result<(), CliError> {
    args.targets
        .apply(&mut args.start.selection, &mut context)?;
    let foreground = Foreground {
        tui: args.tui,
        ci: args.ci,
    };
    if args.ci {
        args.development.watch.watch.get_or_insert(false);
    }
    start::run(Mode::Dev, args.start, args.development, foreground, context)
}
