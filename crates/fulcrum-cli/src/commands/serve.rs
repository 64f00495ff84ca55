//! `fulcrum serve`

use fulcrum_config::Mode;

use super::Context;
use super::start::{self, StartArgs};
use super::watch::WatchArgs;
use crate::exit::CliError;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) start: StartArgs,
}

pub(super) fn run(args: Args, context: Context) -> Result<(), CliError> {
    start::run(Mode::Serve, args.start, WatchArgs::default(), context)
}
