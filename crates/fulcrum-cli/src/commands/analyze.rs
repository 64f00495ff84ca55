//! `fulcrum analyze`

use clap::ValueEnum;
use fulcrum_rpc::control::StatusRequest;
use fulcrum_runtime::startup::{DomainStart, StartupReport};

use crate::client;
use crate::commands::context::Context;
use crate::commands::domains::status::single_domain;
use crate::exit::CliError;
use crate::output::{StartupJson, startup_text};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print the chain that ends with this domain [default: the one that was ready last]
    #[arg(value_name = "NAME")]
    name: Option<String>,
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
    let starts: Vec<DomainStart> = starts.collect();
    let mut report = StartupReport::new(&starts);
    if let Some(name) = &args.name {
        // An unknown name is the error of the instance, with what is similar.
        let domain = client::domains(&client, std::slice::from_ref(name)).await?;
        let domain = single_domain(domain, name)?;
        report = report.with_chain_to(&domain.name, &starts);
    }
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
            let text = startup_text(&instance, &report, args.name.as_deref(), output.stdout());
            output.data(text.as_bytes())
        }
    }
}
