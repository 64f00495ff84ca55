//! Runs the command that was parsed.

use crate::cli::{self, Cli, Command};
use crate::commands::context::Context;
use crate::commands::executor;
use crate::commands::{
    analyze, background_instance, completions, config, dev, doctor, domains, down, explain,
    generate, import, init, man, metrics, node, program, reload, serve, top, traces, typescript,
};
use crate::exit::CliError;
use crate::output::Output;

/// Runs the command.
///
/// # Errors
/// Those of the command, with its exit code.
pub(crate) fn run(cli: Cli, output: Output) -> Result<(), CliError> {
    let context = Context {
        app: cli.global.app,
        output,
    };
    match cli.command {
        Command::Dev(args) => dev::run(args, context),
        Command::Serve(args) => serve::run(args, context),
        Command::Run(args) => program::run(args, context),
        Command::Test(args) => program::test(args, context),
        Command::Down(args) => down::run(args, context),
        Command::Reload(args) => reload::run(args, context),
        Command::Domains(args) => domains::run(args.command, context),
        Command::Logs(args) => domains::run(domains::Command::Logs(args), context),
        Command::Traces(args) => executor::run_client(None, traces::run(args, context)),
        Command::Metrics(args) => executor::run_client(None, metrics::run(args, context)),
        Command::Analyze(args) => executor::run_client(None, analyze::run(args, context)),
        Command::Top(args) => top::run(args, context),
        Command::Config(args) => config::run(args.command, &context),
        Command::Init(args) => init::run(&args, &context),
        Command::Generate(args) => generate::run(&args.command, &context),
        Command::Node(args) => node::run(&args, &context),
        Command::Doctor(args) => doctor::run(args, context),
        Command::Explain(args) => explain::run(&args, &context),
        Command::Import(args) => import::run(&args, &context),
        Command::Completions(args) => completions::run(&args, &context.output),
        Command::BackgroundInstance(args) => background_instance::run(args, &context),
        Command::Man(args) => man::run(&args, cli::command()),
        Command::TypeScript(args) => typescript::run(&args, &context.output),
    }
}
