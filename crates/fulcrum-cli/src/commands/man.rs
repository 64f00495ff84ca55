//! Writes the man pages. Hidden: `cargo xtask man` and packages run it.

use std::path::PathBuf;

use clap::Command;

use crate::error_code::ErrorCode;
use crate::exit::CliError;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The directory to write to, which must exist.
    dir: PathBuf,
}

/// Writes a page for each command that is not hidden, such as `fulcrum-domains-list.1`.
pub(crate) fn run(args: &Args, command: Command) -> Result<(), CliError> {
    clap_mangen::generate_to(command, &args.dir).map_err(|error| {
        CliError::new(
            ErrorCode::FileFailed,
            format!("cannot write to {}: {error}", args.dir.display()),
        )
    })
}
