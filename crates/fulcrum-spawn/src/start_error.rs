//! Why a start failed.

use std::fmt;
use std::io;

use rustix::io::Errno;

use crate::code::Code;

/// A failed start: what happened, what to do, and whether a retry could help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartError {
    /// What happened and where, as one sentence.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// A retry cannot help: something has to be changed first.
    pub permanent: bool,
    /// What kind of failure it is.
    pub code: Code,
}

impl StartError {
    /// A failure that no retry can fix, such as a missing program or an entry point with a syntax
    /// that this Node cannot run.
    #[must_use]
    pub fn permanent(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
            permanent: true,
            code: Code::StartFailed,
        }
    }

    /// A failure that may be temporary, such as a full process table.
    #[must_use]
    pub fn transient(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
            permanent: false,
            code: Code::StartFailed,
        }
    }

    /// A failure of the operating system: permanent where a retry meets the same state of the
    /// machine, such as a read-only file system, and transient where a resource is used up.
    #[must_use]
    pub fn from_io(message: impl Into<String>, error: &io::Error) -> Self {
        use io::ErrorKind::{
            ArgumentListTooLong, InvalidFilename, InvalidInput, IsADirectory, NotADirectory,
            NotFound, PermissionDenied, ReadOnlyFilesystem,
        };
        let permanent = matches!(
            error.kind(),
            ArgumentListTooLong
                | InvalidFilename
                | InvalidInput
                | IsADirectory
                | NotADirectory
                | NotFound
                | PermissionDenied
                | ReadOnlyFilesystem
        );
        Self {
            permanent,
            hint: exhaustion_hint(error).map(str::to_owned),
            ..Self::transient(message)
        }
    }

    /// Sets the code, unless the failure has one of its own.
    #[must_use]
    pub fn code(mut self, code: Code) -> Self {
        if self.code == Code::StartFailed {
            self.code = code;
        }
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// What to do about a resource that is used up.
fn exhaustion_hint(error: &io::Error) -> Option<&'static str> {
    match Errno::from_io_error(error)? {
        Errno::MFILE => Some(
            "fulcrum itself has no file descriptor left: start it with a higher limit, `ulimit -n` or \
             LimitNOFILE= of systemd",
        ),
        Errno::NFILE => Some(
            "the machine has no file descriptor left: raise fs.file-max, or end what holds them",
        ),
        _ => None,
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        // A diagnostic of the configuration has one of its own.
        match self.message.contains("[FUL") {
            true => Ok(()),
            false => write!(f, " [{}]", self.code),
        }
    }
}

impl std::error::Error for StartError {}
