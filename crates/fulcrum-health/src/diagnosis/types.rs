//! What a diagnosis is made from, and the diagnosis.

use crate::code::Code;
use crate::exit::ProgramKind;

/// How many of the last lines of standard error are worth reading: V8's own report is long.
pub const DIAGNOSED_LINES: usize = 100;

/// What is known about an exit.
#[derive(Debug, Clone, Copy, Default)]
pub struct ExitContext<'a> {
    /// The last lines of standard error, about [`DIAGNOSED_LINES`] of them.
    pub stderr: &'a [String],
    /// The last lines of standard output, about as many.
    pub stdout: &'a [String],
    /// The message of the last line of level error or fatal, on either stream.
    pub logged_error: Option<&'a str>,
    /// Whose exit codes the program's are.
    pub kind: ProgramKind,
    /// The exit code, if the process exited by itself.
    pub code: Option<i32>,
    /// The signal's number, if a signal ended it.
    pub signal: Option<i32>,
    /// The domain's directory, absolute. Paths are shown relative to it. Empty if unknown.
    pub domain_dir: &'a str,
    /// The app's root, absolute, for files outside the domain's directory. Empty if unknown.
    pub app: &'a str,
}

/// The cause of an exit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// What kind of cause it is.
    pub code: Code,
    /// What is wrong, in one line without a full stop.
    pub cause: String,
    /// What to do about it, in one line; empty where the cause is enough.
    pub hint: String,
    /// A restart without a change cannot help.
    pub permanent: bool,
    /// The address that another process listens on, as Node writes it: `127.0.0.1:3001`,
    /// `:::3001`, `/run/a.sock`.
    pub address_in_use: Option<String>,
}

impl Diagnosis {
    /// A cause that may pass.
    pub(super) fn transient(cause: impl Into<String>, hint: impl Into<String>) -> Option<Self> {
        Some(Self {
            // The table of rules has the code of each.
            code: Code::ReportedError,
            cause: cause.into(),
            hint: hint.into(),
            permanent: false,
            address_in_use: None,
        })
    }

    /// A cause that no restart removes.
    pub(super) fn permanent(cause: impl Into<String>, hint: impl Into<String>) -> Option<Self> {
        Self::transient(cause, hint).map(|diagnosis| Self {
            permanent: true,
            ..diagnosis
        })
    }
}
