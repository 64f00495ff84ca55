//! Shared by `start`, `stop`, `restart` and `run`.

use std::time::Duration;

use fulcrum_rpc::control::ChangeRequest;
use fulcrum_rpc::control::change_request::Action;

use super::result::{self, Format};
use crate::args::duration;
use crate::client;
use crate::commands::context::Context;
use crate::exit::CliError;

#[derive(Debug, clap::Args)]
pub(crate) struct LifecycleArgs {
    /// Select domains by name, glob, or `all`
    #[arg(required = true, value_name = "NAME|GLOB|all")]
    pub(super) names: Vec<String>,
    /// Do not wait for the outcome
    #[arg(long)]
    pub(super) no_wait: bool,
    /// Set the maximum wait (0 = no limit)
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "60s")]
    pub(super) timeout: Duration,
    /// Choose the output format
    #[arg(short, long, value_enum, default_value = "table")]
    pub(super) output: Format,
}

pub(super) async fn run(
    action: Action,
    args: LifecycleArgs,
    context: Context,
) -> Result<(), CliError> {
    change(action, args, false, context).await
}

/// Starts domains; without `no_deps` also their dependencies, as far as they are stopped.
pub(super) async fn run_start(
    args: LifecycleArgs,
    no_deps: bool,
    context: Context,
) -> Result<(), CliError> {
    change(Action::Start, args, no_deps, context).await
}

async fn change(
    action: Action,
    args: LifecycleArgs,
    no_deps: bool,
    context: Context,
) -> Result<(), CliError> {
    let client = context.connect().await?;
    let request = ChangeRequest {
        action: action.into(),
        domains: args.names.clone(),
        no_wait: args.no_wait,
        timeout_ms: duration::to_millis(args.timeout),
        no_deps,
    };
    let progress = client
        .change(request)
        .await
        .map_err(client::control_error)?;
    let outcome = client::wait_for_outcome(progress, &context.output).await?;
    result::print_outcome(&client, outcome, &args.names, args.output, &context.output).await
}
