//! `fulcrum config`: reads files only, whether or not the app is running.

mod show;
mod validate;

use clap::Subcommand;

use crate::commands::context::Context;
use crate::exit::CliError;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Validate the configuration and print all errors
    Validate(validate::Args),
    /// Print the effective configuration and the origin of each value
    Show(show::Args),
}

pub(crate) fn run(verb: Verb, context: &Context) -> Result<(), CliError> {
    match verb {
        Verb::Validate(args) => validate::run(&args, context),
        Verb::Show(args) => show::run(&args, context),
    }
}
