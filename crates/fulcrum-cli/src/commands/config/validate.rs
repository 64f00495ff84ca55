//! `fulcrum config validate`

use clap::ValueEnum;
use fulcrum_config::Mode;
use fulcrum_runtime::format::pluralize;

use crate::commands::context::Context;
use crate::exit::{CliError, Code};
use crate::load::{self, summarize};
use crate::output::DiagnosticJson;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Choose the output format
    #[arg(short, long, value_enum, default_value = "table")]
    output: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Diagnostics on standard error, a summary on standard output
    Table,
    /// All diagnostics as a JSON array
    Json,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let output = &context.output;
    let loaded = load::read(context.app(), Mode::Dev)?;
    if args.output == Format::Json {
        let diagnostics: Vec<_> = loaded
            .diagnostics
            .iter()
            .map(DiagnosticJson::from)
            .collect();
        output.json(&diagnostics)?;
    } else {
        let root = load::root(context.app());
        output.diagnostics(&loaded.diagnostics, root.as_deref());
    }
    let summary = summarize(&loaded.diagnostics);
    match loaded.app {
        None if args.output == Format::Json => Err(CliError::already_reported(Code::ConfigInvalid)),
        None => Err(load::invalid(&loaded.diagnostics)),
        Some(app) if args.output == Format::Table => {
            let domains = pluralize(app.domains.len(), "domain");
            output.data(format!("{domains}, {summary}\n").as_bytes())
        }
        Some(_) => Ok(()),
    }
}
