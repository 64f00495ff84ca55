//! `fulcrum generate`

mod domain;
mod handler;

use clap::Subcommand;

use crate::commands::context::Context;
use crate::commands::scaffold::make_resolvable;
use crate::exit::CliError;
use crate::load;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a new domain: its code, its configuration and a test
    Domain(domain::Args),
    /// Insert a handler into the code of a domain
    Handler(handler::Args),
    /// Install @fulcrum/domain in node_modules, for editors and `tsc`; a start does it too
    Sdk,
}

pub(crate) fn run(command: &Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::Domain(args) => domain::run(args, context),
        Command::Handler(args) => handler::run(args, context),
        Command::Sdk => {
            make_resolvable(&load::app_root(context.app())?, &context.output);
            Ok(())
        }
    }
}
