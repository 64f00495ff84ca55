//! `fulcrum dev`

use fulcrum_config::Mode;

use super::Context;
use super::start::{self, Start};
use crate::exit::Stop;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) start: Start,
    /// Restart domains when their files change
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) watch: Option<bool>,
}

pub(super) fn run(args: Args, context: Context) -> Result<(), Stop> {
    if args.watch == Some(true) {
        context.output.say(
            "fulcrum: hot reload is not available in this version; restart a domain with `fulcrum domains restart NAME`",
        );
    }
    start::run(Mode::Dev, args.start, context)
}
