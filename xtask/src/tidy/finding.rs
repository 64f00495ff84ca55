//! What tidy finds.

use std::fmt;

/// A violation of a rule: where, what, and how to resolve it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Finding {
    /// Relative to the repository's root.
    pub(super) file: String,
    /// From 1.
    pub(super) line: usize,
    /// A warning is printed and fails nothing.
    pub(super) warning: bool,
    message: String,
    hint: String,
}

impl Finding {
    pub(super) fn error(
        file: impl Into<String>,
        line: usize,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Finding {
            file: file.into(),
            line,
            warning: false,
            message: message.into(),
            hint: hint.into(),
        }
    }

    pub(super) fn warning(
        file: impl Into<String>,
        line: usize,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Finding {
            warning: true,
            ..Finding::error(file, line, message, hint)
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding {
            file,
            line,
            warning,
            message,
            hint,
        } = self;
        let warning = if *warning { "warning: " } else { "" };
        write!(f, "{file}:{line}: {warning}{message}; {hint}")
    }
}
