//! Why an attempt came to no response.

use std::fmt;

/// A request without a response, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SendError(String);

impl SendError {
    pub(super) fn new(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
