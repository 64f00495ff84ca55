//! `fulcrum completions`

use clap::builder::PossibleValuesParser;

use crate::complete::{self, SHELLS};
use crate::error_code::ErrorCode;
use crate::exit::CliError;
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Choose the shell
    #[arg(value_parser = PossibleValuesParser::new(SHELLS))]
    shell: String,
}

pub(crate) fn run(args: &Args, output: &Output) -> Result<(), CliError> {
    let script = complete::script(&args.shell).ok_or_else(|| {
        CliError::new(
            ErrorCode::Usage,
            format!("no completions for {}", args.shell),
        )
    })?;
    output.data(&script)
}
