//! `fulcrum config`: reads files only; no instance is needed.

mod schema;
mod show;
mod validate;

use clap::Subcommand;

use crate::commands::context::Context;
use crate::exit::CliError;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Validate the configuration and print all errors
    Validate(validate::Args),
    /// Print the effective configuration and the origin of each value
    Show(show::Args),
    /// Print the JSON Schema of a configuration file
    Schema(schema::Args),
}

pub(crate) fn run(command: Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::Validate(args) => validate::run(&args, context),
        Command::Show(args) => show::run(&args, context),
        Command::Schema(args) => schema::run(&args, context),
    }
}
