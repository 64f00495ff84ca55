//! `fulcrum domains wait`

use std::time::Duration;

use clap::ValueEnum;
use fulcrum_rpc::control::outcome::Kind;
use fulcrum_rpc::control::wait_request::Condition;
use fulcrum_rpc::control::{Outcome, WaitRequest};
use fulcrum_runtime::format::format_duration;

use super::result::{self, Format};
use crate::args::duration;
use crate::client;
use crate::commands::context::Context;
use crate::exit::CliError;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Select domains by name, glob, or `all` [default: all]
    #[arg(value_name = "NAME|GLOB|all")]
    names: Vec<String>,
    /// Choose the state to wait for
    #[arg(long = "for", value_enum, default_value = "ready")]
    condition: WaitCondition,
    /// Set the maximum wait (0 = no limit)
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "60s")]
    timeout: Duration,
    /// Choose the output format
    #[arg(short, long, value_enum, default_value = "table")]
    output: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum WaitCondition {
    Ready,
    Running,
    Stopped,
    Completed,
}

pub(super) async fn run(args: Args, context: Context) -> Result<(), CliError> {
    let client = context.connect().await?;
    let condition = match args.condition {
        WaitCondition::Ready => Condition::Ready,
        WaitCondition::Running => Condition::Running,
        WaitCondition::Stopped => Condition::Stopped,
        WaitCondition::Completed => Condition::Completed,
    };
    let request = WaitRequest {
        domains: args.names.clone(),
        condition: condition.into(),
        timeout_ms: duration::to_millis(args.timeout),
    };
    let progress = client.wait(request).await.map_err(client::control_error)?;
    let outcome = client::wait_for_outcome(progress, &context.output).await?;
    let outcome = match outcome.kind() {
        Kind::TimedOut => Outcome {
            message: format!(
                "not {} after {}: {}",
                condition_name(args.condition),
                format_duration(args.timeout),
                outcome.message
            ),
            ..outcome
        },
        _ => outcome,
    };
    result::print_outcome(&client, outcome, &args.names, args.output, &context.output).await
}

fn condition_name(condition: WaitCondition) -> &'static str {
    match condition {
        WaitCondition::Ready => "ready",
        WaitCondition::Running => "running",
        WaitCondition::Stopped => "stopped",
        WaitCondition::Completed => "completed",
    }
}
