//! `fulcrum traces`, `fulcrum traces show`

use std::time::Duration;

use clap::{Subcommand, ValueEnum};
use fulcrum_rpc::control::{TraceRequest, TraceSummary, TracesRequest};

use crate::args::duration;
use crate::client;
use crate::commands::context::Context;
use crate::commands::domains::stream;
use crate::exit::CliError;
use crate::output::{TraceDetailJson, TraceJson, trace_line, trace_table, waterfall};

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print one trace as a waterfall, with the log lines written meanwhile
    Show(ShowArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Select traces that this domain or service has a part in
    #[arg(long, value_name = "NAME|GLOB")]
    domain: Vec<String>,
    /// Select traces that took at least this long
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    min_duration: Option<Duration>,
    /// Select traces with an error
    #[arg(long)]
    errors: bool,
    /// Print at most N traces
    #[arg(
        short = 'n',
        long,
        value_name = "N",
        default_value = "20",
        conflicts_with = "follow"
    )]
    limit: u32,
    /// Follow traces as they end
    #[arg(short, long)]
    follow: bool,
    /// Choose the output format
    #[arg(short, long, value_enum, default_value = "table")]
    output: Format,
}

#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// Name the trace by its id, or the id's first digits
    #[arg(value_name = "ID")]
    id: String,
    /// Print the attributes and events of each span, too
    #[arg(short, long)]
    verbose: bool,
    /// Choose the output format
    #[arg(short, long, value_enum, default_value = "table")]
    output: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Text for a terminal
    Table,
    /// JSON: with `-f`, one object per line
    Json,
}

pub(crate) async fn run(args: Args, context: Context) -> Result<(), CliError> {
    match args.command {
        Some(Command::Show(args)) => show(args, context).await,
        None => list(args.list, context).await,
    }
}

async fn list(args: ListArgs, context: Context) -> Result<(), CliError> {
    let output = &context.output;
    let client = context.connect().await?;
    let min_duration = args.min_duration.unwrap_or_default().as_nanos();
    let request = TracesRequest {
        domains: args.domain,
        min_duration_ns: u64::try_from(min_duration).unwrap_or(u64::MAX),
        errors: args.errors,
        follow: args.follow,
        limit: args.limit,
    };
    let traces = client.traces(request).await;
    let mut traces = traces.map_err(client::control_error)?;
    if args.follow {
        let color = output.stdout().color;
        let print = |trace: TraceSummary, out: &mut Vec<u8>| {
            let line = match args.output {
                Format::Table => trace_line(&trace, color),
                Format::Json => {
                    serde_json::to_string(&TraceJson::from(trace)).expect("its keys are strings")
                }
            };
            out.extend_from_slice(line.as_bytes());
            out.push(b'\n');
        };
        return stream::print(traces, true, output, print).await;
    }
    let mut found = Vec::new();
    while let Some(trace) = traces.next().await {
        found.push(trace.map_err(client::control_error)?);
    }
    match args.output {
        Format::Json => {
            let traces: Vec<TraceJson> = found.into_iter().map(TraceJson::from).collect();
            output.json(&traces)
        }
        Format::Table if found.is_empty() => {
            output.progress("no traces");
            Ok(())
        }
        Format::Table => {
            let stdout = output.stdout();
            let table = trace_table(&found);
            output.data(table.render(stdout.color, stdout.width).as_bytes())
        }
    }
}

async fn show(args: ShowArgs, context: Context) -> Result<(), CliError> {
    let output = &context.output;
    let client = context.connect().await?;
    let request = TraceRequest { id: args.id };
    let trace = client.trace(request).await;
    let trace = trace.map_err(client::control_error)?;
    match args.output {
        Format::Json => output.json(&TraceDetailJson::from(trace)),
        Format::Table => {
            let stdout = output.stdout();
            let text = waterfall(&trace, args.verbose, stdout.color, stdout.width);
            output.data(text.as_bytes())
        }
    }
}
