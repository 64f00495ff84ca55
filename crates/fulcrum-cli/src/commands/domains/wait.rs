//! `fulcrum domains wait`

use std::time::Duration;

use clap::ValueEnum;
use fulcrum_rpc::control::outcome::Kind;
use fulcrum_rpc::control::wait_request::Condition;
use fulcrum_rpc::control::{Outcome, WaitRequest};
use fulcrum_runtime::format::format_duration;
use tokio::time::Instant;

use super::result::{self, Format};
use crate::args::duration;
use crate::client;
use crate::commands::context::Context;
use crate::exit::CliError;

/// How long domains may take by default.
const DEFAULT_WAIT: Duration = Duration::from_secs(60);

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Select domains by name, glob, or `all` [default: all]
    #[arg(value_name = "NAME|GLOB|all")]
    names: Vec<String>,
    /// Choose the state to wait for
    #[arg(long = "for", value_enum, default_value = "ready")]
    condition: WaitCondition,
    /// Set the maximum wait, also for an instance (0 = no limit) [default: 60s for a running one]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    timeout: Option<Duration>,
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
    let started = Instant::now();
    // Without an instance, domains are stopped: that is told at once.
    let limit = args
        .timeout
        .filter(|_| args.condition != WaitCondition::Stopped);
    let client = client::connect_within(context.app(), limit).await?;
    let timeout = args.timeout.unwrap_or(DEFAULT_WAIT);
    let left = match timeout {
        Duration::ZERO => Duration::ZERO,
        // 0 would be no limit.
        timeout => timeout
            .saturating_sub(started.elapsed())
            .max(Duration::from_millis(1)),
    };
    let condition = match args.condition {
        WaitCondition::Ready => Condition::Ready,
        WaitCondition::Running => Condition::Running,
        WaitCondition::Stopped => Condition::Stopped,
        WaitCondition::Completed => Condition::Completed,
    };
    let request = WaitRequest {
        domains: args.names.clone(),
        condition: condition.into(),
        timeout_ms: duration::to_millis(left),
    };
    let progress = client.wait(request).await.map_err(client::control_error)?;
    let outcome = client::wait_for_outcome(progress, &context.output).await?;
    let outcome = match outcome.kind() {
        Kind::TimedOut => Outcome {
            message: format!(
                "not {} after {}: {}",
                condition_name(args.condition),
                format_duration(timeout),
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
