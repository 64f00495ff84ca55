//! Why a start didn't come about.

use std::fmt;

/// A start that failed: what happened, what to do, and whether trying again could help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartError {
    /// What happened and where, in a sentence.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// A retry can't help: a person has to change something first.
    pub permanent: bool,
}

impl StartError {
    /// A failure that no retry can cure, such as a missing program or an entry with a syntax that
    /// this Node can't run.
    #[must_use]
    pub fn permanent(what: impl Into<String>) -> Self {
        Self {
            message: what.into(),
            hint: None,
            permanent: true,
        }
    }

    /// A failure that may pass by itself, such as a full process table.
    #[must_use]
    pub fn transient(what: impl Into<String>) -> Self {
        Self {
            message: what.into(),
            hint: None,
            permanent: false,
        }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, cure: impl Into<String>) -> Self {
        self.hint = Some(cure.into());
        self
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(cure) = &self.hint {
            write!(f, " ({cure})")?;
        }
        Ok(())
    }
}

impl std::error::Error for StartError {}
