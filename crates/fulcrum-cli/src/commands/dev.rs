//! `fulcrum dev`

use fulcrum_config::Mode;

use super::Context;
use super::start::{self, Start};
use super::watch::Watch;
use crate::exit::Stop;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) start: Start,
    #[command(flatten)]
    pub(crate) watch: Watch,
}

pub(super) fn run(args: Args, context: Context) -> Result<(), Stop> {
    start::run(Mode::Dev, args.start, args.watch, context)
}
