//! Diagnostics of a configuration: message, location and hint.

use std::fmt;
use std::path::PathBuf;

use crate::code::Code;

/// The severity of a [`Diagnostic`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// The configuration can be used, but something is probably a mistake.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// A position in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// The file, relative to the app root where it is inside it.
    pub file: PathBuf,
    /// The line, counted from 1; 0 means the file as a whole.
    pub line: u32,
    /// The column in characters, counted from 1; 0 means the line as a whole.
    pub column: u32,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escape_control(&self.file.to_string_lossy()))?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
            if self.column > 0 {
                write!(f, ":{}", self.column)?;
            }
        }
        Ok(())
    }
}

/// One diagnostic of a configuration.
///
/// Its `Display` is `FILE:LINE:COLUMN: error[CODE]: message`, or `warning[CODE]`, then the hint on a line of its own. Control
/// characters from the input are escaped, so that printing is safe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether the configuration can still be used.
    pub severity: Severity,
    /// What it is about.
    pub code: Code,
    /// Where it is; none if it is not in a file (a variable, a flag, a missing app).
    pub at: Option<Location>,
    /// What is wrong, on one line.
    pub message: String,
    /// What to do about it, if known.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// An error without location and hint.
    pub(crate) fn error(code: Code, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            at: None,
            message: message.into(),
            hint: None,
        }
    }

    /// A warning without location and hint.
    pub(crate) fn warning(code: Code, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, message)
        }
    }

    /// Sets the hint.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Sets the location.
    pub(crate) fn at(mut self, location: Option<Location>) -> Self {
        self.at = location;
        self
    }

    /// Sets a file as a whole as the location.
    pub(crate) fn in_file(self, file: impl Into<PathBuf>) -> Self {
        self.at(Some(Location {
            file: file.into(),
            line: 0,
            column: 0,
        }))
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(location) = &self.at {
            write!(f, "{location}: ")?;
        }
        write!(f, "{}[{}]: ", self.severity, self.code)?;
        f.write_str(&escape_control(&self.message))?;
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {}", escape_control(hint))?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

/// The largest number of diagnostics that are reported, since a malformed file may cause any number.
pub(crate) const MAX_DIAGNOSTICS: usize = 500;

/// Sorts diagnostics: those without a file first, then by file, line and column. Exact duplicates
/// are removed, and so are those beyond [`MAX_DIAGNOSTICS`], which is reported.
pub(crate) fn sort(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by(|a, b| a.at.cmp(&b.at).then(a.severity.cmp(&b.severity)));
    diagnostics.dedup();
    if diagnostics.len() > MAX_DIAGNOSTICS {
        diagnostics.truncate(MAX_DIAGNOSTICS);
        let message = format!("more than {MAX_DIAGNOSTICS} diagnostics; the rest is not shown");
        diagnostics.push(Diagnostic::error(Code::TooMany, message).hint("is this the right file?"));
    }
}

/// Text from the input between backticks, truncated to a readable length.
pub(crate) fn quoted(text: &str) -> String {
    const MAX_CHARS: usize = 80;
    let text = escape_control(text);
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("`{}…`", &text[..end]),
        None => format!("`{text}`"),
    }
}

/// Escapes control characters (`\u{1b}`), so that no input can control a terminal.
fn escape_control(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let is_bidi_control = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || is_bidi_control {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn location_message_and_hint_are_printed() {
        let diagnostic = Diagnostic::error(Code::UnknownKey, "unknown key `restrat`")
            .at(Some(Location {
                file: "domains/users/fulcrum.yml".into(),
                line: 3,
                column: 1,
            }))
            .hint("did you mean `restart`?");
        assert_eq!(
            diagnostic.to_string(),
            "domains/users/fulcrum.yml:3:1: error[FUL0120]: unknown key `restrat`\n  hint: did you mean `restart`?"
        );
    }

    #[test]
    fn control_characters_are_escaped() {
        let diagnostic = Diagnostic::error(
            Code::InvalidValue,
            format!("bad {}", quoted("a\u{1b}[2Jb\n")),
        )
        .in_file("\u{7}f");
        let text = diagnostic.to_string();
        assert!(!text.chars().any(char::is_control), "{text:?}");
        assert!(text.contains("a\\u{1b}[2Jb"), "{text}");
    }

    #[test]
    fn long_input_is_truncated() {
        assert!(quoted(&"ä".repeat(10_000)).chars().count() < 100);
    }
}
