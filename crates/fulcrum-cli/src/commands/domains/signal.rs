//! `fulcrum domains signal`

use fulcrum_rpc::control::SignalRequest;

use super::result::{self, Format};
use crate::client;
use crate::commands::context::Context;
use crate::exit::CliError;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Select domains by name, glob, or `all`
    #[arg(required = true, value_name = "NAME|GLOB|all")]
    names: Vec<String>,
    /// Name the signal, such as HUP, SIGHUP or USR2
    #[arg(required = true, value_name = "SIGNAL", value_parser = parse_signal)]
    signal: String,
    /// Send it to each process of the tree instead of the program alone
    #[arg(long)]
    tree: bool,
    /// Choose the output format
    #[arg(short, long, value_enum, default_value = "table")]
    output: Format,
}

/// The name in the form `SIGHUP`. The instance knows which ones there are.
fn parse_signal(text: &str) -> Result<String, String> {
    let name = text.to_ascii_uppercase();
    let short = name.strip_prefix("SIG").unwrap_or(&name);
    if short.is_empty() || !short.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err("not the name of a signal, such as HUP".to_owned());
    }
    Ok(format!("SIG{short}"))
}

pub(super) async fn run(args: Args, context: Context) -> Result<(), CliError> {
    let client = context.connect().await?;
    let request = SignalRequest {
        domains: args.names.clone(),
        signal: args.signal,
        tree: args.tree,
    };
    let progress = client
        .signal(request)
        .await
        .map_err(client::control_error)?;
    let outcome = client::wait_for_outcome(progress, &context.output).await?;
    result::print_outcome(&client, outcome, &args.names, args.output, &context.output).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_may_be_written_short_and_in_lower_case() {
        for text in ["HUP", "hup", "SIGHUP", "sighup"] {
            assert_eq!(parse_signal(text), Ok("SIGHUP".to_owned()));
        }
        for text in ["", "SIG", "SIG HUP", "-1"] {
            assert!(parse_signal(text).is_err(), "{text:?}");
        }
    }
}
