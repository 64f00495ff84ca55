//! `fulcrum domains`: what can be asked of a running instance.

pub(crate) mod call;
mod events;
mod history;
mod lifecycle;
mod list;
pub(crate) mod logs;
mod restart;
pub(crate) mod result;
mod start;
mod status;
mod stop;
mod stream;
mod wait;
mod why;

use clap::Subcommand;

use crate::commands::context::Context;
use crate::commands::executor;
use crate::exit::CliError;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Show the domains
    List(list::Args),
    /// Show the instance and its domains, or one domain at length
    Status(status::Args),
    /// Start domains and what they depend on
    Start(start::Args),
    /// Stop domains
    Stop(stop::Args),
    /// Stop domains and start them again
    Restart(restart::Args),
    /// Wait until domains are in a state
    Wait(wait::Args),
    /// Show what domains said
    Logs(logs::Args),
    /// Send one message to a domain and print its answer
    Call(call::Args),
    /// Show what happened to domains
    Events(events::Args),
    /// Tell why a domain is as it is, and how that came about
    Why(why::Args),
}

pub(crate) fn run(verb: Verb, context: Context) -> Result<(), CliError> {
    match verb {
        Verb::List(args) => executor::run_client(None, list::run(args, context)),
        Verb::Status(args) => executor::run_client(None, status::run(args, context)),
        Verb::Start(args) => executor::run_client(Some("the start"), start::run(args, context)),
        Verb::Stop(args) => executor::run_client(Some("the stop"), stop::run(args, context)),
        Verb::Restart(args) => {
            executor::run_client(Some("the restart"), restart::run(args, context))
        }
        Verb::Wait(args) => executor::run_client(None, wait::run(args, context)),
        Verb::Logs(args) => executor::run_client(None, logs::run(args, context)),
        Verb::Call(args) => executor::run_client(None, call::run(args, context)),
        Verb::Events(args) => executor::run_client(None, events::run(args, context)),
        Verb::Why(args) => executor::run_client(None, why::run(args, context)),
    }
}
