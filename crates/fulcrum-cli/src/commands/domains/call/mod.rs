//! `fulcrum domains call`

mod payload;
mod repeat;
mod types;

use std::num::NonZeroU32;
use std::time::Duration;

use clap::ValueEnum;
use fulcrum_rpc::ControlClient;
use fulcrum_rpc::control::{CallRequest, CallResponse};
use serde::Serialize;

use crate::args::duration;
use crate::client;
use crate::commands::context::Context;
use crate::error_code::ErrorCode;
use crate::exit::{CliError, Code};
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Name the domain
    name: String,
    /// Name the message type, such as order_create_request; without one, list those that the domain
    /// handles
    #[arg(value_name = "TYPE")]
    kind: Option<String>,
    /// Pass the payload as JSON; `@FILE` reads a file, `-` standard input
    #[arg(value_name = "JSON", allow_negative_numbers = true)]
    pub(crate) payload: Option<String>,
    /// Set the maximum time for the response, or for each part of it [default:
    /// runtime.grpc.call_timeout]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    timeout: Option<Duration>,
    /// Fail at once if the domain is starting or restarting
    #[arg(long)]
    no_wait: bool,
    /// Print the parts of a response as they arrive
    #[arg(long, conflicts_with = "repeat")]
    stream: bool,
    /// Make N calls and print rate, response times and outcomes
    #[arg(long, value_name = "N")]
    repeat: Option<NonZeroU32>,
    /// Make C calls at a time [default: 1]
    #[arg(long, value_name = "C", requires = "repeat")]
    concurrency: Option<NonZeroU32>,
    /// Choose the output format
    #[arg(short, long, value_enum, default_value = "payload")]
    output: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The payload of the response, unchanged
    #[value(alias = "table")]
    Payload,
    /// {"type", "payload", "success", "error"}
    Json,
}

#[derive(Debug, Serialize)]
struct ResponseJson {
    r#type: String,
    payload: serde_json::Value,
    success: bool,
    error: String,
}

pub(super) async fn run(args: Args, context: Context) -> Result<(), CliError> {
    let json = args.output == Format::Json;
    let Some(type_) = args.kind else {
        let client = context.connect().await?;
        return types::print(&client, &args.name, json, &context.output).await;
    };
    let payload = payload::read(args.payload.as_deref())?;
    let client = context.connect().await?;
    let request = CallRequest {
        domain: args.name,
        r#type: type_,
        payload,
        timeout_ms: args.timeout.map_or(0, duration::to_millis),
        no_wait: args.no_wait,
    };
    if let Some(times) = args.repeat {
        let concurrency = args.concurrency.map_or(1, NonZeroU32::get);
        let report = repeat::run(&client, &request, times.get(), concurrency).await?;
        return repeat::print(&report, json, &context.output);
    }
    if args.stream {
        return print_parts(&client, request, args.output, &context.output).await;
    }
    let (domain, type_) = (request.domain.clone(), request.r#type.clone());
    let response = client.call(request).await.map_err(client::control_error)?;
    match print(response, args.output, &context.output) {
        Err(mut failed) if failed.code == Code::Failed => {
            let hint = types::hint(&client, &domain, &type_).await;
            failed.message.push_str(&hint);
            Err(failed)
        }
        printed => printed,
    }
}

/// Prints each part as soon as it arrives.
async fn print_parts(
    client: &ControlClient,
    request: CallRequest,
    format: Format,
    output: &Output,
) -> Result<(), CliError> {
    let parts = client.call_stream(request).await;
    let mut parts = parts.map_err(client::control_error)?;
    while let Some(part) = parts.next().await {
        print(part.map_err(client::control_error)?, format, output)?;
    }
    Ok(())
}

fn print(response: CallResponse, format: Format, output: &Output) -> Result<(), CliError> {
    let CallResponse {
        r#type,
        payload,
        success,
        error,
    } = response;
    match format {
        Format::Json => {
            // A domain can return anything. What is not JSON is printed as a string.
            let payload = serde_json::from_str(&payload).unwrap_or_else(|_| payload.into());
            output.json(&ResponseJson {
                r#type,
                payload,
                success,
                error: error.clone(),
            })?;
        }
        // The payload of Fulcrum's own failures only repeats the error, with a code.
        Format::Payload if payload.is_empty() || r#type == "error" => {}
        Format::Payload => output.data(format!("{payload}\n").as_bytes())?,
    }
    if success {
        return Ok(());
    }
    let error = if error.is_empty() {
        "the domain returned a failure without a message".to_owned()
    } else {
        error
    };
    Err(CliError::new(ErrorCode::CallFailed, error))
}
