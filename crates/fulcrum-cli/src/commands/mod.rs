//! The verbs: a file for each, with its arguments and what it does.

pub(crate) mod completions;
pub(crate) mod config;
mod detach;
pub(crate) mod dev;
pub(crate) mod domains;
pub(crate) mod down;
mod drive;
mod farewell;
pub(crate) mod guard;
pub(crate) mod instance_process;
mod log_file;
pub(crate) mod reload;
pub(crate) mod serve;
mod start;
pub(crate) mod strip;
mod watch;

use std::path::{Path, PathBuf};

use fulcrum_rpc::ControlClient;

use crate::args::{Cli, Verb};
use crate::client;
use crate::exit::Stop;
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
    pub(crate) async fn connect(&self) -> Result<ControlClient, Stop> {
        client::connect(self.app()).await
    }
}

/// Does what was asked for.
///
/// # Errors
/// Why it wasn't done, with the code to end with.
pub(crate) fn run(cli: Cli, output: Output) -> Result<(), Stop> {
    let context = Context {
        app: cli.global.app,
        output,
    };
    match cli.verb {
        Verb::Dev(args) => dev::run(args, context),
        Verb::Serve(args) => serve::run(args, context),
        Verb::Down(args) => down::run(args, context),
        Verb::Reload(args) => reload::run(args, context),
        Verb::Domains(args) => domains::run(args.verb, context),
        Verb::Logs(args) => domains::run(domains::Verb::Logs(args), context),
        Verb::Config(args) => config::run(args.verb, &context),
        Verb::Completions(args) => completions::run(&args, &context.output),
        Verb::Instance(args) => instance_process::run(args, &context),
        Verb::Strip(args) => strip::run(&args, &context.output),
    }
}
