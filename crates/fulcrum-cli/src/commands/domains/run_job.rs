//! `fulcrum domains run`

use std::time::Duration;

use fulcrum_rpc::control::change_request::Action;

use super::lifecycle::{self, LifecycleArgs};
use super::result::Format;
use crate::args::duration;
use crate::commands::context::Context;
use crate::exit::CliError;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Select jobs by name, glob, or `all`
    #[arg(required = true, value_name = "NAME|GLOB|all")]
    names: Vec<String>,
    /// Do not wait for the end of the run
    #[arg(long)]
    no_wait: bool,
    /// Set the maximum wait (0 = no limit)
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "0")]
    timeout: Duration,
    /// Choose the output format
    #[arg(short, long, value_enum, default_value = "table")]
    output: Format,
}

pub(super) async fn run(args: Args, context: Context) -> Result<(), CliError> {
    let change = LifecycleArgs {
        names: args.names,
        no_wait: args.no_wait,
        timeout: args.timeout,
        output: args.output,
    };
    lifecycle::run(Action::Run, change, context).await
}
