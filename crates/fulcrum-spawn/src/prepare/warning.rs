//! Warnings about a start that goes on.

use std::fmt;

/// Something a person should know about a start that goes on all the same, in plain words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartWarning(String);

impl StartWarning {
    /// A notice with this text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Its text, one line.
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
