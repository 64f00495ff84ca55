//! The guard beside an instance. Not for people, and not read by clap: it stays small.

use std::process::ExitCode;

use fulcrum_spawn::process::stand_guard;

use crate::exit::Code;

/// The verb.
pub(crate) const VERB: &str = "__guard";

/// Stands guard, if this process was started for that; it ends then.
pub(crate) fn stand_if_told() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != VERB {
        return None;
    }
    // Nobody hears it, and nothing could be done about it: the next start looks at the record too.
    let code = match stand_guard(arguments) {
        Ok(()) => Code::Done,
        Err(_) => Code::Failed,
    };
    Some(code.into())
}
