//! `fulcrum __typescript`: answers a request of the bootstrap of a TypeScript domain, for files that were
//! not prepared. Internal.

use std::path::PathBuf;

use fulcrum_spawn::prepare::{TypeScriptRequestOptions, answer_typescript_request};

use crate::exit::{CliError, Code};
use crate::output::Output;
use crate::paths;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A condition of `exports` that the domain's Node has
    #[arg(long, value_name = "CONDITION")]
    conditions: Vec<String>,
    /// Leave symbolic links as they are
    #[arg(long)]
    preserve_symlinks: bool,
    /// The cache of the instance [default: that of the environment]
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// The request, as JSON
    request: String,
}

/// Prints a part of the domain's table, as JSON. What is wrong with a file is an entry of it; only an
/// invalid request is an error.
pub(crate) fn run(args: &Args, output: &Output) -> Result<(), CliError> {
    let options = TypeScriptRequestOptions {
        conditions: args.conditions.clone(),
        preserve_symlinks: args.preserve_symlinks,
    };
    let cache = args.cache.clone();
    let cache = cache.unwrap_or_else(|| paths::cache_dir().path);
    let answer = answer_typescript_request(&args.request, &options, &cache);
    let mut text = answer.map_err(|error| {
        output.eprint(&error);
        CliError::already_reported(Code::Failed)
    })?;
    text.push(b'\n');
    output.data(&text)
}
