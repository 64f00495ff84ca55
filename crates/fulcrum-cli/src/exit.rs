//! How a command ends: the exit codes of the contract, and the error that carries one.

use std::fmt;
use std::process::ExitCode;

/// The exit codes that scripts rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Code {
    /// It was done.
    Done = 0,
    /// The operation failed.
    Failed = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// The app has no running instance.
    NotRunning = 3,
    /// There is no domain of that name.
    UnknownDomain = 4,
    /// The configuration is invalid.
    ConfigInvalid = 5,
    /// The running instance speaks another protocol.
    VersionMismatch = 6,
    /// A domain failed for good.
    DomainFailed = 10,
    /// It took longer than the command was told to wait.
    TimedOut = 17,
    /// A defect of ours.
    Internal = 70,
    /// Ended by Ctrl-C.
    Interrupted = 130,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

/// Why a command didn't do what it was asked to, for people, and the code to end with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CliError {
    /// What to end with.
    pub(crate) code: Code,
    /// What happened, where, and what to do; empty where everything has been said already.
    pub(crate) message: String,
}

impl CliError {
    /// An end with this code and text.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// The operation failed.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Code::Failed, message)
    }

    /// An end about which everything has been said already.
    pub(crate) fn already_reported(code: Code) -> Self {
        Self::new(code, "")
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CliError {}

impl From<fulcrum_runtime::error::Error> for CliError {
    fn from(error: fulcrum_runtime::error::Error) -> Self {
        use fulcrum_runtime::error::ErrorKind;
        let code = match error.kind() {
            ErrorKind::Failed => Code::Failed,
            ErrorKind::UnknownDomain => Code::UnknownDomain,
            ErrorKind::ConfigInvalid => Code::ConfigInvalid,
            ErrorKind::DomainFailed => Code::DomainFailed,
            ErrorKind::TimedOut => Code::TimedOut,
        };
        Self::new(code, error.to_string())
    }
}
