//! `fulcrum domains why`

use std::time::SystemTime;

use clap::ValueEnum;
use fulcrum_rpc::control::StatusRequest;
use fulcrum_runtime::history::group_by_generation;
use serde::Serialize;

use super::history;
use super::status;
use crate::client;
use crate::commands::context::Context;
use crate::exit::CliError;
use crate::output::{EventJson, Explanation, GenerationJson};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Name the domain
    name: String,
    /// Set how many generations to print
    #[arg(short = 'n', long = "lives", value_name = "N", default_value = "3")]
    generations: usize,
    /// Choose the output format
    #[arg(short, long, value_enum, default_value = "table")]
    output: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// An explanation as text
    Table,
    /// One JSON object: the summary, the generations and the events
    Json,
}

/// `domains why NAME -o json`.
#[derive(Debug, Serialize)]
struct WhyJson {
    domain: String,
    phase: String,
    summary: String,
    lives: Vec<GenerationJson>,
    events: Vec<EventJson>,
}

#[expect(
    clippy::disallowed_methods,
    reason = "ages are relative to the current time"
)]
pub(super) async fn run(args: Args, context: Context) -> Result<(), CliError> {
    let output = &context.output;
    let client = context.connect().await?;
    let request = StatusRequest {
        domains: vec![args.name.clone()],
        ..StatusRequest::default()
    };
    let response = client
        .status(request)
        .await
        .map_err(client::control_error)?;
    let domain = status::single_domain(response.domains, &args.name)?;
    let events = history::events(&client, &domain.name).await?;
    let stderr = history::stderr(&client, &domain.name).await?;
    let explanation = Explanation {
        domain: &domain,
        events: &events,
        stderr: &stderr,
        now: SystemTime::now(),
    };
    match args.output {
        Format::Table => output.data(
            explanation
                .render(args.generations, output.stdout().color)
                .as_bytes(),
        ),
        Format::Json => output.json(&WhyJson {
            domain: domain.name.clone(),
            phase: domain.phase.clone(),
            summary: explanation.summary(),
            lives: group_by_generation(&events)
                .iter()
                .filter(|history| history.generation > 0)
                .map(GenerationJson::from)
                .collect(),
            events: events.iter().cloned().map(EventJson::from).collect(),
        }),
    }
}
