//! `fulcrum domains call`

use std::io::Read;
use std::time::Duration;

use clap::ValueEnum;
use fulcrum_rpc::control::{CallRequest, CallResponse};
use serde::Serialize;
use serde::de::IgnoredAny;

use crate::args::duration;
use crate::client;
use crate::commands::context::Context;
use crate::exit::{CliError, Code};
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Name the domain
    name: String,
    /// Name the message type, such as order_create_request
    #[arg(value_name = "TYPE")]
    kind: String,
    /// Pass the payload as JSON; `-` reads standard input
    #[arg(value_name = "JSON", allow_negative_numbers = true)]
    pub(crate) payload: Option<String>,
    /// Set the maximum time for the response
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "30s")]
    timeout: Duration,
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
    let payload = match args.payload.as_deref() {
        None => "{}".to_owned(),
        Some("-") => read_stdin()?,
        Some(text) => text.to_owned(),
    };
    validate_json(&payload)?;
    let client = context.connect().await?;
    let request = CallRequest {
        domain: args.name,
        r#type: args.kind,
        payload,
        timeout_ms: duration::to_millis(args.timeout),
    };
    let response = client.call(request).await.map_err(client::control_error)?;
    print(response, args.output, &context.output)
}

fn read_stdin() -> Result<String, CliError> {
    let mut text = String::new();
    std::io::stdin()
        .lock()
        .read_to_string(&mut text)
        .map_err(|error| {
            CliError::new(
                Code::Usage,
                format!("cannot read the payload from standard input: {error}"),
            )
        })?;
    Ok(text)
}

/// Rejects a payload that is not JSON before it is sent.
fn validate_json(payload: &str) -> Result<(), CliError> {
    serde_json::from_str::<IgnoredAny>(payload).map(drop).map_err(|error| {
        CliError::new(
            Code::Usage,
            format!(
                "invalid JSON payload: {error}\n  hint: quote it for the shell, as in '{{\"id\": 1}}'"
            ),
        )
    })
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
    Err(CliError::failed(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_payload_is_rejected_with_its_position() {
        for payload in ["{}", "[1, 2.50]", "\"x\"", "-5", " null "] {
            assert_eq!(validate_json(payload), Ok(()), "{payload}");
        }
        let error = validate_json("{\"id\":\n oops}").expect_err("no JSON");
        assert_eq!(error.code, Code::Usage);
        assert!(error.message.contains("line 2 column 2"), "{error}");
        validate_json("").expect_err("nothing");
        validate_json("{} {}").expect_err("two");
    }
}
