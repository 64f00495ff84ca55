//! `fulcrum domains stop`

use fulcrum_rpc::control::change_request::Action;

use super::lifecycle;
use crate::commands::context::Context;
use crate::exit::CliError;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    change: lifecycle::LifecycleArgs,
    /// Send SIGKILL instead of the stop signal
    #[arg(long)]
    force: bool,
}

pub(super) async fn run(args: Args, context: Context) -> Result<(), CliError> {
    let action = if args.force {
        Action::Kill
    } else {
        Action::Stop
    };
    lifecycle::run(action, args.change, context).await
}
