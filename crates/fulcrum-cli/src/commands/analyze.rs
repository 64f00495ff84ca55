//! `fulcrum analyze`

use clap::ValueEnum;
use fulcrum_rpc::control::StatusRequest;
use fulcrum_runtime::startup::{DomainStart, StartupReport};

use crate::client;
use crate::commands::context::Context;
use crate::exit::CliError;
use crate::output::{StartupJson, startup_text};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Choose the output format
    #[arg(short, long, value_enum, default_value = "table")]
    output: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table, what took longest first, and the slowest chain of dependencies
    Table,
    /// A JSON object with all times
    Json,
}

pub(crate) async fn run(args: Args, context: Context) -> Result<(), CliError> {
    let output = &context.output;
    let client = context.connect().await?;
    let request = StatusRequest {
        first_starts: true,
        ..StatusRequest::default()
    };
    let status = client.status(request).await;
    let status = status.map_err(client::control_error)?;
    let starts = status.domains.iter().filter_map(DomainStart::from_status);
    let report = StartupReport::new(&starts.collect::<Vec<_>>());
    let instance = status.instance.unwrap_or_default();
    match args.output {
        // An older instance does not tell.
        Format::Table if report.ready.is_empty() && report.pending.is_empty() => {
            let version = &instance.version;
            output.progress(&format!(
                "no times of domains from the instance (version {version})"
            ));
            Ok(())
        }
        Format::Json => output.json(&StartupJson::new(instance, report)),
        Format::Table => {
            let text = startup_text(&instance, &report, output.stdout());
            output.data(text.as_bytes())
        }
    }
}
