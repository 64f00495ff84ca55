//! The arguments of `fulcrum run` and `fulcrum test`.

use std::ffi::OsString;
use std::time::Duration;

use crate::args::duration;
use crate::commands::start_args::SelectionArgs;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) selection: SelectionArgs,
    /// Wait until all domains are ready, which is always done
    #[arg(long, hide = true)]
    pub(super) wait: bool,
    /// Set the maximum wait until all domains are ready (0 = no limit)
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "60s")]
    pub(super) timeout: Duration,
    /// Run this program, with its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
    pub(super) command: Vec<OsString>,
}
