//! Whether a domain without a stream will have one.

use std::time::Duration;

/// Whether calls of a domain without a stream wait for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// Nothing is known of the domain: its calls fail at once.
    Unknown,
    /// The domain is to run, so it will register: its calls wait, at most this long.
    Coming(Duration),
    /// The domain does not run and will not be started by itself, for this reason: its calls fail
    /// at once.
    NotComing(String),
}

impl Outlook {
    /// Whether calls wait.
    pub(crate) fn is_coming(&self) -> bool {
        matches!(self, Self::Coming(_))
    }
}
