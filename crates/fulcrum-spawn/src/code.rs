//! The codes of failed starts and of warnings about processes.

use std::fmt;

/// Why a start failed, or what is wrong with a process. Its `Display` is the stable code that is printed
/// with it, such as `FUL0201`; the numbers are never reused, and `docs/errors` has an explanation of
/// each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
#[non_exhaustive]
pub enum Code {
    /// A start failed, for the reason in its text.
    StartFailed = 200,
    /// No Node fits.
    NoNode = 201,
    /// Bun or Deno is missing.
    NoRuntime = 202,
    /// The code of a domain cannot be run.
    InvalidCode = 203,
    /// A program does not exist or cannot be executed.
    CannotRun = 204,
    /// Packages could not be installed.
    InstallFailed = 205,
    /// The cache cannot be written.
    CacheUnwritable = 206,
    /// The cleanup guard does not run.
    NoGuard = 210,
    /// The run record cannot be written.
    NoRunRecord = 211,
    /// An earlier instance left something.
    StaleRun = 212,
    /// A file takes long to compile.
    SlowCompile = 213,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FUL{:04}", *self as u16)
    }
}
