//! `fulcrum __strip`: strips a file that was not prepared, for the bootstrap of TypeScript domains. Internal.

use std::path::PathBuf;

use fulcrum_spawn::prepare::strip_file;

use crate::exit::{CliError, Code};
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    file: PathBuf,
}

/// Prints `{"code", "format"}`. Errors are printed as `FILE:LINE:COLUMN: MESSAGE`, without a prefix,
/// since Node prints them as its own.
pub(crate) fn run(args: &Args, output: &Output) -> Result<(), CliError> {
    let stripped = strip_file(&args.file).map_err(|error| {
        output.eprint(&error.to_string());
        CliError::already_reported(Code::Failed)
    })?;
    let mut text = serde_json::to_vec(&stripped)
        .map_err(|error| CliError::failed(format!("{}: {error}", args.file.display())))?;
    text.push(b'\n');
    output.data(&text)
}
