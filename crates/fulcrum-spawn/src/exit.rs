//! How a process exited.

use std::fmt;

use crate::signals::signal_name;

/// How a process exited, from its wait status. At most one of the two is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ExitReport {
    /// The exit code, if the process exited by itself.
    pub code: Option<i32>,
    /// The signal number, if a signal killed it.
    pub signal: Option<i32>,
}

impl fmt::Display for ExitReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code, self.signal) {
            (Some(code), _) => write!(f, "exit {code}"),
            (None, Some(signal)) => match signal_name(signal) {
                Some(name) => write!(f, "killed by {name} ({signal})"),
                None => write!(f, "killed by signal {signal}"),
            },
            (None, None) => f.write_str("exited with unknown status"),
        }
    }
}
