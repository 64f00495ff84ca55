//! The exit codes of commands.

use std::process::ExitCode;

/// The exit codes that scripts rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Code {
    /// The operation succeeded.
    Done = 0,
    /// The operation failed.
    Failed = 1,
    /// The command line is invalid.
    Usage = 2,
    /// The app has no running instance.
    NotRunning = 3,
    /// No domain has that name.
    UnknownDomain = 4,
    /// The configuration is invalid.
    ConfigInvalid = 5,
    /// The running instance uses another protocol version.
    VersionMismatch = 6,
    /// A domain failed permanently.
    DomainFailed = 10,
    /// The operation took longer than --timeout.
    TimedOut = 17,
    /// An internal error.
    Internal = 70,
    /// Ended by Ctrl-C.
    Interrupted = 130,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}
