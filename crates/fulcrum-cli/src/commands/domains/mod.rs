//! `fulcrum domains`: requests to a running instance.

pub(crate) mod call;
mod eval;
mod events;
mod history;
mod kill;
mod lifecycle;
mod list;
pub(crate) mod logs;
mod profile;
mod restart;
pub(crate) mod result;
mod run_job;
mod signal;
mod start;
pub(crate) mod status;
mod stop;
pub(crate) mod stream;
mod wait;
mod why;

use clap::Subcommand;

use crate::commands::context::Context;
use crate::commands::executor;
use crate::exit::CliError;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print all domains and their state
    List(list::Args),
    /// Print the state of the instance, or of one domain in detail
    Status(status::Args),
    /// Start domains and their dependencies
    Start(start::Args),
    /// Stop domains
    Stop(stop::Args),
    /// Restart domains
    Restart(restart::Args),
    /// Run jobs once more and wait for their end
    Run(run_job::Args),
    /// Stop domains at once with SIGKILL, as `stop --force` does
    Kill(kill::Args),
    /// Send a signal to running domains
    Signal(signal::Args),
    /// Wait until domains reach a state
    Wait(wait::Args),
    /// Print domain logs
    Logs(logs::Args),
    /// Send a request to a domain and print the response
    Call(call::Args),
    /// Evaluate a JavaScript expression in a domain under `dev`
    Eval(eval::Args),
    /// Print domain events
    Events(events::Args),
    /// Record what a Node domain spends CPU time on, or has on its heap
    Profile(profile::Args),
    /// Explain a domain's current state and its history
    Why(why::Args),
}

pub(crate) fn run(command: Command, context: Context) -> Result<(), CliError> {
    match command {
        Command::List(args) => executor::run_client(None, list::run(args, context)),
        Command::Status(args) => executor::run_client(None, status::run(args, context)),
        Command::Start(args) => executor::run_client(Some("the start"), start::run(args, context)),
        Command::Stop(args) => executor::run_client(Some("the stop"), stop::run(args, context)),
        Command::Restart(args) => {
            executor::run_client(Some("the restart"), restart::run(args, context))
        }
        Command::Run(args) => executor::run_client(Some("the run"), run_job::run(args, context)),
        Command::Kill(args) => executor::run_client(Some("the stop"), kill::run(args, context)),
        Command::Signal(args) => executor::run_client(None, signal::run(args, context)),
        Command::Wait(args) => executor::run_client(None, wait::run(args, context)),
        Command::Logs(args) => executor::run_client(None, logs::run(args, context)),
        Command::Call(args) => executor::run_client(None, call::run(args, context)),
        Command::Eval(args) => executor::run_client(None, eval::run(args, context)),
        Command::Events(args) => executor::run_client(None, events::run(args, context)),
        Command::Profile(args) => executor::run_client(None, profile::run(args, context)),
        Command::Why(args) => executor::run_client(None, why::run(args, context)),
    }
}
