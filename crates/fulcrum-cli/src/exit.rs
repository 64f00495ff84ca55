//! How a command ends: the exit codes, and the error that carries one.

use std::fmt;
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

/// Why a command failed, and its exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CliError {
    /// The exit code.
    pub(crate) code: Code,
    /// What failed, where, why and what to do; empty if it was printed already.
    pub(crate) message: String,
    /// The exit code of a program that the command has run, which is passed on.
    program: Option<u8>,
}

impl CliError {
    /// An error with this code and message.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            program: None,
        }
    }

    /// A program that the command has run has failed with this exit code.
    pub(crate) fn of_program(code: u8, message: impl Into<String>) -> Self {
        Self {
            program: Some(code),
            ..Self::failed(message)
        }
    }

    /// The exit code of the process.
    pub(crate) fn exit_code(&self) -> ExitCode {
        self.program
            .map_or_else(|| self.code.into(), ExitCode::from)
    }

    /// The operation failed.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Code::Failed, message)
    }

    /// An error of the system that leaves nothing to run with.
    pub(crate) fn cannot_run(error: &std::io::Error) -> Self {
        Self::failed(format!("cannot run on this system: {error}"))
    }

    /// An error whose message was printed already.
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

impl From<fulcrum_runtime::Error> for CliError {
    fn from(error: fulcrum_runtime::Error) -> Self {
        use fulcrum_runtime::ErrorKind;
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
