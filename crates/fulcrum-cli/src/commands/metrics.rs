//! `fulcrum metrics`

use clap::ValueEnum;
use fulcrum_rpc::control::MetricsRequest;

use crate::client;
use crate::commands::context::Context;
use crate::exit::CliError;
use crate::output::{MetricJson, metric_table};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Select metrics whose name contains this [default: all]
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Select metrics of this domain or service
    #[arg(long, value_name = "NAME|GLOB")]
    domain: Vec<String>,
    /// Choose the output format
    #[arg(short, long, value_enum, default_value = "table")]
    output: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table with the last values as a sparkline
    Table,
    /// A JSON array
    Json,
}

pub(crate) async fn run(args: Args, context: Context) -> Result<(), CliError> {
    let output = &context.output;
    let client = context.connect().await?;
    let request = MetricsRequest {
        name: args.name.unwrap_or_default(),
        domains: args.domain,
    };
    let response = client.metrics(request).await;
    let series = response.map_err(client::control_error)?.series;
    match args.output {
        Format::Json => {
            let series: Vec<MetricJson> = series.into_iter().map(MetricJson::from).collect();
            output.json(&series)
        }
        Format::Table if series.is_empty() => {
            output.progress("no metrics: domains send them over OTLP");
            Ok(())
        }
        Format::Table => {
            let stdout = output.stdout();
            output.data(
                metric_table(&series)
                    .render(stdout.color, stdout.width)
                    .as_bytes(),
            )
        }
    }
}
