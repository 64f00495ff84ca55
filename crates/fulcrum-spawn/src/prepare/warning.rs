//! Warnings about a start that goes on.

use std::fmt;

/// A warning about a start that goes on: one line of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartWarning(String);

impl StartWarning {
    /// A warning with this text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StartWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
