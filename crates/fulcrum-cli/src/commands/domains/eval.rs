//! `fulcrum domains eval`

use std::time::Duration;

use clap::ValueEnum;
use fulcrum_rpc::control::EvalRequest;
use serde::Serialize;

use crate::args::duration;
use crate::client;
use crate::commands::context::Context;
use crate::error_code::ErrorCode;
use crate::exit::CliError;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Name the domain
    name: String,
    /// Pass a JavaScript expression; `await` and `require` work as in Node's REPL
    #[arg(allow_hyphen_values = true)]
    expression: String,
    /// Set the maximum time for the value (0 = no limit)
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "10s")]
    timeout: Duration,
    /// Choose the output format
    #[arg(short, long, value_enum, default_value = "text")]
    output: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// As Node's REPL prints the value
    #[value(alias = "table")]
    Text,
    /// The value as JSON; null if it has no JSON text
    Json,
}

/// A failure as JSON.
#[derive(Debug, Serialize)]
struct ErrorJson {
    error: String,
}

pub(super) async fn run(args: Args, context: Context) -> Result<(), CliError> {
    let output = &context.output;
    let client = context.connect().await?;
    let request = EvalRequest {
        domain: args.name,
        expression: args.expression,
        timeout_ms: duration::to_millis(args.timeout),
    };
    let value = client.eval(request).await.map_err(client::control_error)?;
    if !value.success {
        if args.output == Format::Json {
            output.json(&ErrorJson {
                error: value.text.clone(),
            })?;
        }
        return Err(CliError::new(ErrorCode::ExpressionFailed, value.text));
    }
    match args.output {
        Format::Text => output.data(format!("{}\n", value.text).as_bytes()),
        Format::Json => {
            let json: serde_json::Value = serde_json::from_str(&value.json).unwrap_or_default();
            output.json(&json)
        }
    }
}
