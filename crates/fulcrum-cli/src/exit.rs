//! How a command ends: the error that carries its codes.

use std::fmt;
use std::process::ExitCode;

use fulcrum_logs::split_code;

use crate::error_code::ErrorCode;
pub(crate) use crate::exit_code::Code;

/// Why a command failed, with its codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CliError {
    /// The exit code.
    pub(crate) code: Code,
    /// The code that is printed and explained, such as `FUL0501`; empty for what is no error.
    pub(crate) id: String,
    /// What failed, where, why and what to do; empty if it was printed already.
    pub(crate) message: String,
    /// The exit code of a program that the command has run, which is passed on.
    pub(crate) program: Option<u8>,
}

impl CliError {
    /// An error of the command's own.
    pub(crate) fn new(error: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code: error.exit(),
            id: error.to_string(),
            message: message.into(),
            program: None,
        }
    }

    /// A program that the command has run has failed with this exit code.
    pub(crate) fn of_program(code: u8, message: impl Into<String>) -> Self {
        Self {
            program: Some(code),
            ..Self::new(ErrorCode::ProgramFailed, message)
        }
    }

    /// The exit code of the process.
    pub(crate) fn exit_code(&self) -> ExitCode {
        self.program
            .map_or_else(|| self.code.into(), ExitCode::from)
    }

    /// A failure that another part has described; its text may have a code, which is moved to the
    /// front.
    pub(crate) fn relayed(code: Code, text: &str) -> Self {
        let (id, message) = split_code(text);
        Self {
            code,
            id: id.map_or_else(|| ErrorCode::of_exit(code).to_string(), str::to_owned),
            message,
            program: None,
        }
    }

    /// An error of the system that leaves nothing to run with.
    pub(crate) fn cannot_run(error: &std::io::Error) -> Self {
        Self::new(
            ErrorCode::SystemLimits,
            format!("cannot run on this system: {error}"),
        )
    }

    /// The command was interrupted, which is no error.
    pub(crate) fn interrupted(message: impl Into<String>) -> Self {
        Self {
            code: Code::Interrupted,
            id: String::new(),
            message: message.into(),
            program: None,
        }
    }

    /// An error whose message was printed already.
    pub(crate) fn already_reported(code: Code) -> Self {
        Self {
            code,
            id: String::new(),
            message: String::new(),
            program: None,
        }
    }
}

/// The message, without its code.
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
        Self::relayed(code, &error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_a_relayed_text_is_taken_out_of_it() {
        let relayed = CliError::relayed(Code::Failed, "users: no route [FUL0310]\n  hint: x");
        assert_eq!(relayed.id, "FUL0310");
        assert_eq!(relayed.message, "users: no route\n  hint: x");
        let timed_out = CliError::relayed(Code::TimedOut, "users is backoff");
        assert_eq!(timed_out.id, ErrorCode::NotInTime.to_string());
    }
}
