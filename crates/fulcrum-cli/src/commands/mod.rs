//! The verbs: a file for each, with its arguments and what it does.

pub(crate) mod background_instance;
pub(crate) mod completions;
pub(crate) mod config;
mod detach;
pub(crate) mod dev;
pub(crate) mod domains;
pub(crate) mod down;
mod executor;
pub(crate) mod guard;
mod instance_exit;
mod log_file;
pub(crate) mod reload;
pub(crate) mod serve;
mod start;
pub(crate) mod strip;
mod watch;

use std::path::{Path, PathBuf};

use fulcrum_rpc::ControlClient;

use crate::args::{Cli, Command};
use crate::client;
use crate::exit::CliError;
use crate::output::Output;

/// What every command knows.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    app: Option<PathBuf>,
    /// Where it writes.
    pub(crate) output: Output,
}

impl Context {
    /// The app, as it was named.
    pub(crate) fn app(&self) -> Option<&Path> {
        self.app.as_deref()
    }

    /// A connection to the app's instance.
    ///
    /// # Errors
    /// Those of [`client::connect`].
    pub(crate) async fn connect(&self) -> Result<ControlClient, CliError> {
        client::connect(self.app()).await
    }
}

/// Does what was asked for.
///
/// # Errors
/// Why it wasn't done, with the code to end with.
pub(crate) fn run(cli: Cli, output: Output) -> Result<(), CliError> {
    let context = Context {
        app: cli.global.app,
        output,
    };
    match cli.verb {
        Command::Dev(args) => dev::run(args, context),
        Command::Serve(args) => serve::run(args, context),
        Command::Down(args) => down::run(args, context),
        Command::Reload(args) => reload::run(args, context),
        Command::Domains(args) => domains::run(args.verb, context),
        Command::Logs(args) => domains::run(domains::Verb::Logs(args), context),
        Command::Config(args) => config::run(args.verb, &context),
        Command::Completions(args) => completions::run(&args, &context.output),
        Command::BackgroundInstance(args) => background_instance::run(args, &context),
        Command::StripTypes(args) => strip::run(&args, &context.output),
    }
}
