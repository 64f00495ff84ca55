//! The cleanup guard beside an instance. Hidden, and not parsed by clap, so that the process stays small.

use std::process::ExitCode;

use fulcrum_spawn::process::run_cleanup_guard;

use crate::exit::Code;

/// The hidden command.
pub(crate) const GUARD_COMMAND: &str = "__guard";

/// Runs the cleanup guard if this process was started for it, and returns its exit code.
pub(crate) fn run_if_requested() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != GUARD_COMMAND {
        return None;
    }
    // Nothing can be printed here. The next start reads the run record as well.
    let code = match run_cleanup_guard(arguments) {
        Ok(()) => Code::Done,
        Err(_) => Code::Failed,
    };
    Some(code.into())
}
