//! `fulcrum domains restart`

use fulcrum_rpc::control::change_request::Action;

use super::{Context, change};
use crate::exit::Stop;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    change: change::Change,
}

pub(super) async fn run(args: Args, context: Context) -> Result<(), Stop> {
    change::run(Action::Restart, args.change, context).await
}
