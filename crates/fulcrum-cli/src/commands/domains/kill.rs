//! `fulcrum domains kill`

use fulcrum_rpc::control::change_request::Action;

use super::lifecycle;
use crate::commands::context::Context;
use crate::exit::CliError;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    change: lifecycle::LifecycleArgs,
}

pub(super) async fn run(args: Args, context: Context) -> Result<(), CliError> {
    lifecycle::run(Action::Kill, args.change, context).await
}
