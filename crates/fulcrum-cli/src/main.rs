//! The `fulcrum` command.
//!
//! # Theory of operation
//! [`cli`] is the command line; [`commands`] has a file for each command; [`dispatch`] connects the
//! two. There are three kinds of commands. Some only read files (`config`, `completions`). Some are
//! clients: they connect to the app's running instance, send one request and print the response;
//! interrupting one never undoes the request. `dev` and `serve` are the instance itself: [`wiring`]
//! builds its parts and hands them to `fulcrum-runtime`.
//!
//! A shell that completes a command line is answered by [`complete`], before anything is parsed.
//!
//! All output goes through [`output`]. Every command returns to `main`, which exits with a code of
//! [`exit_code`].

mod args;
mod cli;
mod client;
mod commands;
mod complete;
mod dispatch;
mod error_code;
mod exit;
mod exit_code;
mod keys;
mod load;
mod output;
mod panic;
mod paths;
mod prepare;
mod schema_files;
mod shorthand;
mod usage;
mod users;
mod wiring;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use crate::exit::Code;
use crate::output::Output;

fn main() -> ExitCode {
    if let Some(code) = commands::guard::run_if_requested() {
        return code;
    }
    if let Some(code) = complete::run_if_requested(cli::command) {
        return code;
    }
    panic::install_panic_hook();
    let cli = match cli::parse() {
        Ok(cli) => cli,
        Err(error) => {
            usage::print(&error);
            return u8::try_from(error.exit_code()).map_or(Code::Usage.into(), ExitCode::from);
        }
    };
    let output = Output::from_process(cli.global.no_color, cli.global.quiet);
    let printer = output.clone();
    match catch_unwind(AssertUnwindSafe(|| dispatch::run(cli, output))) {
        Ok(Ok(())) => Code::Done.into(),
        Ok(Err(error)) => {
            printer.error(&error);
            error.exit_code()
        }
        // The panic hook has printed the message.
        Err(_) => Code::Internal.into(),
    }
}
