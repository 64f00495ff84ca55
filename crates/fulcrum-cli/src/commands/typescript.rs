//! `fulcrum __typescript`: answers a request of the bootstrap of a TypeScript domain, for files that were
//! not prepared. Internal.

use fulcrum_spawn::prepare::run_typescript_helper;

use crate::exit::{CliError, Code};
use crate::output::Output;
use crate::paths;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Options of the domain's Node, and the request as JSON
    #[arg(allow_hyphen_values = true, trailing_var_arg = true)]
    words: Vec<String>,
}

/// Prints a part of the domain's table, as JSON. What is wrong with a file is an entry of it; only an
/// invalid request is an error.
pub(crate) fn run(args: &Args, output: &Output) -> Result<(), CliError> {
    let answer = run_typescript_helper(&args.words, || paths::cache_dir().path);
    output.data(&answer.map_err(|error| {
        output.eprint(&error);
        CliError::already_reported(Code::Failed)
    })?)
}
