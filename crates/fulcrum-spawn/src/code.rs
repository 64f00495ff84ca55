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

/// A reason without its code, for a sentence around it: the domain that it is about has it with the
/// code.
pub(crate) fn without_code(reason: &str) -> String {
    // ` [FUL0343]`
    const LENGTH: usize = 10;
    match reason.find(" [FUL") {
        Some(at) if reason.as_bytes().get(at + LENGTH - 1) == Some(&b']') => {
            format!("{}{}", &reason[..at], &reason[at + LENGTH..])
        }
        _ => reason.to_owned(),
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FUL{:04}", *self as u16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_a_reason_is_left_out() {
        let reason = format!("exit 1: boom [{}]", Code::StartFailed);
        assert_eq!(without_code(&reason), "exit 1: boom");
        assert_eq!(without_code("exit 1 [FUL0343]; 8 times"), "exit 1; 8 times");
        for other in ["exit 1 (see [a])", "x [FUL", "x [FULäöüß"] {
            assert_eq!(without_code(other), other);
        }
    }
}
