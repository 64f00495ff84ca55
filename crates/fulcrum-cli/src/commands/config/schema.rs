//! `fulcrum config schema`

use clap::ValueEnum;
use fulcrum_config::{app_json_schema, domain_json_schema};

use crate::commands::context::Context;
use crate::exit::CliError;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Choose whose fulcrum.yml the schema describes
    #[arg(value_enum, default_value = "app")]
    file: File,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum File {
    /// The app's, with `runtime`
    App,
    /// A domain's, with `process`
    Domain,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let schema = match args.file {
        File::App => app_json_schema(),
        File::Domain => domain_json_schema(),
    };
    context.output.json(&schema)
}
