//! The `fulcrum` command.
//!
//! # Theory of operation
//! [`cli`] says what can be typed; [`commands`] has a file for each verb. A verb is one of three
//! kinds. Some only read files (`config`, `completions`). Some are clients: they find the app's
//! running instance, ask it for one thing, and print the answer; leaving one never undoes what it
//! asked for. `dev` and `serve` are the running instance itself, for which [`wiring`] joins the
//! libraries.
//!
//! Whatever a command prints goes through [`output`]; however it ends, it ends here, with a code
//! of [`exit`].

mod args;
mod cli;
mod client;
mod commands;
mod dispatch;
mod exit;
mod load;
mod output;
mod panic;
mod paths;
mod wiring;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;
use crate::exit::Code;
use crate::output::Output;

fn main() -> ExitCode {
    if let Some(end) = commands::guard::run_if_requested() {
        return end;
    }
    panic::install_panic_hook();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(said) => {
            // Help and version come this way too, with code 0. Nobody may be there to read it.
            let _ = said.print();
            return u8::try_from(said.exit_code()).map_or(Code::Usage.into(), ExitCode::from);
        }
    };
    let output = Output::of_process(cli.global.no_color, cli.global.quiet);
    let printer = output.clone();
    match catch_unwind(AssertUnwindSafe(|| dispatch::run(cli, output))) {
        Ok(Ok(())) => Code::Done.into(),
        Ok(Err(stop)) => {
            printer.error(&stop);
            stop.code.into()
        }
        // The hook has said what there is to say.
        Err(_) => Code::Internal.into(),
    }
}
