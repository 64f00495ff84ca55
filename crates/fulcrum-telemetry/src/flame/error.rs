//! Why a text is no CPU profile.

use std::fmt;

/// A text is no CPU profile of V8.
#[derive(Debug)]
pub struct ProfileError(String);

impl ProfileError {
    pub(super) fn new(reason: impl fmt::Display) -> Self {
        Self(reason.to_string())
    }
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a CPU profile of V8: {}", self.0)
    }
}

impl std::error::Error for ProfileError {}
