//! What tidy finds.

use std::fmt;

/// Something that isn't as it should be: where, what, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Finding {
    /// Relative to the repository's root.
    pub(super) file: String,
    /// From 1.
    pub(super) line: usize,
    /// A warning is told and fails nothing.
    pub(super) warning: bool,
    what: String,
    cure: String,
}

impl Finding {
    pub(super) fn error(
        file: impl Into<String>,
        line: usize,
        what: impl Into<String>,
        cure: impl Into<String>,
    ) -> Self {
        Finding {
            file: file.into(),
            line,
            warning: false,
            what: what.into(),
            cure: cure.into(),
        }
    }

    pub(super) fn warning(
        file: impl Into<String>,
        line: usize,
        what: impl Into<String>,
        cure: impl Into<String>,
    ) -> Self {
        Finding {
            warning: true,
            ..Finding::error(file, line, what, cure)
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding {
            file,
            line,
            warning,
            what,
            cure,
        } = self;
        let warning = if *warning { "warning: " } else { "" };
        write!(f, "{file}:{line}: {warning}{what}; {cure}")
    }
}
