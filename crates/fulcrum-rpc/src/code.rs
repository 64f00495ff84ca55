//! The codes of warnings about connections and messages.

use std::fmt;

/// What a warning is about. Its `Display` is the stable code that is printed with it, such as `FUL0621`;
/// the numbers are never reused, and `docs/errors` has an explanation of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum WarningCode {
    /// A connection was closed, or a request was refused.
    ConnectionClosed = 620,
    /// A domain registers with two names.
    OtherName = 621,
    /// A message was dropped.
    MessageDropped = 622,
    /// A message could not be handled.
    HandlingFailed = 623,
}

impl fmt::Display for WarningCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FUL{:04}", *self as u16)
    }
}
