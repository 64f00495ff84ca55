//! `fulcrum domains stop`

use fulcrum_rpc::control::change_request::Action;

use super::{Context, change};
use crate::exit::Stop;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    change: change::Change,
    /// Kill them instead of asking them to end
    #[arg(long)]
    force: bool,
}

pub(super) async fn run(args: Args, context: Context) -> Result<(), Stop> {
    let action = if args.force {
        Action::Kill
    } else {
        Action::Stop
    };
    change::run(action, args.change, context).await
}
