//! `fulcrum config`: looks at files only, whether or not the app runs.

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
    /// Say all that is wrong with the configuration
    Validate(validate::Args),
    /// Show the effective configuration, and where each value comes from
    Show(show::Args),
}

pub(crate) fn run(verb: Verb, context: &Context) -> Result<(), CliError> {
    match verb {
        Verb::Validate(args) => validate::run(&args, context),
        Verb::Show(args) => show::run(&args, context),
    }
}
