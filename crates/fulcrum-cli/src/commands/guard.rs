//! The guard beside an instance. Not for people, and not read by clap: it stays small.

use std::process::ExitCode;

use fulcrum_spawn::process::run_cleanup_guard;

use crate::exit::Code;

/// The verb.
pub(crate) const GUARD_COMMAND: &str = "__guard";

/// Stands guard, if this process was started for that; it ends then.
pub(crate) fn run_if_requested() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != GUARD_COMMAND {
        return None;
    }
    // Nobody hears it, and nothing could be done about it: the next start looks at the record too.
    let code = match run_cleanup_guard(arguments) {
        Ok(()) => Code::Done,
        Err(_) => Code::Failed,
    };
    Some(code.into())
}
